"""Makes pictures, in a process of its own, and attests what it made.

Only `pipeline` imports torch, so that a node can read the worker's protocol without being able to make a picture.
"""
