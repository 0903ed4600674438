"""The chain as one node holds it: executed, committed, read, proven.

`chain.py` holds the state and the blocks that are not final yet, `finals.py` those that are. `commits.py` tells whoever
follows what becomes final, `reading.py` hands out turns of the event loop to those who read. Nothing here orders
blocks, speaks to other nodes or answers clients.
"""
