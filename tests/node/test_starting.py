"""What a node refuses to start with, each with its own code and the way out."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from devnet.story import EDITOR, STUDIO, plan_of
from ledger.actions import AnyAction, CastVote, Propose
from ledger.block import Certificate, Endorsement, endorse
from ledger.execution.governance import proposal_id
from ledger.governance import ShutOutNode
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from node.chain.chain import Chain
from node.cli.main import cli
from node.ground.config import load_config, split_address
from node.keeping.founding import Plan, found, load_plan, without_administrator
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeError
from remarque.keys.files import load_key
from remarque.trusted_files import load_genesis


@pytest.fixture
def founded(tmp_path: Path) -> Cluster:
    """A one-node devnet that is not started."""
    return Cluster.create(tmp_path / "devnet", 1)


def start(home: Path) -> tuple[int, str]:
    """Exit status and error of a node that should not start."""
    done = subprocess.run(
        [sys.executable, "-m", "node", "node", "run", "--config", str(home / "node.toml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()[-1]


def test_a_wiped_data_directory_is_refused_with_the_way_out(founded: Cluster) -> None:
    home = founded.home("node1")
    shutil.rmtree(home / "data")

    status, error = start(home)

    assert status == 5
    assert "DATA_DIRECTORY_MISSING" in error
    assert "add a node with a new key, and `remarque consortium replace` this one by it" in error


def test_a_copied_data_directory_is_refused_with_the_way_out(founded: Cluster) -> None:
    home = founded.home("node1")
    shutil.copytree(home / "data", home / "copy")
    shutil.rmtree(home / "data")
    shutil.copytree(home / "copy", home / "data")

    status, error = start(home)

    assert status == 5
    assert "DATA_DIRECTORY_CLONED" in error


def test_a_data_directory_of_another_genesis_is_refused(founded: Cluster, tmp_path: Path) -> None:
    other = Cluster.create(tmp_path / "other", 1)
    shutil.copy(other.root / "genesis.json", founded.root / "genesis.json")
    shutil.copy(other.home("node1") / "node.key", founded.home("node1") / "node.key")

    assert "GENESIS_MISMATCH" in start(founded.home("node1"))[1]


def test_another_nodes_key_is_refused(founded: Cluster, tmp_path: Path) -> None:
    other = Cluster.create(tmp_path / "other", 1)
    shutil.copy(other.home("node1") / "node.key", founded.home("node1") / "node.key")

    assert "GENESIS_MISMATCH" in start(founded.home("node1"))[1]


def test_a_data_directory_in_use_is_refused(founded: Cluster) -> None:
    try:
        founded.up()
        assert "DATA_DIRECTORY_LOCKED" in start(founded.home("node1"))[1]
    finally:
        founded.down()


@pytest.mark.parametrize("section", ["api", "peers"])
def test_a_port_in_use_is_refused(founded: Cluster, section: str) -> None:
    home = founded.home("node1")
    config = load_config(home / "node.toml")
    with socket.socket() as taken:
        taken.bind(split_address(getattr(config, section).listen))
        taken.listen()

        status, error = start(home)

    assert status == 5
    assert "PORT_TAKEN" in error


def test_a_damaged_state_is_refused(founded: Cluster) -> None:
    founded.up()
    founded.down()
    for path in (founded.home("node1") / "data" / "log").glob("*.log"):
        data = bytearray(path.read_bytes())
        for place in range(10, len(data), 40):
            data[place] ^= 255
        path.write_bytes(bytes(data))

    status, error = start(founded.home("node1"))

    assert status == 5
    assert "DATA_CORRUPT" in error


def removed(cluster: Cluster, name: str) -> None:
    """A node's own chain says, finally, that it was removed by the vote of two administrators."""
    data, genesis = cluster.home(name) / "data", cluster.genesis
    keys = {one: load_key(cluster.home(one) / "node.key") for one in cluster.names}
    with (
        closing(RaftLogStore(data / "log")) as raft_log,
        closing(StateStore(data / "state")) as state,
    ):
        chain = Chain(genesis, keys[name], name, raft_log, state)
        until_ms = genesis.time_ms + 100_000
        ask = Propose(changes=(ShutOutNode(node=name),), until_ms=until_ms)
        proposed = signed_by(cluster, STUDIO, ask, until_ms)
        ballot = CastVote(proposal=proposal_id(proposed.id, 0), approve=True)
        for height, signed in enumerate((proposed, signed_by(cluster, EDITOR, ballot, until_ms)), 1):
            frame = chain.build((signed,), 1, genesis.time_ms + height)
            raft_log.persist(1, "", None, (RaftEntry(height, 1, frame),))
            assert chain.layers[-1].result.outcomes[0].code == "OK"
        header = chain.hash_at(2)
        signatures = tuple(Endorsement(node=one, signature=endorse(key, header)) for one, key in sorted(keys.items()))
        chain.commit(2, Certificate(height=2, header=header, endorsements=signatures))


def signed_by(cluster: Cluster, account: str, ask: AnyAction, until_ms: int) -> SignedTransaction:
    key = cluster.key(account)
    signer = Signer(account=account, key=key.public)
    return sign(
        Transaction(
            chain=cluster.genesis.chain, signers=(signer,), valid_until_ms=until_ms, nonce="00" * 16, actions=(ask,)
        ),
        [key],
    )


def test_a_node_that_was_removed_is_not_started_again(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 3)
    removed(cluster, "node3")

    status, error = start(cluster.home("node3"))

    assert status == 5
    assert "NODE_REMOVED" in error
    assert "run another in its place" in error


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "node"),
        ("[node]\nname = 'x'\nnam = 'y'", "nam"),
        ("[node]\nname = 7", "name"),
        ("[node", "node"),
        ("\x00", "Invalid"),
    ],
)
def test_settings_that_do_not_hold_are_named(tmp_path: Path, text: str, fact: str) -> None:
    (tmp_path / "node.toml").write_text(text)

    with pytest.raises(NodeError, match="CONFIG_INVALID") as refused:
        load_config(tmp_path / "node.toml")

    assert fact in str(refused.value)


@pytest.mark.parametrize("address", ["", "7000", "host:", ":1", "host:99999", "host:x", "host:٣"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(NodeError, match="CONFIG_INVALID"):
        split_address(address)


def test_a_founded_directory_is_not_founded_again(founded: Cluster) -> None:
    with pytest.raises(NodeError, match="DATA_DIRECTORY_EXISTS"):
        found(plan_of(1, [1, 2], generator=False), founded.root, founded.root)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ('name = "Bad Name"', "name"),
        ('[nodes.n1]\norg = "nowhere"\npeer = "127.0.0.1:1"', "nowhere"),
        ('[accounts."a@nowhere"]', "nowhere"),
        ('[currencies.EUR]\nissuer = "ghost@studio"', "ghost"),
        ('policy = "no-such-file"', "no-such-file"),
    ],
)
def test_a_plan_that_contradicts_itself_founds_nothing(tmp_path: Path, change: str, fact: str) -> None:
    base = 'name = "x"\n[orgs]\nstudio = "S"\n[nodes.n1]\norg = "studio"\npeer = "127.0.0.1:1"\n'
    for section in ("name", "policy"):
        if change.startswith(section):
            base = change + "\n" + base.replace('name = "x"\n', "" if section == "name" else 'name = "x"\n')
            change = ""
    text = (
        base.replace('[nodes.n1]\norg = "studio"\npeer = "127.0.0.1:1"\n', "") + change
        if "[nodes" in change
        else base + change
    )
    (tmp_path / "plan.toml").write_text(text)

    with pytest.raises(NodeError, match="CONFIG_INVALID") as refused:
        found(load_plan(tmp_path / "plan.toml"), tmp_path / "out", tmp_path)

    assert fact in str(refused.value)
    assert not (tmp_path / "out").exists()


A_PLAN = re.search(
    r"```toml\n(name = .*?)```", (Path(__file__).resolve().parents[2] / "docs" / "operate.md").read_text(), re.S
)
"""The plan that docs/operate.md shows."""


def a_plan(change: Callable[[str], str] = lambda text: text) -> Plan:
    assert A_PLAN is not None
    text = re.sub(r"^(key|certificate) = .*\n", "", A_PLAN[1], flags=re.M)
    return msgspec.convert(tomllib.loads(change(text)), Plan)


def test_the_plan_of_the_documents_founds_a_consortium_that_can_govern_itself(tmp_path: Path) -> None:
    genesis = found(a_plan(), tmp_path / "out", tmp_path)

    assert without_administrator(genesis) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda text: text.replace('"administrator"', '"auditor"'), "agency, studio would"),
        (lambda text: text.replace('roles = ["administrator"]', "roles = []"), "and agency would"),
    ],
)
def test_a_consortium_in_which_nothing_can_ever_pass_is_not_founded(
    tmp_path: Path, change: Callable[[str], str], named: str
) -> None:
    with pytest.raises(NodeError, match="CONFIG_INVALID") as refused:
        found(a_plan(change), tmp_path / "out", tmp_path)

    assert named in refused.value.detail
    assert 'the role "administrator"' in refused.value.detail
    assert not (tmp_path / "out").exists()


def test_an_org_that_cannot_vote_where_the_others_can_is_told_of(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    orgs = "".join(f'{name} = "{name}"\n' for name in ("one", "two", "three"))
    accounts = "".join(f'[accounts."root@{name}"]\nroles = ["administrator"]\n' for name in ("one", "two"))
    plan.write_text(f'name = "x"\n[orgs]\n{orgs}[nodes.n1]\norg = "one"\npeer = "127.0.0.1:1"\n{accounts}')

    done = CliRunner().invoke(cli, ["init", str(plan), str(tmp_path / "out")])

    assert done.exit_code == 0, done.output
    assert "three has no administrator" in done.stderr


def test_a_genesis_with_a_changed_byte_is_another_chain_or_none(founded: Cluster, tmp_path: Path) -> None:
    data = (founded.root / "genesis.json").read_bytes()
    genuine = load_genesis(founded.root / "genesis.json").chain
    for place in range(0, len(data), 97):
        (tmp_path / "g.json").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            chain = load_genesis(tmp_path / "g.json").chain
        except NodeError as refused:
            chain = refused.code.name
        assert chain != genuine
