"""Generation on a node: a durable queue, the worker process beside it, and recording before release."""
