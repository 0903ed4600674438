"""Files that no record names: each lies here for a day, at the cost of the account that brought it.

They are kept apart from recorded content, so that what nobody records goes without a trace, and nothing recorded goes
with it. Once a record names a file it becomes content (`Blockstore.keep`) and costs its account nothing more.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ledger.names import org_of
from node.storage.directory import write_durably
from remarque.errors import NodeCode, NodeError

ACCOUNT_BYTES_MAX = 512 * 1024 * 1024
ORG_BYTES_MAX = 4 * ACCOUNT_BYTES_MAX
"""Of an org's accounts together, however many it has."""
FILE_BYTES_MIN = 8 * 1024
"""What a file counts at least: the disk gives it a block and an inode."""
SECONDS_MAX = 24 * 3_600
NOBODY = "nobody"
"""Whose they are where whoever brought them has no account."""


class Uploads:
    """Files in a directory, by account and content id. Safe to use from several threads; they are written in turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since: dict[str, dict[str, float]] = {}
        """When each was brought last, in seconds since 1970, by content id, by account."""
        self._bytes: Counter[str] = Counter()
        """What the files of an account count, and those of an org."""
        self._changing = threading.Lock()
        for file in path.glob("*/*"):
            if file.suffix:  # what was being written
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
            self._check(account, len(data))
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, data)
            self._note(account, cid, len(data), time.time())

    def _note(self, account: str, cid: str, size: int, since: float) -> None:
        self._since.setdefault(account, {})[cid] = since
        for whose in _charged(account):
            self._bytes[whose] += max(size, FILE_BYTES_MIN)

    def _check(self, account: str, size: int) -> None:
        for whose, most in zip(_charged(account), (ACCOUNT_BYTES_MAX, ORG_BYTES_MAX), strict=False):
            if self._bytes[whose] + max(size, FILE_BYTES_MIN) > most:
                raise NodeError(
                    NodeCode.UPLOADS_FULL,
                    f"files of {whose} that wait here for a record count {self._bytes[whose]} bytes, at most {most}; "
                    f"register what was sent, or wait: after {SECONDS_MAX // 3_600} hours it is gone",
                    60,
                )

    def read(self, cid: str) -> bytes | None:
        """A file, whoever brought it; None if it is not here."""
        for account in self._holders(cid):
            try:
                return (self._path / account / cid).read_bytes()
            except FileNotFoundError:  # it has become content, or was too old
                continue
        return None

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
            for whose in _charged(account):
                self._bytes[whose] -= max(size, FILE_BYTES_MIN)

    def _holders(self, cid: str) -> list[str]:
        with self._changing:
            return [account for account, held in self._since.items() if cid in held]


def files_in(path: Path) -> Iterator[bytes]:
    """What waits in the directory of a node that does not run."""
    for file in sorted(path.glob("*/*")):
        if not file.suffix:
            yield file.read_bytes()


def _charged(account: str) -> list[str]:
    """Whom a file counts for: its account, and the org of that."""
    return [account, f"@{org_of(account)}"] if org_of(account) else [account]
