"""What a node keeps on disk: the log, durable before anything is said about it, and the state, which can be replayed."""
