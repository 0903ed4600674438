"""Node to node: mutually authenticated TLS 1.3, one stream of frames per direction, and questions to others.

What a node *answers* to others is in `api/peer_port`.
"""
