"""Three orgs govern their nodes, sell to each other by hand, and keep their keys under a passphrase: by commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from consortium import registering

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, STUDIO, TREASURER
from ledger import actions
from ledger.governance import ActivateProtocol
from ledger.version import ACTIVATION_NOTICE_BLOCKS
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import load_key, new_key, save_key
from remarque.keys.passphrases import PASSPHRASE_FILE


def command(cluster: Cluster, account: str, *words: str, node: str = "node1", status: int = 0) -> str:
    """What a command says, as an account at a node."""
    key = cluster.root / "accounts" / f"{account}.key"
    who = ["--node", cluster.url(node), "--account", account, "--key", str(key)]
    done = subprocess.run(
        [sys.executable, "-m", "node", *who, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def may_read_without_session(cluster: Cluster, node: str) -> bool:
    try:
        with urllib.request.urlopen(cluster.url(node) + "/v1/orgs", timeout=10):
            return True
    except urllib.error.HTTPError as error:
        assert error.code == 401
        return False


def eventually(what: str, holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def fill_blocks(client: Client, count: int) -> None:
    for number in range(count):
        client.submit(registering(number))


def test_three_orgs_vote_and_a_parameter_is_in_force_on_every_node(shared_nodes: Cluster, tmp_path: Path) -> None:
    wanted = tmp_path / "changes.json"
    wanted.write_text('[{"type": "parameters.set", "open_reads": true}]')
    before = [may_read_without_session(shared_nodes, name) for name in shared_nodes.names]

    said = command(shared_nodes, STUDIO, "governance", "propose", str(wanted), "--reason", "we are a public archive")
    proposal = said.split()[1]
    against = command(shared_nodes, EDITOR, "governance", "vote", proposal, "--reject", node="node2")
    still_closed = not may_read_without_session(shared_nodes, "node1")
    decisive = command(shared_nodes, TREASURER, "governance", "vote", proposal, "--approve", node="node3")

    assert before == [False] * 3
    assert "open until" in against
    assert "1 of 3 approve, 1 reject, 2 needed" in against
    assert still_closed
    assert "passed in block" in decisive
    assert "2 of 3 approve, 1 reject\n" in decisive
    eventually("every node", lambda: all(may_read_without_session(shared_nodes, name) for name in shared_nodes.names))
    shown = command(shared_nodes, EDITOR, "governance", "show", proposal, node="node2")
    assert "we are a public archive" in shown
    assert [line.split()[1:3] for line in shown.splitlines() if line.startswith("vote")] == [
        ["studio", "approves"],
        ["agency", "rejects"],
        ["club", "approves"],
    ]
    assert proposal in command(shared_nodes, EDITOR, "governance", "list", "--status", "passed")
    assert "PROPOSAL_DECIDED" in command(shared_nodes, EDITOR, "governance", "vote", proposal, "--approve", status=5)
    assert "ROLE_MISSING" in command(shared_nodes, CREATOR, "governance", "propose", str(wanted), status=5)


def test_a_sale_is_countersigned_from_hand_to_hand(shared_nodes: Cluster, tmp_path: Path) -> None:
    draft = str(tmp_path / "sale.json")
    with Client(shared_nodes.urls, CREATOR, shared_nodes.key(CREATOR)) as alice:
        alice.submit(registering("picture"))
        token, _ = alice.mint(registering("picture").pixel_digest)
        before = alice.balances(COLLECTOR)["EUR"]

    command(shared_nodes, CREATOR, "sell", token, COLLECTOR, "12", "EUR", "--out", draft)
    early = command(shared_nodes, CREATOR, "transaction", "submit", draft, status=5)
    stranger = command(shared_nodes, EDITOR, "transaction", "sign", draft, status=5)
    shown = command(shared_nodes, COLLECTOR, "transaction", "show", draft, node="node3")
    command(shared_nodes, COLLECTOR, "transaction", "sign", draft, node="node3")
    done = command(shared_nodes, COLLECTOR, "transaction", "submit", draft, node="node3")

    assert f"SIGNATURE_MISSING: {COLLECTOR} has not signed" in early
    assert "SIGNATURE_EXTRA" in stranger
    assert f"not signed yet  {COLLECTOR}" in shown
    assert f"signed  {CREATOR}" in shown
    assert done.startswith("committed")
    with Client(shared_nodes.urls, COLLECTOR, shared_nodes.key(COLLECTOR)) as carla:
        assert carla.get(f"/v1/tokens/{token}")["token"]["owner"] == COLLECTOR
        assert carla.balances()["EUR"] == before - 1200


def test_actions_of_several_accounts_are_drafted_from_a_file(shared_nodes: Cluster, tmp_path: Path) -> None:
    asks = tmp_path / "asks.json"
    asks.write_text(json.dumps([{"type": "payment.transfer", "to": CREATOR, "currency": "EUR", "amount": 5}]))
    draft = tmp_path / "draft.json"
    draft.write_text(
        command(shared_nodes, EDITOR, "transaction", "draft", str(asks), "--signer", COLLECTOR, "--signer", TREASURER)
    )
    for account in (TREASURER, COLLECTOR):
        key = str(shared_nodes.root / "accounts" / f"{account}.key")
        command(shared_nodes, EDITOR, "transaction", "sign", str(draft), "--key", key)

    said = json.loads(command(shared_nodes, EDITOR, "--json", "transaction", "submit", str(draft)))

    assert said["outcome"]["code"] == "OK"


def test_accounts_are_looked_after_by_commands(three_nodes: Cluster, tmp_path: Path) -> None:
    fresh = tmp_path / "alice-new.key"
    save_key(fresh, new_key())
    command(three_nodes, CREATOR, "account", "rotate-key", str(fresh))
    refused = command(three_nodes, CREATOR, "account", "rotate-key", str(fresh), status=5)
    shown = command(three_nodes, EDITOR, "account", "show", CREATOR, node="node2")
    command(three_nodes, STUDIO, "account", "recover", CREATOR, new_key().public)
    command(three_nodes, STUDIO, "account", "set-roles", CREATOR, "fact-checker")
    command(three_nodes, STUDIO, "account", "suspend", CREATOR)
    suspended = command(three_nodes, STUDIO, "account", "show", CREATOR)
    command(three_nodes, STUDIO, "account", "resume", CREATOR)
    command(three_nodes, TREASURER, "account", "suspend", COLLECTOR)
    reading = command(three_nodes, COLLECTOR, "balance", status=5)
    paying = command(three_nodes, COLLECTOR, "pay", CREATOR, "1", "EUR", status=5)

    assert "KEY_REVOKED" in refused
    assert "revoked in block" in shown
    assert "(suspended)" in suspended
    assert "roles fact-checker" in suspended
    assert all(f"{COLLECTOR} is suspended" in said for said in (reading, paying))


def test_a_node_starts_with_a_key_under_a_passphrase_and_says_what_is_missing(
    three_nodes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "node2"
    three_nodes.stop(name)
    (tmp_path / "passphrase").write_text("a long passphrase\n")
    (tmp_path / "other").write_text("another\n")
    key = three_nodes.home(name) / "node.key"
    plain = load_key(key)

    def refusal() -> str:
        run = [sys.executable, "-m", "node", "node", "run", "--config", str(three_nodes.home(name) / "node.toml")]
        done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 5
        return done.stderr.splitlines()[-1]

    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "passphrase"))
    command(three_nodes, CREATOR, "keys", "encrypt", str(key))
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "other"))
    wrong = refusal()
    monkeypatch.delenv(PASSPHRASE_FILE)
    without = refusal()
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "passphrase"))
    three_nodes.start(name)
    three_nodes.wait_ready([name])

    assert "PASSPHRASE_WRONG" in wrong
    assert "PASSPHRASE_NEEDED" in without
    assert plain.seed.hex() not in key.read_text()
    with Client(three_nodes.url(name), COLLECTOR, three_nodes.key(COLLECTOR)) as client:
        client.pay(CREATOR, 1, "EUR")


def test_a_node_stops_at_rules_it_does_not_know_after_saying_so(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    cluster.up()
    try:
        with (
            Client(cluster.urls, EDITOR, cluster.key(EDITOR)) as agency,
            Client(cluster.urls, TREASURER, cluster.key(TREASURER)) as club,
            Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as studio,
        ):
            height = agency.get("/v1/status")["height"] + ACTIVATION_NOTICE_BLOCKS + 10
            change = ActivateProtocol(version=2, height=height)
            with pytest.raises(RemarqueError, match="PROTOCOL_UNKNOWN"):
                agency.propose(change)
            until = agency.genesis().time_ms + 86_400_000
            made = agency.submit(actions.Propose(changes=(change,), until_ms=until))
            proposal = made.outcome.events[0].proposal
            with pytest.raises(RemarqueError, match=r"PROTOCOL_UNKNOWN: node1 does not know"):
                studio.submit(actions.CastVote(proposal=proposal, approve=True))
            club.submit(actions.CastVote(proposal=proposal, approve=True))
            status = agency.get("/v1/status")
            with pytest.raises((RemarqueError, ConnectionError)):
                fill_blocks(agency, ACTIVATION_NOTICE_BLOCKS + 12)
        eventually("it stops", lambda: cluster.pid("node1") is None)
        log = (cluster.home("node1") / "node.log").read_text()
        run = [sys.executable, "-m", "node", "node", "run", "--config", str(cluster.home("node1") / "node.toml")]
        again = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    finally:
        cluster.down()

    assert status["protocol"] == {
        "in_force": 1,
        "known": [1],
        "ahead": {"version": 2, "height": height, "known": False},
    }
    warned = [line for line in map(json.loads, log.splitlines()) if line["event"] == "protocol_unknown"]
    assert {line["version"] for line in warned if "version" in line} == {2}
    assert f"protocol version 2 is in force from block {height} on, this software does not know it" in log
    assert '"code": "PROTOCOL_UNKNOWN"' in log
    assert again.returncode == 5
    assert "PROTOCOL_UNKNOWN" in again.stderr.splitlines()[-1]
