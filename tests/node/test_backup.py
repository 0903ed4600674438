"""A backup is restored whole and true into a new node, or not at all; also one that starts from a snapshot."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from consortium import a_genesis, key_of, registering
from written_chain import GENESIS, WrittenChain

from ledger.encoding import encode
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.keeping import archive, backup
from node.keeping.audit import audit
from node.keeping.backup import Writer, content_in, openings_in, restore
from node.snapshots.snapshots import take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError

KEY = key_of("watcher")


def a_backup(tmp_path: Path, *, pruned: bool = False) -> tuple[Path, str]:
    """A backup of a node's directory, and the hash of its newest block."""
    data, place = tmp_path / "giver", tmp_path / "backup"
    written = WrittenChain(data)
    for number in range(12):
        written.block(*(written.ask(registering(3 * number + one)) for one in range(3)))
        if pruned and number == 7:
            taken = take(written.chain)
            assert taken is not None
            write(taken, data / "snapshots" / "8")
            written.chain.finals.prune(8, 100)
    newest = written.chain.committed.hash
    written.close()
    Blockstore(data / "content").put_file(b"picture")
    writer = Writer(place, GENESIS)
    writer.archive(archive.from_directory(data, GENESIS))
    writer.content(content_in(data))
    writer.openings(openings_in(data, key_of("node1")))
    writer.finish()
    return place, newest


@pytest.mark.parametrize("pruned", [False, True])
def test_a_restored_node_holds_the_same_chain_and_content(pruned: bool, tmp_path: Path) -> None:
    place, newest = a_backup(tmp_path, pruned=pruned)
    data = tmp_path / "data"

    contents = restore(place, data, GENESIS, KEY, "watcher")

    assert contents.height == 12
    chain = Chain(GENESIS, KEY, "watcher", RaftLogStore(data / "log"), StateStore(data / "state"))
    assert chain.committed.hash == newest
    assert chain.finals.oldest == (8 if pruned else 0)
    assert chain.finals.at(12).results.outcomes[0].code == "OK"
    assert len(list((data / "content").rglob("baf*"))) == 1


@pytest.mark.parametrize("pruned", [False, True])
def test_the_archive_of_a_backup_is_audited(pruned: bool, tmp_path: Path) -> None:
    place, newest = a_backup(tmp_path, pruned=pruned)

    report = audit(archive.from_file(place / backup.ARCHIVE), GENESIS)

    assert (report.holds, report.hash) == (True, newest)
    lines = (place / backup.ARCHIVE).read_bytes().splitlines(keepends=True)
    changed = [lines[0], lines[1].replace(b'"', b"'", 1), *lines[2:]]
    assert not audit(iter(changed), GENESIS).holds
    assert not audit(iter([*lines[:1], *lines[2:]]), GENESIS).holds


def test_a_pruned_archive_with_another_state_or_start_does_not_hold(tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path, pruned=True)
    lines = (place / backup.ARCHIVE).read_bytes().splitlines(keepends=True)
    assert lines[1].startswith(b'{"state":')
    assert audit(iter([lines[0], *lines[2:]]), GENESIS).finding.fault == "STATE_DIFFERS"  # type: ignore[union-attr]
    start = msgspec.json.decode(lines[0])
    start["start"]["peaks"][0] = "00" * 32
    first = encode(start) + b"\n"
    assert audit(iter([first, *lines[1:]]), GENESIS).finding.fault == "HEADER_DIFFERS"  # type: ignore[union-attr]
    start = msgspec.json.decode(lines[0])
    start["start"]["certificate"]["endorsements"] = start["start"]["certificate"]["endorsements"][:1]
    first = encode(start) + b"\n"
    assert audit(iter([first, *lines[1:]]), GENESIS).finding.fault == "CERTIFICATE_INVALID"  # type: ignore[union-attr]


def rewritten(place: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the archive and make the backup name it so: what a liar would do."""
    file = place / backup.ARCHIVE
    file.write_bytes(change(file.read_bytes()))
    contents = msgspec.json.decode((place / backup.CONTENTS).read_bytes())
    contents["files"][backup.ARCHIVE] = backup._digest(file)
    (place / backup.CONTENTS).write_bytes(encode(contents))


def flipped_signature(data: bytes) -> bytes:
    at = data.index(b'"signatures":["') + len(b'"signatures":["')
    return data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :]


LIES: dict[str, Callable[[bytes], bytes]] = {
    "a block is missing": lambda data: b"".join(
        line for line in data.splitlines(keepends=True) if b'"height":5,' not in line[:900]
    ),
    "a signature is another": flipped_signature,
    "the tail is missing": lambda data: b"".join(data.splitlines(keepends=True)[:6]),
    "it is empty": lambda data: b"",
    "it is no archive": lambda data: b"\xff\xfe" + data,
    "a certificate is another": lambda data: data.replace(b'"node":"node2"', b'"node":"node3"'),
    "a signature is missing": lambda data: re.sub(rb'"signatures":\["[0-9a-f]+"\]', b'"signatures":[]', data, count=1),
    "the end is missing": lambda data: b"".join(data.splitlines(keepends=True)[:-1]),
    "a certificate is of another height": lambda data: re.sub(
        rb'"certificate":{(.*?)"height":5', rb'"certificate":{\1"height":4', data, count=1
    ),
    "a title is another": lambda data: data.replace(b'"width":', b'"Width":', 1),
}


@pytest.mark.parametrize(("key", "name"), [("node3", "node3"), ("watcher", "node3"), ("node3", "watcher")])
def test_a_node_of_the_chain_is_not_restored(key: str, name: str, tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path)

    with pytest.raises(NodeError, match="endorsed") as refused:
        restore(place, tmp_path / "data", GENESIS, key_of(key), name)

    assert refused.value.code is NodeCode.LOG_LOST


def test_a_backup_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    place = tmp_path / "backup"
    (place / "content").mkdir(parents=True)
    (place / "archive.jsonl").write_bytes(b"{")
    (place / "content" / "x").write_bytes(b"")

    a_backup(tmp_path)

    assert backup.check(place, GENESIS).height == 12


START_LIES: dict[str, Callable[[Any], None]] = {
    "other peaks": lambda start: start.update(peaks=["00" * 32] * len(start["peaks"])),
    "no peaks": lambda start: start.update(peaks=[]),
    "another certificate": lambda start: start["certificate"].update(height=3),
}


@pytest.mark.parametrize("lie", START_LIES)
def test_a_backup_that_lies_about_where_it_starts_leaves_no_node_behind(lie: str, tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path, pruned=True)

    def change(data: bytes) -> bytes:
        first, rest = data.split(b"\n", 1)
        opening = msgspec.json.decode(first)
        START_LIES[lie](opening["start"])
        return encode(opening) + b"\n" + rest

    rewritten(place, change)
    data = tmp_path / "data"
    data.mkdir()

    with pytest.raises(NodeError) as refused:
        restore(place, data, GENESIS, KEY, "watcher")

    assert refused.value.code is NodeCode.BACKUP_INVALID
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("lie", LIES)
def test_a_backup_that_lies_leaves_no_node_behind(lie: str, tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path)
    rewritten(place, LIES[lie])
    data = tmp_path / "data"
    data.mkdir()

    with pytest.raises(NodeError) as refused:
        restore(place, data, GENESIS, KEY, "watcher")

    assert refused.value.code is NodeCode.BACKUP_INVALID
    assert list(data.iterdir()) == []


def test_what_is_no_whole_backup_of_this_chain_is_refused(tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path)
    contents = (place / backup.CONTENTS).read_bytes()
    faults = [contents[:-1], b"{}", contents.replace(b"openings.jsonl", b"../elsewhere.x"), b""]
    for fault in faults:
        (place / backup.CONTENTS).write_bytes(fault)
        with pytest.raises(NodeError) as refused:
            backup.check(place, GENESIS)
        assert refused.value.code is NodeCode.BACKUP_INVALID
    (place / backup.CONTENTS).write_bytes(contents)
    backup.check(place, GENESIS)
    with pytest.raises(NodeError, match="it is of"):
        backup.check(place, a_genesis(name="another"))
    with (place / backup.ARCHIVE).open("ab") as file:
        file.write(b" ")
    with pytest.raises(NodeError, match="changed"):
        backup.check(place, GENESIS)
    (place / backup.ARCHIVE).unlink()
    with pytest.raises(NodeError, match="missing"):
        backup.check(place, GENESIS)


def test_a_backup_is_not_written_over_anything(tmp_path: Path) -> None:
    place, _ = a_backup(tmp_path)

    with pytest.raises(NodeError) as refused:
        Writer(place, GENESIS)

    assert refused.value.code is NodeCode.DATA_DIRECTORY_EXISTS
