"""The faces of a running node: REST for clients, and the peer port for other nodes.

A route checks its request, asks one of the rooms below, and answers. Reads are FastAPI routes; the two submit routes
are raw ASGI, for speed.
"""
