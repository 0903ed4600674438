"""Node to node: mutually authenticated TLS 1.3, one stream of frames per direction, and a few requests."""
