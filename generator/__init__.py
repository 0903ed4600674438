"""Makes pictures and fingerprints: everything that knows pixels, in a process of its own.

Only `pipeline` imports torch, so that a node can recognise pictures without being able to make any.
"""
