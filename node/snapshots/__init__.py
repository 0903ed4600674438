"""How a node comes to hold a chain that it did not see: snapshots taken, given, fetched and installed; catching up,
following, and going on after a majority was lost.
"""
