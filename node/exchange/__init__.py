"""Content and keys between members.

`replicator.py` fetches the content that this node lacks, `releases.py` gives keys that a decision on the chain allows.
Nothing here decides by itself: the chain says what is wanted and who may see it.
"""
