"""The shell: everything that can fail. HTTP, peers, disk, clock, processes, command line and pages.

Its rooms, from the top; each may import those below it, never above, and `lint-imports` checks that:

    cli, run        the command, and what a running node is made of
    api             what a node answers to clients and to other nodes
    keeping         founding, archives, audits, backups
    generation, verification, transparency
    snapshots       joining, following, recovering
    exchange        content and keys between members
    peers           streams and questions to other nodes
    ordering        mempool, proposer, driver, certificates
    policies        trying and explaining policies
    chain           state and blocks, executed and final
    content         pictures' bytes, and the openings of prompts
    storage         databases, and the data directory
    ground          settings, logs, metrics

Start at `run.py`, then `ordering/driver.py` (how consensus meets disk, peers and chain) and `chain/chain.py`
(how blocks meet state). Importing this package never imports torch.
"""
