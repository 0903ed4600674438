"""Snapshots of this node: taken by itself while blocks go on, kept in files, given to nodes that join.

    snapshots/<height>/manifest.json       written last, so that a snapshot is there whole or not at all
    snapshots/<height>/<number>.chunk

The state is read off a view of the store, one chunk in a turn of the event loop; packing and writing are done in a
thread. A snapshot is of a height that has a certificate of its own, as every height has that consensus delivers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from itertools import chain as chained
from pathlib import Path

import msgspec

from ledger.block import Certificate, Header
from ledger.crypto import sha256
from ledger.encoding import encode
from ledger.epochs import Epochs
from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.snapshot import (
    SNAPSHOT_VERSION,
    Chunk,
    Manifest,
    SnapshotRefused,
    StateEntry,
    chunks_of,
    decode_chunk,
    encode_chunk,
    ordered,
    parse_manifest,
)
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.reading import Reading
from node.ground.logs import logger, progress
from node.storage.directory import write_durably
from node.storage.state_store import StateView
from remarque.errors import NodeCode, NodeError

SNAPSHOTS = "snapshots"
"""Directory, in the data directory, of a node's snapshots."""
MANIFEST = "manifest.json"
PRUNED_TOGETHER = 64
"""Blocks deleted in one piece of work."""
KEPT = 2
"""Snapshots kept: the one before stays while a node that joins is fetching it."""


class SnapshotView(msgspec.Struct, frozen=True):
    """What a snapshot is made of, as it stood at one moment."""

    view: StateView
    header: Header
    certificate: Certificate
    peaks: tuple[str, ...]
    protocol: int
    epochs: Epochs


class Snapshots:
    """Takes and keeps a node's snapshots."""

    def __init__(self, chain: Chain, reading: Reading, path: Path, every: int, keep_blocks: int) -> None:
        """`every`: transactions after which another is taken; 0: none is. `keep_blocks`: behind one; 0: all."""
        self._chain = chain
        self._reading = reading
        self._path = path
        self._every = every
        self._keep_blocks = keep_blocks
        self._since = 0
        self._due: SnapshotView | None = None
        self._woken = asyncio.Event()
        for unfinished in path.glob("*.new"):
            shutil.rmtree(unfinished)
        chain.commits.follow(self._committed)

    def _committed(self, layers: list[Layer]) -> None:
        """Once enough has become final, take a view to be written."""
        self._since += sum(len(layer.block.transactions) for layer in layers)
        if self._every and self._since >= self._every and self._due is None:
            self._due = take(self._chain)
            if self._due is not None:
                self._since = 0
                self._woken.set()

    async def run(self) -> None:
        """Write what is due, for ever. A snapshot that cannot be written is given up, and the node goes on."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._due is None:
                continue
            try:
                await self._write(self._due)
                await self._prune(self._due.header.height - self._keep_blocks)
            except OSError as error:
                logger.error("snapshot_not_written", height=self._due.header.height, reason=str(error))
                shutil.rmtree(_new(self._path, self._due.header.height), ignore_errors=True)
            finally:
                self._due.view.close()
                self._due = None

    def newest(self) -> tuple[bytes, Path] | None:
        """Manifest and directory of the newest snapshot."""
        heights = heights_in(self._path)
        place = self._path / str(heights[-1]) if heights else None
        return None if place is None else ((place / MANIFEST).read_bytes(), place)

    def chunk(self, digest: str, number: int) -> bytes | None:
        """A chunk's file of the snapshot whose manifest has a digest."""
        for height in reversed(heights_in(self._path)):
            place = self._path / str(height)
            if sha256((place / MANIFEST).read_bytes()).hex() == digest:
                file = chunk_file(place, number)
                return file.read_bytes() if file.exists() else None
        return None

    async def _prune(self, upto: int) -> None:
        """Forget the blocks up to a height, some at a time, unless all are to be kept."""
        before = self._chain.finals.oldest
        while self._keep_blocks and self._chain.finals.oldest < upto:
            await self._reading.piece(self._chain.finals.prune, upto, PRUNED_TOGETHER)
        if self._chain.finals.oldest > before:
            logger.info("blocks_pruned", upto=self._chain.finals.oldest)

    async def _write(self, taken: SnapshotView) -> None:
        height = taken.header.height
        place = _new(self._path, height)
        place.mkdir(parents=True)
        pieces, entries = chunks_of(taken.view.items()), 0
        chunks: list[Chunk] = []
        while (some := await self._reading.piece(next, pieces, None)) is not None:
            chunks.append(await asyncio.to_thread(_write_chunk, chunk_file(place, len(chunks)), some))
            entries += len(some)
        await asyncio.to_thread(finish, place, taken, chunks, entries)
        for old in heights_in(self._path)[:-KEPT]:
            place = self._path / str(old)
            await asyncio.to_thread(shutil.rmtree, place.rename(_new(self._path, old)))
        logger.info("snapshot_taken", height=height, entries=entries, bytes=sum(chunk.size for chunk in chunks))


def take(chain: Chain) -> SnapshotView | None:
    """The newest final state, to be written; None if no certificate is directly for it."""
    header = chain.committed
    certificate = chain.state.certificate(header.height)
    if certificate is None:
        return None
    peaks = tuple(peak.hex() for peak in chain.log.peaks(header.log_size))
    protocol = chain.version(header.height).number
    return SnapshotView(chain.state.view(), header, certificate, peaks, protocol, chain.sets.epochs_of_start(header))


def write(taken: SnapshotView, place: Path) -> Manifest:
    """Write a snapshot of a node that does not run, all at once."""
    if place.exists():
        raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{place} is there already; choose another")
    new = place.with_name(place.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    chunks: list[Chunk] = []
    entries = 0
    for some in chunks_of(taken.view.items()):
        chunks.append(_write_chunk(chunk_file(new, len(chunks)), some))
        entries += len(some)
    return finish(new, taken, chunks, entries)


def finish(place: Path, taken: SnapshotView, chunks: list[Chunk], entries: int) -> Manifest:
    """Write the manifest, and give the directory its name."""
    manifest = Manifest(
        version=SNAPSHOT_VERSION,
        header=taken.header,
        certificate=taken.certificate,
        epochs=taken.epochs,
        peaks=taken.peaks,
        protocol=taken.protocol,
        entries=entries,
        chunks=tuple(chunks),
    )
    write_durably(place / MANIFEST, encode(manifest))
    place.rename(place.with_suffix(""))
    return manifest


def chunk_file(place: Path, number: int) -> Path:
    """File of a chunk in a snapshot's directory."""
    return place / f"{number:06d}.chunk"


def oldest_above(path: Path, height: int, genesis: Genesis, recoveries: Recoveries) -> tuple[Path, Manifest]:
    """The oldest snapshot at a height or above, with its directory. NodeError if there is none."""
    for found in heights_in(path):
        if found >= height:
            place = path / str(found)
            return place, parse_manifest((place / MANIFEST).read_bytes(), genesis, recoveries)
    detail = f"{path} holds no snapshot at {height} or above, and the blocks below are pruned; audit another node"
    raise NodeError(NodeCode.BLOCK_PRUNED, detail)


def heights_in(path: Path) -> list[int]:
    """Heights of the snapshots in a directory, lowest first."""
    return sorted(int(file.parent.name) for file in path.glob(f"*/{MANIFEST}") if file.parent.name.isdecimal())


def read_entries(place: Path, manifest: Manifest) -> Iterator[StateEntry]:
    """Entries of a snapshot in a directory, each chunk checked."""
    pieces = (
        decode_chunk(chunk_file(place, number).read_bytes(), chunk)
        for number, chunk in enumerate(progress("chunks_installed", manifest.chunks))
    )
    count = 0
    for entry in ordered(chained.from_iterable(pieces)):
        yield entry
        count += 1
    if count != manifest.entries:
        raise SnapshotRefused(f"it has {count} entries, its manifest says {manifest.entries}")


def _write_chunk(file: Path, entries: list[StateEntry]) -> Chunk:
    data = encode_chunk(entries)
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return Chunk(digest=sha256(data).hex(), size=len(data))


def _new(path: Path, height: int) -> Path:
    return path / f"{height}.new"
