"""How long nothing is committed when the voters change, on three processes and a fourth that follows.

    python -m bench.membership [--rounds 5]

In each round the fourth node is let vote, is let vote no more, and takes the place of the leader, which is removed;
then another fourth node joins. Clients pay meanwhile, one after the other, by way of the voters that stay. The gap is
the longest time without a receipt of any client, from when the deciding vote is sent to two seconds after the change
is done; the reference is that of the same load while nothing is changed. At the end every receipt is looked for on
every node.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.takeovers import QUIET_SECONDS, SETTLE_SECONDS, Load
from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger.actions import AddNode, RemoveNode
from ledger.governance import AnyChange, ReplaceNode, SetVoter
from ledger.names import org_of
from ledger.node_certificate import make_certificate
from node.ground.config import load_config
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.errors import NodeCode, RemarqueError

NODES = 3
ADMINISTRATORS = {org_of(account): account for account in (STUDIO, EDITOR, TREASURER)}
LEVEL_SECONDS_MAX = 60.0


class Consortium:
    """A cluster whose voters change."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.voters = list(cluster.names)
        self.orgs = {node.name: node.org for node in cluster.genesis.nodes}
        self.transactions: list[str] = []
        """Of which a receipt came back."""
        self._added = 0

    def client(self, account: str) -> Client:
        return Client([self.cluster.url(name) for name in self.voters], account, self.cluster.key(account))

    def let_in(self, org: str) -> str:
        """A further node of an org, once it has the chain."""
        self._added += 1
        name = f"more{self._added}"
        with self.client(ADMINISTRATORS[org]) as client:
            key = self.cluster.prepare_observer(name, client.nodes())
            address = load_config(self.cluster.home(name) / "node.toml").peers.listen
            client.submit(AddNode(node=name, key=key.public, certificate=make_certificate(key).hex(), address=address))
        self.orgs[name] = org
        self.cluster.start(name)
        deadline = time.monotonic() + LEVEL_SECONDS_MAX
        while self.cluster.status(name).get("height", -1) < self.cluster.status(self.voters[0])["height"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} has not joined after {LEVEL_SECONDS_MAX:.0f} s")
            time.sleep(0.05)
        return name

    def proposed(self, change: AnyChange) -> Callable[[], None]:
        """A change that lacks one vote; what casts that vote, again as long as the leader finds the nodes not ready."""
        first, last = list(ADMINISTRATORS.values())[:2]
        with self.client(first) as client:
            proposal = client.propose(change, lasting=1)[0]

        def decide() -> None:
            with self.client(last) as client:
                while True:
                    try:
                        client.vote(proposal, approve=True)
                        return
                    except RemarqueError as error:
                        if error.code != NodeCode.VOTERS_NOT_READY.name:
                            raise

        return decide

    async def gap(self, names: list[str], change: Callable[[], None]) -> tuple[float, int]:
        """The gap in milliseconds while something is changed, by way of some nodes; and requests that failed."""
        load = Load(self.cluster, names)
        paying = asyncio.create_task(load.run())
        await asyncio.sleep(SETTLE_SECONDS)
        moment, failed = time.monotonic(), load.failed
        await asyncio.to_thread(change)
        await asyncio.sleep(QUIET_SECONDS)
        gap = load.longest_gap(moment)
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
        self.transactions += load.transactions
        return gap, load.failed - failed

    def round(self) -> dict[str, tuple[float, int]]:
        """The gaps of one round, by what is changed."""
        leader = self.cluster.wait_leader()
        spare = self.let_in(self.orgs[leader])
        staying = [name for name in self.voters if name != leader]
        found = {"nothing": asyncio.run(self.gap(staying, lambda: None))}
        found["add"] = asyncio.run(self.gap(staying, self.proposed(SetVoter(node=spare, votes=True))))
        found["remove"] = asyncio.run(self.gap(staying, self.proposed(SetVoter(node=spare, votes=False))))
        replace = self.proposed(ReplaceNode(node=leader, by=spare))
        self.voters.remove(leader)

        def replaced() -> None:
            replace()
            with self.client(ADMINISTRATORS[self.orgs[spare]]) as client:
                client.submit(RemoveNode(node=leader))

        found["replace"] = asyncio.run(self.gap(list(self.voters), replaced))
        self.voters.append(spare)
        self.cluster.stop(leader)
        self.cluster.names.remove(leader)
        return found

    async def lost(self) -> int:
        """How many transactions of which a receipt came back some voter does not have."""
        found = await asyncio.gather(*(self._missing(name) for name in self.voters))
        return sum(found)

    async def _missing(self, name: str) -> int:
        missing = 0
        async with AsyncClient(self.cluster.url(name), CREATOR, self.cluster.key(CREATOR)) as client:
            for transaction in self.transactions:
                try:
                    await client.receipt(transaction)
                except RemarqueError:
                    missing += 1
        return missing


def main() -> None:
    """Print a line for each kind of change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", NODES)
        cluster.up()
        try:
            consortium = Consortium(cluster)
            rounds = [consortium.round() for _ in range(options.rounds)]
            lost = asyncio.run(consortium.lost())
            for change in rounds[0]:
                gaps = sorted(one[change][0] for one in rounds)
                told = {
                    "change": change,
                    "rounds": len(rounds),
                    "gap_ms_p50": round(gaps[len(gaps) // 2]),
                    "gap_ms_max": round(gaps[-1]),
                    "failed_requests": sum(one[change][1] for one in rounds),
                    "receipts": len(consortium.transactions),
                    "lost": lost,
                    "cpus": os.cpu_count(),
                }
                print(json.dumps(told), flush=True)
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
