"""What operators do to a cluster of processes by the commands of docs/operate.md, while payments go on.

Every step may be cut off by a node that is killed and started again; then the step is given again, as the page says.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from click.testing import CliRunner, Result

from devnet.cluster import Cluster, free_ports
from devnet.load import Stream
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger.receipt import encode_receipt, verify_receipt
from node.cli.exits import Exit
from node.cli.main import cli
from node.ground.config import load_config
from remarque.api.consortium import ConsortiumStanding
from remarque.client import Client

ADMINISTRATORS = (STUDIO, EDITOR, TREASURER)
STEP_SECONDS_MAX = 60.0


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def running(cluster: Cluster) -> list[str]:
    return [name for name in cluster.names if cluster.pid(name) is not None]


def client(cluster: Cluster, account: str, at: str) -> Client:
    return Client(cluster.url(at), account, cluster.key(account))


def standing(cluster: Cluster, at: str) -> ConsortiumStanding:
    with client(cluster, STUDIO, at) as asking:
        return asking.consortium()


def voters(cluster: Cluster, at: str) -> list[str]:
    return [one.node for one in standing(cluster, at).nodes if one.votes]


# Commands


def command(cluster: Cluster, account: str, *words: str) -> Result:
    """A command that somebody gives, to whichever nodes run."""
    nodes = [word for name in running(cluster) for word in ("--node", cluster.url(name))]
    key = str(cluster.root / "accounts" / f"{account}.key")
    return CliRunner().invoke(cli, [*nodes, "--account", account, "--key", key, *words])


def given(cluster: Cluster, accounts: str | Sequence[str], *words: str, done: str = "") -> str:
    """Have accounts give a command in turn until one sees it done: by its exit status, or by a refusal that says so."""
    accounts = [accounts] if isinstance(accounts, str) else accounts
    said, turn, deadline = [], 0, time.monotonic() + STEP_SECONDS_MAX
    while time.monotonic() < deadline:
        found = command(cluster, accounts[turn % len(accounts)], *words)
        if found.exit_code == 0 or (done and done in found.output):
            return found.output
        assert found.exit_code != Exit.USAGE, found.output
        said.append(f"{found.output}{found.exception!r}")
        turn += 1
    raise AssertionError("\n".join(said[-3:]))


def decided(cluster: Cluster, *words: str, by: Sequence[str] = ADMINISTRATORS) -> None:
    """Have administrators give the same walk until one of them sees it done."""
    given(cluster, by, "consortium", *words, "--wait", "1s")


def voted(cluster: Cluster, change: dict[str, object], file: Path, by: Sequence[str] = ADMINISTRATORS) -> None:
    """Put a change to the vote that has no walk of its own, and vote; look first how it stands."""
    file.write_text(json.dumps([change]))
    wanted = {(str(key), str(value)) for key, value in change.items()}

    def proposed() -> list[dict[str, object]]:
        found = json.loads(given(cluster, by[0], "--json", "governance", "list"))
        return [one for one in found if wanted <= {(key, str(value)) for key, value in one["changes"][0].items()}]

    while not proposed():
        command(cluster, by[0], "governance", "propose", str(file))
    while (proposal := proposed()[0])["status"] == "open":
        for account in by[1:]:
            command(cluster, account, "governance", "vote", str(proposal["id"]), "--approve")
    assert proposal["status"] == "passed"


@contextmanager
def killed(cluster: Cluster, name: str, when: Callable[[], object] = lambda: True) -> Iterator[None]:
    """Kill a node with -9 during a step, in some moment of it, and start it again."""

    def fate() -> None:
        until(when)
        cluster.kill(name)
        cluster.start(name)

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(fate)
        yield
        ended.result(STEP_SECONDS_MAX)


def gone(cluster: Cluster, name: str, at: str) -> None:
    """A node is no member any more. One that was down meanwhile is let in by nobody, so its operator stops it."""
    assert name not in {one.node for one in standing(cluster, at).nodes}
    cluster.stop(name)


def prepared(cluster: Cluster, name: str, *words: str) -> list[str]:
    """Prepare a node by the command, with a key that its org has made; the command that it prints, to let it in."""
    key, home = cluster.root / f"{name}.key", cluster.root / "nodes" / name
    peer, api = free_ports(2)
    made = CliRunner().invoke(cli, ["keys", "new", str(key)])
    assert made.exit_code == 0, made.output
    asked = ["--genesis", str(cluster.root / "genesis.json"), "--name", name, "--key", str(key)]
    places = ["--api", f"127.0.0.1:{api}", "--peer", f"127.0.0.1:{peer}"]
    done = CliRunner().invoke(cli, ["node", "prepare", str(home), *asked, *places, *words])
    assert done.exit_code == 0, done.output
    cluster.names = sorted([*cluster.names, name])
    (line,) = [line for line in done.output.splitlines() if line.startswith("let it in with: ")]
    return line.split("remarque ")[1].split()


def addresses(cluster: Cluster, names: list[str]) -> list[str]:
    """The options that name nodes to begin at."""
    found = {name: load_config(cluster.home(name) / "node.toml").peers.listen for name in names}
    return [word for name, address in found.items() for word in ("--address", f"{name}={address}")]


def let_in(cluster: Cluster, name: str, account: str) -> None:
    """A new node of an account's org: prepared, added, started, killed while it joins, and started again."""
    add = prepared(cluster, name, *addresses(cluster, running(cluster)))
    given(cluster, account, *add, done="NODE_EXISTS")
    joined(cluster, name)


def joined(cluster: Cluster, name: str) -> None:
    """Start a node that was let in, kill it as soon as it has anything of the chain, and start it again."""
    cluster.start(name)
    until(lambda: (cluster.home(name) / "data" / "state").exists() or (cluster.home(name) / "data" / "join").exists())
    cluster.kill(name)
    cluster.start(name)
    until(lambda: level(cluster, name))


def level(cluster: Cluster, name: str) -> bool:
    """Whether a node has what the leader has, but for a few blocks."""
    heights = [cluster.status(one).get("height", -1) for one in running(cluster)]
    return cluster.status(name).get("height", -1) >= max(heights) - 10 >= -1


# Payments


@contextmanager
def paying(cluster: Cluster, names: list[str]) -> Iterator[Stream]:
    """What goes on meanwhile: clients that want each transaction's receipt, by way of some nodes."""
    stream = Stream([cluster.url(name) for name in names], CREATOR, cluster.key(CREATOR), pause_seconds=0.1)
    streaming = Thread(target=asyncio.run, args=(stream.run(clients=2),), daemon=True)
    streaming.start()
    more(stream)
    yield stream
    more(stream)
    stream.stop()
    streaming.join(STEP_SECONDS_MAX)
    assert not streaming.is_alive(), "a payment that was sent is never answered"


def more(stream: Stream, count: int = 5) -> None:
    """Wait until so many more were acknowledged."""
    before = len(stream.acknowledged)
    until(lambda: len(stream.acknowledged) >= before + count)


def holds_at_last(cluster: Cluster, stream: Stream, names: list[str]) -> None:
    """What has to be so after every walk.

    Every node that is left has all that was acknowledged, receipts from the beginning and from the end verify with the
    genesis alone, and every node audits clean.
    """
    cluster.wait_ready(names)
    newest = max(cluster.status(name)["height"] for name in names)
    for name in names:
        until(lambda name=name: cluster.status(name).get("height", -1) >= newest)
        assert asyncio.run(stream.missing_on(cluster.url(name))) == []
    with client(cluster, CREATOR, names[0]) as creator:
        for transaction in (stream.acknowledged[0], stream.acknowledged[-1]):
            receipt = creator.receipt(transaction)
            assert verify_receipt(encode_receipt(receipt), cluster.genesis) == receipt
    for name in names:
        cluster.stop(name)
    for name in names:
        words = ["audit", str(cluster.home(name) / "data"), "--genesis", str(cluster.root / "genesis.json")]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
