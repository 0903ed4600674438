"""Generation on a node: a durable queue, the worker process beside it, and recording before release.

Torch is in the worker, never here.
"""
