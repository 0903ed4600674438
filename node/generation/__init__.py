"""Generation on a node: a durable queue, the worker process beside it, and recording before release.

`service.py` takes a job from `asking.py` through `process.py` and `recording.py`, and `progress.py` tells clients how
far it is. Torch is in the worker, never here.
"""
