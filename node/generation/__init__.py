"""Generation on a node: a durable queue, those who work on it, and recording before release.

`service.py` queues what `asking.py` lets in. `queue.py` gives jobs, under leases, to the process beside the node
(`own.py`, `process.py`) and to workers on other machines (`pulled.py`), and `progress.py` tells clients how far they
are. Torch is in the workers, never here.
"""
