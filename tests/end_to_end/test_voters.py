"""Real processes: the checklists of docs/operate.md, "Change who votes".

Each is walked by the commands of the page while payments go on. At every step a node is killed with -9 and started
again, and the step is given again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from operators import (
    ADMINISTRATORS,
    addresses,
    client,
    command,
    decided,
    given,
    gone,
    holds_at_last,
    joined,
    killed,
    let_in,
    level,
    more,
    paying,
    prepared,
    standing,
    until,
    voted,
    voters,
)

from devnet.cluster import Cluster, free_ports
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger.names import org_of
from ledger.receipt import ReceiptRefused, encode_receipt, verify_receipt
from node.cli.main import cli
from node.ground.config import load_config

FOUNDERS = ["node1", "node2", "node3"]


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """As many founders as a test asks for, and three of them else."""
    cluster = Cluster.create(tmp_path / "devnet", getattr(request, "param", 3))
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def changes(cluster: Cluster, at: str) -> int:
    """How often the voters have changed, as a node sees it; -1 while it does not say."""
    try:
        return standing(cluster, at).changes
    except ConnectionError:
        return -1


def test_an_org_is_added_with_a_voter(cluster: Cluster, tmp_path: Path) -> None:
    root = cluster.root / "accounts" / "root@museum.key"
    made = CliRunner().invoke(cli, ["--json", "keys", "new", str(root)])
    org = {"type": "org.add", "org": "museum", "title": "The Museum", "account": "root@museum"}
    org["key"] = json.loads(made.output)["key"]
    with paying(cluster, FOUNDERS) as stream:
        with killed(cluster, cluster.wait_leader()):
            voted(cluster, org, tmp_path / "changes.json")
        add = prepared(cluster, "museum1", *addresses(cluster, FOUNDERS))
        with killed(cluster, cluster.wait_leader()):
            given(cluster, "root@museum", *add, done="NODE_EXISTS")
        joined(cluster, "museum1")

        leader = cluster.wait_leader()
        other = next(name for name in FOUNDERS if name != leader)
        with killed(cluster, leader, when=lambda: changes(cluster, other) == 1):
            decided(cluster, "set-voter", "museum1")
        assert voters(cluster, "museum1") == ["museum1", *FOUNDERS]
        with killed(cluster, "museum1"):
            more(stream)

    holds_at_last(cluster, stream, ["museum1", *FOUNDERS])


def test_a_lost_node_is_replaced_while_it_stays_down(cluster: Cluster) -> None:
    with paying(cluster, FOUNDERS) as stream:
        cluster.kill("node3")
        shutil.rmtree(cluster.home("node3") / "data")
        let_in(cluster, "node3b", TREASURER)
        leader = cluster.wait_leader()
        with killed(cluster, leader, when=lambda: changes(cluster, "node3b") == 1):
            decided(cluster, "replace", "node3", "node3b", by=[TREASURER, STUDIO, EDITOR])
        with killed(cluster, "node3b"):
            decided(cluster, "replace", "node3", "node3b", by=[TREASURER])
        assert voters(cluster, "node1") == ["node1", "node2", "node3b"]

    holds_at_last(cluster, stream, ["node1", "node2", "node3b"])


def test_a_key_is_rotated_while_the_node_that_leaves_leads(cluster: Cluster) -> None:
    """The new node votes before the old one is removed; both changes are proven by every receipt from then on."""
    with paying(cluster, FOUNDERS) as stream:
        old = cluster.wait_leader()
        own = administrator_of(cluster, old)
        let_in(cluster, "anew", own)
        with killed(cluster, old, when=lambda: changes(cluster, "anew") == 1):
            decided(cluster, "replace", old, "anew", by=[own, *ADMINISTRATORS])
        decided(cluster, "replace", old, "anew", by=[own])
        gone(cluster, old, "anew")
        names = sorted({"anew", *FOUNDERS} - {old})
        assert voters(cluster, "anew") == names
        with killed(cluster, cluster.wait_leader()):
            more(stream)

    with client(cluster, CREATOR, "anew") as creator:
        receipt = creator.receipt(stream.acknowledged[-1])
    assert len(receipt.epochs) == 2
    with pytest.raises(ReceiptRefused, match="names other voters"):
        verify_receipt(encode_receipt(replace(receipt, epochs=receipt.epochs[:1])), cluster.genesis)
    holds_at_last(cluster, stream, names)


def test_an_org_is_retired(cluster: Cluster, tmp_path: Path) -> None:
    with paying(cluster, FOUNDERS) as stream:
        with killed(cluster, cluster.wait_leader()):
            decided(cluster, "set-voter", "node3", "--does-not")
        with killed(cluster, "node1"):
            given(cluster, TREASURER, "node", "remove", "node3", done="NODE_UNKNOWN")
        gone(cluster, "node3", "node2")
        with killed(cluster, "node2"):
            voted(cluster, {"type": "org.remove", "org": "club"}, tmp_path / "changes.json")
        assert "the org of treasury@club is suspended" in command(cluster, TREASURER, "node", "list").output

    assert voters(cluster, "node1") == ["node1", "node2"]
    holds_at_last(cluster, stream, ["node1", "node2"])


def test_a_voter_moves_to_another_host(cluster: Cluster, tmp_path: Path) -> None:
    """Its directory is moved, never copied; the others are told where it is, and need no restart."""
    with paying(cluster, FOUNDERS) as stream:
        moving = cluster.wait_leader()
        own = administrator_of(cluster, moving)
        given(cluster, own, "node", "set-address", moving, load_config(cluster.home(moving) / "node.toml").peers.listen)
        others = [name for name in FOUNDERS if name != moving]
        for name in others:
            cluster.stop(name)
            unlist(cluster, name, moving)
            cluster.start(name)
            cluster.wait_ready([name])
        cluster.kill(moving)
        (port,) = free_ports(1)
        listen(cluster, moving, port)
        (cluster.home(moving) / "data").rename(tmp_path / "volume")
        cluster.set(moving, "node", data=str(tmp_path / "volume"))
        with killed(cluster, cluster.wait_leader()):
            given(cluster, own, "node", "set-address", moving, f"127.0.0.1:{port}")
        cluster.start(moving)
        until(lambda: level(cluster, moving))
        cluster.kill(others[0])
        more(stream)
        cluster.start(others[0])
        cluster.wait_ready([others[0]])

    (tmp_path / "volume").rename(cluster.home(moving) / "data")
    holds_at_last(cluster, stream, FOUNDERS)


def administrator_of(cluster: Cluster, node: str) -> str:
    """Of the org that founded with a node."""
    org = next(one.org for one in cluster.genesis.nodes if one.name == node)
    return next(account for account in ADMINISTRATORS if org_of(account) == org)


def listen(cluster: Cluster, name: str, port: int) -> None:
    """Give a node that does not run another peer port."""
    before, file = load_config(cluster.home(name) / "node.toml").peers.listen, cluster.home(name) / "node.toml"
    file.write_text(file.read_text().replace(f'listen = "{before}"', f'listen = "127.0.0.1:{port}"'))


def unlist(cluster: Cluster, name: str, other: str) -> None:
    """Take a node's line for another out of its settings."""
    file = cluster.home(name) / "node.toml"
    text, count = re.subn(rf'^{other} = ".*"\n', "", file.read_text(), flags=re.M)
    assert count == 1, text
    file.write_text(text)


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_one_node_grows_to_three_and_becomes_one_again(cluster: Cluster) -> None:
    with paying(cluster, ["node1"]) as stream:
        for count, (name, account) in enumerate((("agency1", EDITOR), ("club1", TREASURER)), 1):
            let_in(cluster, name, account)
            with killed(cluster, name, when=lambda count=count: changes(cluster, "node1") >= count):
                decided(cluster, "set-voter", name)
        assert voters(cluster, "node1") == ["agency1", "club1", "node1"]
        with killed(cluster, "node1"):
            decided(cluster, "set-voter", "club1", "--does-not")
        decided(cluster, "set-voter", "agency1", "--does-not")
        assert voters(cluster, "node1") == ["node1"]

    holds_at_last(cluster, stream, ["agency1", "club1", "node1"])


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_a_node_joins_when_all_founders_are_gone(cluster: Cluster, tmp_path: Path) -> None:
    """It is introduced to the members of now, asks them until its own chain knows them, and then votes."""
    with paying(cluster, ["node1"]) as stream:
        let_in(cluster, "second", STUDIO)
        more(stream)
    decided(cluster, "replace", "node1", "second")
    decided(cluster, "replace", "node1", "second", by=[STUDIO])
    until(lambda: cluster.pid("node1") is None)

    members = tmp_path / "members.json"
    members.write_text(given(cluster, STUDIO, "--json", "node", "list"))
    given(cluster, EDITOR, *prepared(cluster, "third", "--members", str(members)), done="NODE_EXISTS")
    joined(cluster, "third")
    decided(cluster, "set-voter", "third")
    assert voters(cluster, "third") == ["second", "third"]
    holds_at_last(cluster, stream, ["second", "third"])


def test_a_voter_that_was_down_while_it_was_let_vote_no_more_follows_once_it_starts(cluster: Cluster) -> None:
    """Nobody has pruned anything, and no leader speaks to it any more."""
    cluster.kill("node3")
    decided(cluster, "set-voter", "node3", "--does-not")
    newest = cluster.status("node1")["height"]

    cluster.start("node3")

    until(lambda: cluster.status("node3").get("height", -1) >= newest)
    assert voters(cluster, "node3") == ["node1", "node2"]
