"""Backups: a chain as an archive, with content and openings beside it; and nodes made from them.

    archive.jsonl           what `remarque export` writes
    content/…               blocks of pictures, as the blockstore names them
    openings.jsonl          {"request":…,"openings":{…}} a line
    backup.json             what it is of, and the digest of every file; written last

Restoring trusts nothing of it: files are held against their digests, every signature is checked, every block run again
and certified, content and openings held against what the chain says of them. The node it makes is a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from consensus.raft_log import RaftEntry
from ledger import records
from ledger.archive import LINE_BYTES_MAX, ArchivedStart, ArchiveLine, parse_line
from ledger.audit import Fault
from ledger.block import encode_block
from ledger.crypto import SigningKey
from ledger.encoding import Value, decode, encode
from ledger.errors import InvalidBlock, LedgerError
from ledger.finality import NotFinal, voters_above
from ledger.generation import Openings
from ledger.genesis import Genesis
from ledger.names import Count, Hex32
from ledger.recovery import Recoveries
from ledger.snapshot import SnapshotRefused, check_peaks
from ledger.state_tree import root_hash
from node.chain.chain import Chain
from node.content.at_rest import AtRest
from node.content.blockstore import UPLOADS, Blockstore
from node.content.openings import OPENINGS as OPENINGS_FILE
from node.content.openings import OpeningStore
from node.content.uploads import files_in, pieces_of
from node.ground.logs import progress
from node.keeping.audit import SignatureChecker
from node.snapshots.snapshots import SNAPSHOTS, take, write
from node.storage import directory
from node.storage.directory import write_durably
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import Base, StateStore
from remarque.cid import CidInvalid, parse_cid
from remarque.dag import blocks_of
from remarque.errors import NodeCode, NodeError

BACKUP_VERSION = 1
CONTENTS, ARCHIVE, OPENINGS, CONTENT = "backup.json", "archive.jsonl", "openings.jsonl", "content"
WRITTEN_TOGETHER = 256
"""Blocks of a restored log written in one batch."""


class Contents(Value, frozen=True, kw_only=True):
    """What a backup is of."""

    version: int
    chain: str
    genesis: Hex32
    height: Count
    hash: Hex32
    files: Annotated[dict[str, Hex32], Meta(max_length=10_000_000)]
    """SHA-256 of each file, by its path in the backup."""


class OpenedRequest(Value, frozen=True, kw_only=True):
    """A line of the openings."""

    request: Hex32
    openings: Openings


class Writer:
    """A backup on its way into an empty directory."""

    def __init__(self, place: Path, genesis: Genesis) -> None:
        self._drop_unfinished(place)
        if place.exists() and any(place.iterdir()):
            raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{place} is not empty; choose another directory")
        directory.keep_private()
        place.mkdir(parents=True, exist_ok=True)
        self._place, self._genesis = place, genesis
        self._files: dict[str, str] = {}
        self._end: ArchiveLine | None = None

    @staticmethod
    def _drop_unfinished(place: Path) -> None:
        """Remove what an unfinished backup left: it has an archive, and no file that says what it is of."""
        if (place / ARCHIVE).exists() and not (place / CONTENTS).exists():
            for name in (ARCHIVE, OPENINGS):
                (place / name).unlink(missing_ok=True)
            shutil.rmtree(place / CONTENT, ignore_errors=True)

    def archive(self, lines: Iterator[bytes]) -> None:
        """Keep the chain's lines."""
        last = b""
        with (self._place / ARCHIVE).open("wb") as out:
            for last in lines:
                out.write(last)
        self._end = parse_line(last)
        self._note(ARCHIVE)

    def content(self, files: Iterator[tuple[str, bytes]]) -> None:
        """Keep blocks of content, by their path."""
        for name, data in files:
            file = self._place / CONTENT / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            self._note(f"{CONTENT}/{name}")

    def openings(self, opened: Iterator[OpenedRequest]) -> None:
        """Keep openings."""
        with (self._place / OPENINGS).open("wb") as out:
            for one in opened:
                out.write(encode(one) + b"\n")
        self._note(OPENINGS)

    def finish(self) -> Contents:
        """Say what the backup is of."""
        end = UNSET if self._end is None else self._end.end
        if isinstance(end, UnsetType):
            raise NodeError(NodeCode.BACKUP_INVALID, "the chain was not read to its end; back it up again")
        contents = Contents(
            version=BACKUP_VERSION,
            chain=self._genesis.chain,
            genesis=self._genesis.digest,
            height=end.height,
            hash=end.hash,
            files=dict(sorted(self._files.items())),
        )
        os.sync()  # so that what says that the backup is whole is on disk last
        write_durably(self._place / CONTENTS, encode(contents))
        return contents

    def _note(self, name: str) -> None:
        self._files[name] = _digest(self._place / name)


def content_in(data: Path) -> Iterator[tuple[str, bytes]]:
    """Blocks of content in a data directory, by their path; and of what waits, which a record may name by now."""
    root = data / CONTENT
    for file in sorted(root.glob("*/*")):
        if file.is_file():
            yield str(file.relative_to(root)), file.read_bytes()
    for waiting in files_in(root / UPLOADS):
        for cid, block in blocks_of(pieces_of(waiting)):
            yield f"{parse_cid(cid)[1][:1].hex()}/{cid}", block


def openings_in(data: Path, key: SigningKey) -> Iterator[OpenedRequest]:
    """Openings in the data directory of the node with a key."""
    if (data / OPENINGS_FILE).exists():
        with closing(OpeningStore(data / OPENINGS_FILE, AtRest(key))) as store:
            for request, openings in store.items():
                yield OpenedRequest(request=request, openings=openings)


def check(place: Path, genesis: Genesis) -> Contents:
    """What a backup says it is, if it is of this chain and its files are those it names; else BACKUP_INVALID."""
    try:
        contents = decode((place / CONTENTS).read_bytes(), Contents)
    except (LedgerError, FileNotFoundError) as error:
        raise NodeError(NodeCode.BACKUP_INVALID, f"{place} holds no whole backup: {error}") from None
    if contents.version != BACKUP_VERSION or contents.genesis != genesis.digest:
        raise NodeError(NodeCode.BACKUP_INVALID, f"it is of {contents.chain}, version {contents.version}")
    for name, digest in contents.files.items():
        file = place / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise NodeError(NodeCode.BACKUP_INVALID, f"{name[:80]!r} leads out of the backup")
        try:
            whole = file.is_file() and _digest(file) == digest
        except OSError as error:
            raise NodeError(NodeCode.BACKUP_INVALID, f"{name[:80]!r}: {error.strerror}") from None
        if not whole:
            raise NodeError(NodeCode.BACKUP_INVALID, f"{name} is missing or was changed; use another backup")
    if not {ARCHIVE, OPENINGS} <= set(contents.files):
        raise NodeError(NodeCode.BACKUP_INVALID, "it names no archive or no openings")
    return contents


def restore(
    place: Path,
    data: Path,
    genesis: Genesis,
    key: SigningKey,
    node: str,
    recoveries: Recoveries = (),
) -> Contents:
    """Fill a node's empty data directory from a backup. BACKUP_INVALID leaves it empty.

    The node must be a new one: what a node has endorsed since the backup is in no backup.
    """
    contents = check(place, genesis)
    if any(one.name == node or one.key == key.public for one in genesis.nodes):
        raise _known(node)
    try:
        restored = Restoring(data, genesis, key, node, recoveries)
        try:
            restored.run(place / ARCHIVE)
            state = restored.chain.state
            if any(state.get(one) is not None for one in (records.node_key(node), records.node_name_key(key.public))):
                raise _known(node)
            if restored.chain.committed.hash != contents.hash:
                raise _invalid(restored.chain.committed.height, "the backup names another newest block")
            _restore_content(place, data, contents)
            _restore_openings(place, data, restored.chain, AtRest(key))
        finally:
            restored.close()
    except BaseException:
        for part in ("log", "state", SNAPSHOTS, CONTENT):
            shutil.rmtree(data / part, ignore_errors=True)
        (data / OPENINGS_FILE).unlink(missing_ok=True)
        raise
    return contents


class Restoring:
    """Runs the archive of a backup into the stores of a new node."""

    def __init__(self, data: Path, genesis: Genesis, key: SigningKey, node: str, recoveries: Recoveries) -> None:
        self._genesis, self._recoveries = genesis, recoveries
        self._key, self._node = key, node
        self._data = data
        self._raft_log, self._state = RaftLogStore(data / "log"), StateStore(data / "state")
        self._checker = SignatureChecker()
        self._written: list[RaftEntry] = []
        self._ended = False

    def run(self, file: Path) -> None:
        """Take every line."""
        with file.open("rb") as source:
            lines = (parse_line(line) for line in iter(lambda: source.readline(LINE_BYTES_MAX), b""))
            try:
                self._begin(lines)
                for line in progress("lines_restored", lines):
                    self._take(line)
            except (LedgerError, InvalidBlock, NotFinal, SnapshotRefused, StopIteration) as error:
                raise _invalid(0, str(error) or "the archive is empty") from None
        if not self._ended:
            raise _invalid(self.chain.committed.height, "the archive is cut off")
        self._write()
        findings = self._checker.finish()
        if findings:
            raise _invalid(findings[0].height, f"{Fault.SIGNATURE_INVALID.value}: {findings[0].detail}")

    def close(self) -> None:
        self._checker.finish()
        self._raft_log.close()
        self._state.close()

    def _open(self) -> Chain:
        return Chain(self._genesis, self._key, self._node, self._raft_log, self._state, self._recoveries)

    def _begin(self, lines: Iterator[ArchiveLine]) -> None:
        opening = next(lines)
        if isinstance(opening.genesis, UnsetType) or opening.genesis.digest != self._genesis.digest:
            raise _invalid(0, "the archive is of another chain")
        if isinstance(opening.start, ArchivedStart):
            self._fill(opening.start, lines)
        else:
            self.chain = self._open()

    def _fill(self, start: ArchivedStart, lines: Iterator[ArchiveLine]) -> None:
        """Begin at the certified state that the archive starts with; its first line of another kind is taken too."""
        voters_above(start.header, start.certificate, start.epochs, self._genesis, self._recoveries)
        check_peaks(start.header, start.peaks)
        rest: list[ArchiveLine] = []

        def entries() -> Iterator[tuple[str, bytes]]:
            for line in lines:
                if isinstance(line.state, UnsetType):
                    rest.append(line)
                    return
                yield line.state.key, bytes(line.state.value)

        tree = self._state.fill(entries())
        if root_hash(tree).hex() != start.header.state_root:
            raise _invalid(start.header.height, "the state it starts with is not the one that its header names")
        base = Base(start.header, tuple(map(bytes.fromhex, start.peaks)), start.epochs)
        self._state.begin(base, start.certificate)
        self._raft_log.begin(start.header.height, start.header.term, start.epochs)
        self.chain = self._open()
        self._keep_start(start)
        for line in rest:
            self._take(line)

    def _keep_start(self, start: ArchivedStart) -> None:
        """Keep what the chain starts with as a snapshot: an audit of the new node begins there."""
        taken = take(self.chain)
        if taken is None:
            raise _invalid(start.header.height, "the certificate it starts with is of another block")
        with closing(taken.view):
            write(replace(taken, epochs=start.epochs), self._data / SNAPSHOTS / str(start.header.height))

    def _take(self, line: ArchiveLine) -> None:
        if isinstance(line.block, UnsetType):
            self._ended = not isinstance(line.end, UnsetType)
            return
        block = line.block.block()
        if any(len(signed.signatures) != len(signed.transaction.signers) for signed in block.transactions):
            raise _invalid(block.header.height, "a transaction has too few signatures, or too many")
        checks = [
            (signer.key, signed.body, signature)
            for signed in block.transactions
            for signer, signature in zip(signed.transaction.signers, signed.signatures, strict=True)
        ]
        self._checker.add(block.header.height, checks)
        self.chain.accept(block, None)
        self._written.append(RaftEntry(block.header.height, block.header.term, encode_block(block)))
        if not isinstance(line.block.certificate, UnsetType):
            certificate = line.block.certificate
            if certificate.height != block.header.height or not self.chain.certificate_holds(certificate):
                raise _invalid(block.header.height, "its certificate does not make it final")
            self.chain.commit(block.header.height, certificate)
            if len(self._written) >= WRITTEN_TOGETHER:
                self._write()

    def _write(self) -> None:
        """Write the final blocks taken so far. Those that no certificate makes final are left out."""
        final = tuple(entry for entry in self._written if entry.index <= self.chain.committed.height)
        self._raft_log.persist(0, "", None, final)
        self._written = self._written[len(final) :]


def _restore_content(place: Path, data: Path, contents: Contents) -> None:
    store = Blockstore(data / CONTENT)
    for name in contents.files:
        if name.startswith(f"{CONTENT}/"):
            try:
                store.put_block(Path(name).name, (place / name).read_bytes())
            except CidInvalid as error:
                raise _invalid(contents.height, f"{name} is not the content it is named by: {error}") from None


def _restore_openings(place: Path, data: Path, chain: Chain, at_rest: AtRest) -> None:
    with closing(OpeningStore(data / OPENINGS_FILE, at_rest)) as store, (place / OPENINGS).open("rb") as source:
        for line in source:
            try:
                opened = decode(line.removesuffix(b"\n"), OpenedRequest)
                disclosure = chain.ledger().disclosure(opened.request)
            except LedgerError as error:
                raise _invalid(chain.committed.height, f"a line of the openings: {error}") from None
            if not store.put(disclosure, opened.openings):
                raise _invalid(chain.committed.height, f"{opened.request[:16]}…: they do not open what is recorded")


def _invalid(height: int, detail: str) -> NodeError:
    return NodeError(NodeCode.BACKUP_INVALID, f"at block {height}: {detail}")


def _known(node: str) -> NodeError:
    detail = f"{node}, or its key, is a node of this chain, and what it has endorsed since is in no backup"
    return NodeError(NodeCode.LOG_LOST, f"{detail}; choose another name and a new key")


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
