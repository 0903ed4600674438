"""An audit finds each planted fault, in files, in a node's directory, and through its door."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plyvel
import pytest
from click.testing import CliRunner
from consortium import registering
from tampering import FOLDER, GENESIS, Keeper, files, recovered

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import COLLECTOR, CREATOR, CURRENCY, TREASURER
from ledger.actions import IssueCurrency
from ledger.archive import ArchivedStart, opening_line, state_line
from ledger.audit_evidence import verified_evidence
from ledger.receipt import Receipt, encode_receipt, verify_receipt
from ledger.records import balance_key
from ledger.recovery import check_recoveries, parse_recovery
from node.chain.chain import Chain
from node.cli.main import cli
from node.keeping import archive
from node.keeping.audit import CHUNK_SIGNATURES, SignatureChecker, audit
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.client import Client
from remarque.errors import NodeError
from remarque.keys.files import load_key
from remarque.trusted_files import read_recoveries

EXPECTED = json.loads((FOLDER / "expected.json").read_bytes())


def test_the_published_corpus_is_the_one_the_tests_build() -> None:
    published = {path.name: path.read_bytes() for path in FOLDER.iterdir()}

    assert published == files()
    assert sum(case["fault"] is not None for case in EXPECTED) >= 20


@pytest.mark.parametrize("case", EXPECTED, ids=[case["archive"] for case in EXPECTED])
def test_the_planted_fault_is_found_where_it_is(case: dict[str, Any]) -> None:
    recoveries = read_recoveries((FOLDER / case["recovery"],), GENESIS) if "recovery" in case else ()
    receipt = (FOLDER / case["receipt"]).read_bytes() if "receipt" in case else None
    evidence = () if receipt is None else (verified_evidence(receipt, GENESIS, recoveries),)
    report = audit(archive.from_file(FOLDER / case["archive"]), GENESIS, evidence, recoveries)

    assert report.holds == (case["fault"] is None)
    if report.finding is not None:
        assert (report.finding.fault, report.finding.height) == (case["fault"], case["height"])


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"\xff\n", b"[" * 5_000, b'{"end":{"hash":"' + b"00" * 32])
def test_a_file_that_is_no_archive_is_a_finding_and_no_crash(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    report = audit(archive.from_file(tmp_path / "file"), GENESIS)

    assert report.finding is not None
    assert report.finding.fault in ("ARCHIVE_MALFORMED", "ARCHIVE_CUT")


def test_many_signatures_are_checked_beside_and_the_first_bad_one_is_named() -> None:
    good = [("00" * 32, b"body", "00" * 64)]
    checker = SignatureChecker()
    for height in range(1, 2 * CHUNK_SIGNATURES):
        checker.add(height, good if height == 1_500 or height == 3_500 else [])
    checker.add(4_000, good * CHUNK_SIGNATURES)

    assert min(finding.height for finding in checker.finish()) == 1_500


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cluster, bytes, bytes]:
    """A stopped node with a chain; what an audit through its door wrote, and a receipt."""
    cluster = Cluster.create(tmp_path_factory.mktemp("kept") / "devnet", 1)
    cluster.up()
    try:

        async def stream() -> None:
            load = Stream(cluster.urls, CREATOR, cluster.key(CREATOR))
            async with asyncio.TaskGroup() as group:
                running = group.create_task(load.run(clients=8))
                await load.acknowledged_at_least(150)
                load.stop()
                await running

        with Client(cluster.urls, TREASURER, cluster.key(TREASURER)) as treasurer:
            receipt = encode_receipt(treasurer.submit(IssueCurrency(currency=CURRENCY, to=COLLECTOR, amount=5)))
        asyncio.run(stream())
        done = command(cluster, "audit", cluster.url("node1"))
    finally:
        cluster.down()
    return cluster, done, receipt


def command(cluster: Cluster, *arguments: str, status: int = 0) -> bytes:
    key, genesis = cluster.root / "accounts" / f"{CREATOR}.key", cluster.root / "genesis.json"
    remarque = [sys.executable, "-m", "node", "--json", "--account", CREATOR, "--key", str(key)]
    done = subprocess.run([*remarque, *arguments, "--genesis", str(genesis)], capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


def data(cluster: Cluster) -> Path:
    return cluster.home("node1") / "data"


def test_a_node_is_audited_through_its_door_from_its_directory_and_as_a_file(
    kept: tuple[Cluster, bytes, bytes], tmp_path: Path
) -> None:
    cluster, by_door, receipt = kept
    (tmp_path / "receipt.json").write_bytes(receipt)
    exported = json.loads(command(cluster, "export", str(data(cluster)), str(tmp_path / "chain.jsonl")))
    reports = [json.loads(by_door), json.loads(command(cluster, "audit", str(data(cluster))))]
    reports.append(
        json.loads(
            command(
                cluster,
                "audit",
                str(tmp_path / "chain.jsonl"),
                "--receipt",
                str(tmp_path / "receipt.json"),
                "--report",
                str(tmp_path / "report.json"),
            )
        )
    )

    assert [report["holds"] for report in reports] == [True, True, True]
    assert len({(report["height"], report["hash"]) for report in reports}) == 1
    assert exported["blocks"] == reports[0]["height"]
    assert json.loads((tmp_path / "report.json").read_bytes()) == reports[2]


def flip(value: bytes) -> bytes:
    return value[:-9] + bytes([value[-9] ^ 1]) + value[-8:]


DISK: list[tuple[str, str, Callable[[plyvel.DB], bytes], Callable[[bytes], bytes | None], set[str]]] = [
    ("a block changed", "log", lambda db: entry(db, 4), flip, {"UNREADABLE", "HEADER_DIFFERS", "SIGNATURE_INVALID", "LINK_BROKEN"}),
    ("a block missing", "log", lambda db: entry(db, 4), lambda value: None, {"UNREADABLE"}),
    ("a balance changed", "state", lambda db: b"s" + balance_key(COLLECTOR, CURRENCY).encode(), lambda value: b"1" + value, {"STATE_DIFFERS"}),
    ("a record missing", "state", lambda db: first(db, b"sasset/"), lambda value: None, {"STATE_DIFFERS"}),
    ("a place changed", "state", lambda db: first(db, b"x"), lambda value: value[:-1] + b"\x63", {"INDEX_DIFFERS"}),
    ("an outcome changed", "state", lambda db: b"r" + struct.pack(">Q", 4), lambda value: value.replace(b"alice@studio", b"carla@studio"), {"OUTCOME_DIFFERS"}),
    ("what a block did missing", "state", lambda db: b"r" + struct.pack(">Q", 4), lambda value: None, {"UNREADABLE"}),
    ("a certificate changed", "state", lambda db: b"c" + struct.pack(">Q", 4), lambda value: value.replace(b'"signature":"', b'"signature":"00')[:-2], {"UNREADABLE", "CERTIFICATE_INVALID"}),
]  # fmt: skip


def entry(db: plyvel.DB, height: int) -> bytes:
    return b"e" + struct.pack(">Q", height)


def first(db: plyvel.DB, prefix: bytes) -> bytes:
    return next(iter(db.iterator(prefix=prefix, include_value=False)))


@pytest.mark.parametrize(("name", "store", "find", "change", "faults"), DISK, ids=[name for name, *_ in DISK])
def test_a_fault_on_a_nodes_disk_is_found(
    kept: tuple[Cluster, bytes, bytes],
    name: str,
    store: str,
    find: Callable[[plyvel.DB], bytes],
    change: Callable[[bytes], bytes | None],
    faults: set[str],
) -> None:
    cluster, _, _ = kept
    place = data(cluster) / store
    db = plyvel.DB(str(place))
    key = find(db)
    value = db.get(key)
    changed = change(value)
    assert changed != value
    db.delete(key) if changed is None else db.put(key, changed)
    db.close()
    try:
        report = json.loads(command(cluster, "audit", str(data(cluster)), status=1))
    finally:
        db = plyvel.DB(str(place))
        db.put(key, value)
        db.close()

    assert not report["holds"]
    assert report["finding"]["fault"] in faults


def test_an_export_to_a_full_disk_is_refused_in_words(kept: tuple[Cluster, bytes, bytes]) -> None:
    cluster, _, _ = kept
    said = json.loads(command(cluster, "export", str(data(cluster)), "/dev/full", status=5))

    assert "No space left on device" in said["detail"]


def test_what_is_no_source_is_refused_by_name(kept: tuple[Cluster, bytes, bytes], tmp_path: Path) -> None:
    cluster, _, _ = kept
    assert json.loads(command(cluster, "audit", str(tmp_path / "nothing"), status=5))["code"] == "NOT_FOUND"
    assert json.loads(command(cluster, "audit", str(tmp_path), status=5))["code"] == "DATA_DIRECTORY_MISSING"


def test_the_command_takes_receipts_from_after_a_recovery_and_of_what_it_dropped() -> None:
    for name, status, said in (
        ("53_sound_after_a_recovery", 0, "holds up to block 4"),
        ("57_recovery_dropped_a_block_a_receipt_remembers", 1, "FORKED at block 3"),
    ):
        words = ["audit", str(FOLDER / f"{name}.jsonl"), "--genesis", str(FOLDER / "genesis.json")]
        words += ["--receipt", str(FOLDER / f"{name}.receipt.json")]

        done = CliRunner().invoke(cli, [*words, "--recovery", str(FOLDER / f"{name}.recovery.json")])

        assert (done.exit_code, said in done.output) == (status, True), done.output


def test_receipts_of_two_branches_denounce_any_chain() -> None:
    def receipt_of(more: Callable[[Keeper], None]) -> Receipt:
        return verify_receipt(Keeper().story(more).receipt(4), GENESIS)

    def other(keeper: Keeper) -> None:
        keeper.block(keeper.state.transaction("carol@club", registering("three")))

    here, there = receipt_of(lambda keeper: None), receipt_of(other)
    for evidence in ((here, there), (there, here)):
        report = audit(iter(Keeper().story().lines()), GENESIS, evidence)

        assert report.finding is not None
        assert (report.finding.fault, report.finding.height) == ("FORKED", 4)


def from_snapshot(keeper: Keeper, height: int) -> list[bytes]:
    """The archive of a story from one of its blocks on: what a pruned node tells."""
    below = Keeper()
    for block, _, _ in keeper.blocks[:height]:
        below.block(*block.transactions)
    peaks = tuple(peak.hex() for peak in below.log.peaks(below.log.size))
    start = ArchivedStart(header=below.header, certificate=keeper.blocks[height - 1][2], peaks=peaks)
    lines = [opening_line(GENESIS, start=start)]
    lines += [state_line(key, value) for key, value in sorted(below.state.values.items())]
    return lines + keeper.lines()[height + 1 :]


def test_a_chain_from_a_snapshot_is_held_against_receipts_from_there_on() -> None:
    keeper = Keeper().story()
    for height in (3, 4, 5):
        receipt = verify_receipt(keeper.receipt(height), GENESIS)
        assert audit(iter(from_snapshot(keeper, 3)), GENESIS, (receipt,)).holds


def test_a_receipt_below_the_start_is_not_passed_over() -> None:
    def other(keeper: Keeper) -> None:
        keeper.block(keeper.state.transaction("carol@club", registering("three")))

    fork = Keeper().story(other)
    old = verify_receipt(Keeper().story().receipt(4), GENESIS)

    with pytest.raises(NodeError, match=r"EVIDENCE_BELOW_START.*block 4 lies below the start, block 5"):
        audit(iter(from_snapshot(fork, 5)), GENESIS, (old,))
    found = audit(iter(from_snapshot(fork, 4)), GENESIS, (old,)).finding
    assert found is not None
    assert (found.fault, found.height) == ("FORKED", 4)


def test_a_start_is_held_against_the_recovery_that_goes_on_from_it() -> None:
    for lie, fault in (({}, None), ({"header": "ab" * 32}, "RECOVERY_DIFFERS")):
        keeper, recovery = recovered(**lie)
        accepted = check_recoveries((parse_recovery(recovery),), GENESIS)
        found = audit(iter(from_snapshot(keeper, 2)), GENESIS, (), accepted).finding
        assert (found and found.fault) == fault


@pytest.mark.parametrize("answer", [b"", b"\n", b'{"located":{}}\n'])
def test_a_node_that_answers_without_going_on_is_a_finding(answer: bytes) -> None:
    class Silent:
        def request(self, *_: object, **__: object) -> bytes:
            return answer

    report = audit(archive.from_node(Silent()), GENESIS)  # type: ignore[arg-type]

    assert report.finding is not None
    assert report.finding.fault == "UNREADABLE"


def test_a_fresh_directory_is_audited_and_an_emptied_one_is_a_finding(tmp_path: Path) -> None:
    fresh = Cluster.create(tmp_path / "devnet", 1)
    place = data(fresh)
    log, state = RaftLogStore(place / "log"), StateStore(place / "state")
    Chain(fresh.genesis, load_key(fresh.home("node1") / "node.key"), "node1", log, state)
    log.close()
    state.close()
    assert audit(archive.from_directory(place, fresh.genesis), fresh.genesis).holds

    for key, value in ((b"x" + b"\x00" * 32, b"short"), (b"s\xff", b"1"), (b"applied", None)):
        db = plyvel.DB(str(place / "state"))
        before = db.get(key)
        db.delete(key) if value is None else db.put(key, value)
        db.close()
        report = audit(archive.from_directory(place, fresh.genesis), fresh.genesis)
        assert report.finding is not None
        assert report.finding.fault == "UNREADABLE"
        db = plyvel.DB(str(place / "state"))
        db.delete(key) if before is None else db.put(key, before)
        db.close()
