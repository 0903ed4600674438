"""What a node keeps on disk.

The Raft log is durable before anybody is told of what stands in it. The state and its indexes are not synced, because
they can be made again from the Raft log. `directory.py` says whether a data directory may be used at all.
"""
