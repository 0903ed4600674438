"""How transactions become blocks at this node: admission, waiting, proposing, consensus, certificates.

`driver.py` moves consensus, `submitter.py` is where clients' transactions come in. Nothing here opens a connection:
what the driver needs of other nodes is a Protocol.
"""
