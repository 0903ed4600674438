"""The shell: everything that can fail. HTTP, peers, disk, clock, processes, command line and pages.

Its rooms, from the top; each may import those below it, never above, and `lint-imports` checks that:

    cli             the command
    run             what a running node is made of, and how it starts and stops
    api             what a node answers to clients and to other nodes
    keeping         founding, archives, audits, backups
    generation      pictures made, and recorded before they are released
    verification    what the chain knows of a picture that somebody brings
    transparency    receipts, notes and statements for strangers
    snapshots       how a node comes to hold a chain that it did not see
    exchange        content and keys between members
    peers           streams and questions to other nodes
    ordering        mempool, proposer, driver, certificates
    policies        trying and explaining policies
    chain           state and blocks, executed and final
    content         pictures' bytes, and the openings of prompts
    decoding        strangers' pictures decoded, in processes that can do nothing else
    storage         databases, and the data directory
    ground          settings, logs, metrics, waiting for changes

The three services in the middle do not know each other. Why each room is one, and what a request does in them, is
told in docs/architecture.md.

Start at `run.py`, then `ordering/driver.py` (how consensus meets disk, peers and chain) and `chain/chain.py`
(how blocks meet state). Importing this package never imports torch.
"""
