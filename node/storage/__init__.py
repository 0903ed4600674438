"""What a node keeps on disk: the log, durable before it is spoken of, and the state, which can be replayed."""
