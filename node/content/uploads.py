"""Files that no record names: each lies here for a day, at the cost of the account that brought it.

They are kept apart from recorded content, so that what nobody records goes without a trace, and nothing recorded goes
with it. Once a record names a file it becomes content (`Blockstore.keep`) and costs its account nothing more. A file
comes whole (`put`), or piece after piece (`begin`, `append`, `finish`): what has come of it counts.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.names import org_of
from node.storage.directory import sync_directory, write_durably
from remarque.dag import CHUNK, FILE_BYTES_MAX, cid_of_parts
from remarque.errors import NodeCode, NodeError

ACCOUNT_BYTES_MAX = 2 * FILE_BYTES_MAX
ORG_BYTES_MAX = 4 * ACCOUNT_BYTES_MAX
"""Of an org's accounts together, however many it has."""
FILE_BYTES_MIN = 8 * 1024
"""What a file counts at least: the disk gives it a block and an inode."""
SECONDS_MAX = 24 * 3_600
NOBODY = "nobody"
"""Whose they are where whoever brought them has no account."""
PART = ".part"
"""Behind the name of a file that has not come whole."""


class Uploads:
    """Files in a directory, by account and content id. Safe to use from several threads; they are written in turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since: dict[str, dict[str, float]] = {}
        """When each was brought last, in seconds since 1970, by content id, by account."""
        self._bytes: Counter[str] = Counter()
        """What the files of an account count, and those of an org."""
        self._changing = threading.Lock()
        self._held = set[Path]()
        """Files in pieces that are looked at now: they stay as they are, for they may be mapped into memory."""
        for file in path.glob("*/*"):
            if file.suffix not in ("", PART):  # what was being written
                file.unlink()
            else:
                found = file.stat()
                self._note(file.parent.name, file.name, found.st_size, found.st_mtime)

    def put(self, account: str, cid: str, data: bytes) -> None:
        """Keep a file that an account brought; once more, and its day begins anew. UPLOADS_FULL if that is too much."""
        account = account or NOBODY
        file = self._path / account / cid
        with self._changing:
            if cid in self._since.get(account, {}):
                os.utime(file)
                self._since[account][cid] = time.time()
                return
            self._check(account, _counted(len(data)))
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, data)
            self._note(account, cid, len(data), time.time())

    def begin(self, account: str, size: int = 0) -> str:
        """Begin a file of a size that comes piece after piece; its name until it is whole.

        UPLOADS_FULL if there is no room for it now. What counts is only what comes.
        """
        account, name = account or NOBODY, secrets.token_hex(16)
        with self._changing:
            self._check(account, _counted(size))
            (self._path / account).mkdir(parents=True, exist_ok=True)
            (self._path / account / (name + PART)).touch()
            self._note(account, name + PART, 0, time.time())
        return name

    def append(self, account: str, name: str, at: int, piece: bytes) -> int:
        """Take the next piece of a file, which begins at `at`; how much has come then.

        NOT_FOUND, UPLOAD_OFFSET if another piece comes next, UPLOADS_FULL.
        """
        with self._changing:
            file, size = self._changeable(account, name)
            if at != size:
                raise NodeError(NodeCode.UPLOAD_OFFSET, f"{size} bytes of it have come, not {at}; go on from there")
            more = _counted(size + len(piece)) - _counted(size)
            self._check(account or NOBODY, more)
            with file.open("ab", buffering=0) as out:
                try:
                    _write(out.fileno(), piece)
                except OSError:  # a full disk: what came of the piece before it is taken back
                    out.truncate(size)
                    raise
            self._count(account or NOBODY, more)
        return size + len(piece)

    def cut(self, account: str, name: str, size: int) -> None:
        """Leave of a file only what had come of it before. NOT_FOUND."""
        with self._changing:
            file, before = self._changeable(account, name)
            os.truncate(file, size)
            self._count(account or NOBODY, _counted(size) - _counted(before))

    def come(self, account: str, name: str) -> tuple[Path, int]:
        """Where a file lies that is not finished, and how much of it has come, in bytes. NOT_FOUND."""
        with self._changing:
            return self._part(account, name)

    @contextmanager
    def held(self, account: str, name: str) -> Iterator[Path]:
        """Let nobody change a file while it is looked at. NOT_FOUND; UPLOAD_OFFSET if it is looked at already."""
        with self._changing:
            file, _ = self._changeable(account, name)
            self._held.add(file)
        try:
            yield file
        finally:
            with self._changing:
                self._held.discard(file)

    def _changeable(self, account: str, name: str) -> tuple[Path, int]:
        file, size = self._part(account, name)
        if file in self._held:
            raise NodeError(NodeCode.UPLOAD_OFFSET, "it is being stored, as it is; wait for the answer to that")
        return file, size

    def finish(self, account: str, name: str) -> str:
        """A file has come whole: its content id, by which it is known from now on. NOT_FOUND, UPLOAD_OFFSET."""
        account = account or NOBODY
        file, size = self.come(account, name)
        cid = cid_of_parts(pieces_of(file))
        with file.open("rb") as data:
            os.fsync(data.fileno())
        with self._changing:
            if self._part(account, name)[1] != size:
                raise NodeError(NodeCode.UPLOAD_OFFSET, "another piece of it came meanwhile; finish it once all have")
            held = self._since[account]
            since = held.pop(name + PART)
            if cid in held:
                file.unlink()
                self._count(account, -_counted(size))
            else:
                file.rename(file.with_name(cid))
                sync_directory(file.parent)
            held[cid] = since
        return cid

    def cancel(self, account: str, name: str) -> None:
        """Forget what has come of a file; nothing if it is finished, or none of this account's."""
        self.drop(account or NOBODY, name + PART)

    def _part(self, account: str, name: str) -> tuple[Path, int]:
        account, file = account or NOBODY, name + PART
        if file not in self._since.get(account, {}):
            raise NodeError(NodeCode.NOT_FOUND, "there is no such upload of yours; it may have been too old")
        return self._path / account / file, (self._path / account / file).stat().st_size

    def _note(self, account: str, cid: str, size: int, since: float) -> None:
        self._since.setdefault(account, {})[cid] = since
        self._count(account, _counted(size))

    def _count(self, account: str, more: int) -> None:
        for whose in _charged(account):
            self._bytes[whose] += more

    def _check(self, account: str, more: int) -> None:
        for whose, most in zip(_charged(account), (ACCOUNT_BYTES_MAX, ORG_BYTES_MAX), strict=False):
            if self._bytes[whose] + more > most:
                raise NodeError(
                    NodeCode.UPLOADS_FULL,
                    f"files of {whose} that wait here for a record count {self._bytes[whose]} bytes, at most {most}; "
                    f"register what was sent, or wait: after {SECONDS_MAX // 3_600} hours it is gone",
                    60,
                )

    def file(self, cid: str) -> Path | None:
        """Where a file lies, whoever brought it; None if it is not here. It may have gone by the time it is read."""
        return next((self._path / account / cid for account in self._holders(cid)), None)

    def forget(self, cid: str) -> None:
        """Forget a file, whoever brought it."""
        for account in self._holders(cid):
            self.drop(account, cid)

    def older_than(self, seconds: float) -> list[tuple[str, str]]:
        """Account and content id of the files that were brought before a time, in seconds since 1970."""
        with self._changing:
            return [(one, cid) for one, held in self._since.items() for cid, since in held.items() if since < seconds]

    def drop(self, account: str, cid: str) -> None:
        """Forget a file that an account brought."""
        with self._changing:
            if self._since.get(account, {}).pop(cid, None) is None:
                return
            file = self._path / account / cid
            size = file.stat().st_size
            file.unlink()
            self._count(account, -_counted(size))

    def _holders(self, cid: str) -> list[str]:
        with self._changing:
            return [account for account, held in self._since.items() if cid in held]


def files_in(path: Path) -> Iterator[Path]:
    """What waits whole in the directory of a node that does not run."""
    return (file for file in sorted(path.glob("*/*")) if not file.suffix)


def pieces_of(file: Path) -> Iterator[bytes]:
    """A file, chunk after chunk."""
    with file.open("rb") as data:
        while piece := data.read(CHUNK):
            yield piece


def _counted(size: int) -> int:
    """What a file of a size counts, in bytes."""
    return max(size, FILE_BYTES_MIN)


def _write(file: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(file, piece) :]


def _charged(account: str) -> list[str]:
    """Whom a file counts for: its account, and the org of that."""
    return [account, f"@{org_of(account)}"] if org_of(account) else [account]
