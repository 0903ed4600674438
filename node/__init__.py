"""The shell: everything that can fail. HTTP, peers, disk, clock, processes, command line and pages.

Start at `run.py` (what a node is made of), then `driver.py` (how consensus meets disk, peers and chain) and
`chain.py` (how blocks meet state). Importing this package never imports torch.
"""
