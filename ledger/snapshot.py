"""Snapshots: the whole state at a certified height, in chunks, so that a node can begin there.

The manifest names the header, why it is final, the log's peaks and the digest of every chunk; the chunks together are
every entry of the state in the order of its keys. Nothing of it has to be trusted: the entries make the header's state
root and the peaks its log root, or the snapshot is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.block import Certificate, Header
from ledger.crypto import sha256
from ledger.encoding import Value, decode
from ledger.epochs import Epochs
from ledger.errors import InvariantBroken, LedgerError, Refused
from ledger.finality import NotFinal, voters_above
from ledger.genesis import Genesis
from ledger.merkle_log import MerkleLog
from ledger.names import Count, Hex32, Positive
from ledger.recovery import Recoveries
from ledger.version import KNOWN

SNAPSHOT_VERSION = 1
MANIFEST_BYTES_MAX = 32 * 1024 * 1024
"""Room for 100,000 chunks, and for as many epochs as a proof may have."""
CHUNK_BYTES = 1024 * 1024
"""A chunk is closed at this size of keys and values; its file is smaller."""
CHUNK_BYTES_MAX = 32 * 1024 * 1024
"""Most that a chunk may come to, unpacked: what it is closed at, and one value more."""
CHUNK_ENTRIES_MAX = CHUNK_BYTES // 8
"""A chunk is also closed at this many entries."""

StateEntry = tuple[str, bytes]
"""A key of the state and its value."""
_entries_decoder = msgspec.msgpack.Decoder(list[StateEntry])


class SnapshotRefused(Refused):
    """It is no snapshot of this chain, or not what it says. Install nothing of it; the text says what failed."""


class Chunk(Value, frozen=True, kw_only=True):
    """A chunk's file."""

    digest: Hex32
    """SHA-256."""
    size: Annotated[int, Meta(ge=1, le=CHUNK_BYTES_MAX)]
    """Bytes."""


class Manifest(Value, frozen=True, kw_only=True):
    """What a snapshot is of, and what it is made of."""

    version: int
    header: Header
    certificate: Certificate
    epochs: Epochs = ()
    """Up to the header, its own included if it names other voters (`ledger.epochs.epochs_of_start`)."""
    peaks: Annotated[tuple[Hex32, ...], Meta(max_length=64)]
    """Of the log at the header, largest first."""
    protocol: Positive
    """Number of the rules of execution in force."""
    entries: Count
    chunks: Annotated[tuple[Chunk, ...], Meta(min_length=1, max_length=100_000)]

    @property
    def size(self) -> int:
        """Bytes of all chunks."""
        return sum(chunk.size for chunk in self.chunks)


def parse_manifest(data: bytes, genesis: Genesis, recoveries: Recoveries = (), known: Header | None = None) -> Manifest:
    """The manifest, if its header is final on the chain of this genesis; else SnapshotRefused.

    `recoveries` are those of the chain that whoever checks has accepted, `known` a header that they know to be of it.
    """
    _require(len(data) <= MANIFEST_BYTES_MAX, f"a manifest has at most {MANIFEST_BYTES_MAX} bytes")
    try:
        manifest = decode(data, Manifest)
        voters_above(manifest.header, manifest.certificate, manifest.epochs, genesis, recoveries, known)
    except LedgerError as error:
        raise SnapshotRefused(f"this is no manifest: {error}") from None
    except NotFinal as fault:
        raise SnapshotRefused(str(fault)) from None
    _require(manifest.version == SNAPSHOT_VERSION, f"version {manifest.version} is not known here")
    _require(manifest.protocol in KNOWN, f"protocol version {manifest.protocol} is not known here; upgrade this node")
    check_peaks(manifest.header, manifest.peaks)
    return manifest


def check_peaks(header: Header, peaks: tuple[str, ...]) -> None:
    """SnapshotRefused unless these are the peaks of a header's log."""
    try:
        root = MerkleLog(header.log_size, [bytes.fromhex(peak) for peak in peaks]).root().hex()
    except InvariantBroken as fault:
        raise SnapshotRefused(f"its peaks do not make a log: {fault}") from None
    _require(root == header.log_root, "its peaks are not those of the header's log")


def chunks_of(entries: Iterable[StateEntry]) -> Iterator[list[StateEntry]]:
    """Entries cut into chunks."""
    some: list[StateEntry] = []
    size = 0
    for key, value in entries:
        some.append((key, value))
        size += len(key) + len(value)
        if size >= CHUNK_BYTES or len(some) == CHUNK_ENTRIES_MAX:
            yield some
            some, size = [], 0
    if some:
        yield some


def encode_chunk(entries: list[StateEntry]) -> bytes:
    """A chunk's file: MessagePack, compressed (zlib, RFC 1950)."""
    return zlib.compress(msgspec.msgpack.encode(entries), 1)


def decode_chunk(data: bytes, chunk: Chunk) -> list[StateEntry]:
    """Entries of a chunk's file; SnapshotRefused if it is not the one that its manifest names."""
    _require(chunk_holds(data, chunk), "a chunk is not the one that the manifest names")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, CHUNK_BYTES_MAX)
        _require(unpacker.eof and not unpacker.unused_data, f"a chunk has more than {CHUNK_BYTES_MAX} bytes unpacked")
        _require(_length(unpacked) <= CHUNK_ENTRIES_MAX, f"a chunk has more than {CHUNK_ENTRIES_MAX} entries")
        return _entries_decoder.decode(unpacked)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotRefused(f"a chunk is not of the documented form: {error}") from None


def _length(packed: bytes) -> int:
    """How many items a MessagePack array says it has, before room is made for them; 0 if it is none."""
    width = {0xDC: 2, 0xDD: 4}.get(packed[0] if packed else 0, 0)
    return int.from_bytes(packed[1 : 1 + width])


def chunk_holds(data: bytes, chunk: Chunk) -> bool:
    """Whether a file is the one that a manifest names."""
    return len(data) == chunk.size and sha256(data).hex() == chunk.digest


def ordered(entries: Iterable[StateEntry]) -> Iterator[StateEntry]:
    """The entries; SnapshotRefused at the first whose key is not above the one before."""
    before = ""
    for key, value in entries:
        _require(key > before, f"{key[:80]!r} stands in the wrong place")
        yield key, value
        before = key


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise SnapshotRefused(fault)
