"""Node to node: mutually authenticated TLS 1.3, one stream of frames per direction, and questions to other nodes.

What a node *answers* to others is in `api/peer_port`, but for the stream, whose two ends are in `network.py`.
"""
