"""Depots beside the blockstore where an org keeps files: folders, object stores, IPFS daemons.

Nothing that a depot says is believed: what is read from one is held against its content id.
"""
