"""Content archives in a folder: written whole or not at all, and read again by ranges, also out of stores and by HTTP.

An archive is named by its piece. One that is there already is not written again, so that a run which was cut off goes
on where it was; what it had begun is written anew.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from node.storage.directory import sync_directory
from remarque.archives import Archive, ArchivePlan, Blocks, Read, parts_of
from remarque.errors import NodeCode, NodeError
from remarque.pieces import STEP, Piece, PieceHasher

ENDING, UNFINISHED = ".car", "archive.new"
CONNECT_SECONDS, REQUEST_SECONDS = "5s", "60s"
RETRIES_MAX = 2
REASON_CHARACTERS_MAX = 300


def roots_in(folder: Path) -> dict[str, Path]:
    """The archives in a folder, by their roots."""
    return {Archive(reader_of(str(file))).root: file for file in sorted(folder.glob(f"*{ENDING}"))}


def write(plan: ArchivePlan, blocks: Blocks, folder: Path) -> tuple[Path, Piece]:
    """Write an archive to a folder; its file and its piece. CONTENT_MISSING; OSError if another process does so."""
    hasher, beside = PieceHasher(), folder / UNFINISHED
    with beside.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        for part in parts_of(plan, blocks):
            file.write(part)
            hasher.update(part)
        file.flush()
        os.fsync(file.fileno())
        piece = hasher.piece()
        done = beside.rename(folder / f"{piece.cid}{ENDING}")
    sync_directory(folder)
    return done, piece


def piece_of(file: Path) -> Piece:
    """The piece of a file."""
    hasher = PieceHasher()
    with file.open("rb") as data:
        while part := data.read(STEP):
            hasher.update(part)
    return hasher.piece()


def reader_of(place: str) -> Read:
    """Reads parts of a file by its path or its address: http, https, s3, gs or az. A store's keys are in its variables.

    ARCHIVE_UNREADABLE if it is not there, or not read in parts.
    """
    folder, _, name = place.rpartition("/")
    try:
        store = _store(folder) if "://" in place else LocalStore(prefix=str(Path(folder or ".").absolute()))
    except (BaseError, ValueError) as error:
        raise _failed(place, error) from None

    def read(at: int, size: int) -> bytes:
        try:
            return bytes(store.get_range(name, start=at, length=size))
        except (BaseError, OSError, ValueError) as error:
            raise _failed(place, error) from None

    return read


def _store(folder: str) -> ObjectStore:
    open_url: Any = from_url  # typed for each provider apart
    client = {"allow_http": True, "connect_timeout": CONNECT_SECONDS, "timeout": REQUEST_SECONDS}
    store: ObjectStore = open_url(folder, client_options=client, retry_config={"max_retries": RETRIES_MAX})
    return store


def _failed(place: str, error: Exception) -> NodeError:
    reason = str(error).partition("\n")[0][:REASON_CHARACTERS_MAX]
    return NodeError(NodeCode.ARCHIVE_UNREADABLE, f"{place}: {reason}")
