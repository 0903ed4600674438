"""What it takes to find the piece of a file, as Filecoin knows it.

    python -m bench.pieces [--megabytes 32]

On one core, in time of this process. The ratio is to the SHA-256 of two nodes, called as often as the tree has pairs of
them, and nothing else.
"""

from __future__ import annotations

import argparse
import secrets
import time
from hashlib import sha256

from remarque.pieces import STEP, PieceHasher

TIMES = 5
"""Of which the fastest counts."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.pieces", description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=32)
    steps = max(1, parser.parse_args().megabytes * 1_000_000 // STEP)
    data = secrets.token_bytes(steps * STEP)
    nodes = steps * STEP // 127 * 4
    ours = min(_piece_seconds(data) for _ in range(TIMES))
    calls = min(_call_seconds(nodes, data[:64]) for _ in range(TIMES))
    per_megabyte = 1_000 / (len(data) / 1_000_000)
    print(f"piece {ours * per_megabyte:.1f} ms/MB, SHA-256 alone {calls * per_megabyte:.1f}: {ours / calls:.2f} to one")


def _piece_seconds(data: bytes) -> float:
    hasher, start = PieceHasher(), time.process_time()
    for at in range(0, len(data), STEP):
        hasher.update(data[at : at + STEP])
    hasher.piece()
    return time.process_time() - start


def _call_seconds(calls: int, node_pair: bytes) -> float:
    start = time.process_time()
    for _ in range(calls):
        sha256(node_pair).digest()
    return time.process_time() - start


if __name__ == "__main__":
    main()
