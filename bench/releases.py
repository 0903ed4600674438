"""What it takes to open a confidential picture: with a key that keepers open together, and with one that a node holds.

    python -m bench.releases [--times 100]

Three nodes and the client on this machine. A picture of 100 kB is opened again and again by its owner, each time from
the request on the chain to the plaintext: first while its key is sealed to one node, then, in the same run, once it has
moved over to the consortium's, of which two of three nodes give a share. The reference is the request alone.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR, KEEPERS, STUDIO
from ledger import actions
from ledger.governance import BeginCeremony
from ledger.records import keeper_key
from remarque.api.content import PictureFacts
from remarque.client import Client

PICTURE_BYTES = 100_000
WAIT_SECONDS_MAX = 120.0


def until(done: Callable[[], bool]) -> None:
    """Wait for what comes about by itself."""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("it does not come about")
        time.sleep(0.1)


def make_key(cluster: Cluster) -> None:
    """Have the consortium's key made."""
    with (
        Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as house,
        Client(cluster.urls, EDITOR, cluster.key(EDITOR)) as nadia,
    ):
        names = [keeper_key(one) for one in KEEPERS]
        until(lambda: None not in map(house.state(*names).value, names))
        proposal, _ = house.propose(BeginCeremony(keepers=KEEPERS))
        nadia.vote(proposal, approve=True)
        until(lambda: house.consortium_key() is not None)


def timed(times: int, work: Callable[[], object]) -> list[float]:
    """Milliseconds of each."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1_000)
    return sorted(found)


def told(name: str, found: list[float], reference: float) -> None:
    """Print median and 95th of a hundred, with the ratio to the reference's median."""
    median, late = statistics.median(found), found[int(len(found) * 0.95)]
    print(f"{name:32} p50 {median:6.1f} ms  p95 {late:6.1f} ms  {median / reference:4.1f} transactions")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    times = parser.parse_args().times
    plain = secrets.token_bytes(PICTURE_BYTES)
    digest = hashlib.sha256(plain).hexdigest()
    facts = PictureFacts(
        pixel_digest=digest, file_digest=digest, image_code="", width=256, height=256, media_type="image/png"
    )
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", 3)
        cluster.up()
        try:
            with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
                asset, _ = alice.register(plain, confidential=facts)
                ask = actions.RequestAccess(asset=asset, reader_key=secrets.token_hex(32), purpose="")
                timed(10, lambda: alice.open(asset))
                alone = timed(times, lambda: alice.submit(ask))
                held = timed(times, lambda: alice.open(asset))
                make_key(cluster)
                until(lambda: bool(alice.asset(asset).asset.content.encapsulated))
                timed(10, lambda: alice.open(asset))
                shared = timed(times, lambda: alice.open(asset))
        finally:
            cluster.down()
    reference = statistics.median(alone)
    told("request on the chain alone", alone, reference)
    told("opened, a node holds the key", held, reference)
    told("opened, two of three keepers", shared, reference)


if __name__ == "__main__":
    main()
