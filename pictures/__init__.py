"""Everything that knows pixels and the files they come in, and nothing of chains, nodes, networks or torch.

Bytes of strangers are read here, so every function bounds what it takes and raises `PictureError` only.
"""
