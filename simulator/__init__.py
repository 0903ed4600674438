"""A cluster simulated in one thread, decided by one seed: real drivers, chains and stores; time, network and disks not.

What a node runs here is what it runs in a process: `Driver`, `Inspector`, `Proposer`, `Chain`, `RaftLogStore`,
`StateStore`, `Submitter`. Simulated are the clock (`loop.py`), the disks beneath the stores (`disk.py`) and the network
(`network.py`). Faults (`faults.py`) are chosen and timed by the seed, clients (`clients.py`) pay each other meanwhile,
and after every event what must hold is checked (`invariants.py`). Then all faults end, and the cluster has to go on.

    python -m simulator --seeds 300            many seeds, with a summary of the faults they met
    python -m simulator --seed 17 --trace      one seed, and what happened in it
"""
