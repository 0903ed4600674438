"""Files that no record names: each lies here for a day, at the cost of the account that brought it.

They are kept apart from recorded content, so that what nobody records goes without a trace, and nothing recorded goes
with it. Once a record names a file it becomes content (`Blockstore.keep`) and costs its account nothing more.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from ledger.names import org_of
from node.storage.directory import write_durably
from remarque.errors import NodeCode, NodeError

ACCOUNT_BYTES_MAX = 512 * 1024 * 1024
ORG_BYTES_MAX = 4 * ACCOUNT_BYTES_MAX
"""Of an org's accounts together, however many it has."""
SECONDS_MAX = 24 * 3_600
NOBODY = "nobody"
"""Whose they are where whoever brought them has no account."""


class Uploads:
    """Files in a directory, by account and content id. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, dict[str, int]] = {}
        """Sizes by content id, by account."""
        self._changing = threading.Lock()
        for file in path.glob("*/*"):
            if file.suffix:  # what was being written
                file.unlink()
            else:
                self._held.setdefault(file.parent.name, {})[file.name] = file.stat().st_size

    def put(self, account: str, cid: str, data: bytes) -> None:
        """Keep a file that an account brought; once more, and its day begins anew. UPLOADS_FULL if that is too much."""
        account = account or NOBODY
        file = self._path / account / cid
        with self._changing:
            if cid in self._held.get(account, {}):
                os.utime(file)
                return
            self._check(account, len(data))
            self._held.setdefault(account, {})[cid] = len(data)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, data)
        except OSError:
            self._drop(account, cid)
            raise

    def _check(self, account: str, size: int) -> None:
        org = org_of(account)
        of_org = sum(sum(held.values()) for one, held in self._held.items() if org_of(one) == org)
        for whose, bytes_held, most in (
            (account, sum(self._held.get(account, {}).values()), ACCOUNT_BYTES_MAX),
            (org or account, of_org, ORG_BYTES_MAX),
        ):
            if bytes_held + size > most:
                raise NodeError(
                    NodeCode.UPLOADS_FULL,
                    f"{bytes_held} bytes of {whose} wait here for a record, at most {most}; register what was sent, or "
                    f"wait: what nobody registers is gone after {SECONDS_MAX // 3_600} hours",
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
            self._drop(account, cid)

    def forget_old(self) -> int:
        """Forget what no record has named in time; how many files that were."""
        oldest, gone = time.time() - SECONDS_MAX, 0
        for account, held in list(self._held.items()):
            for cid in list(held):
                try:
                    if (self._path / account / cid).stat().st_mtime >= oldest:
                        continue
                except FileNotFoundError:
                    continue
                self._drop(account, cid)
                gone += 1
        return gone

    def _holders(self, cid: str) -> list[str]:
        with self._changing:
            return [account for account, held in self._held.items() if cid in held]

    def _drop(self, account: str, cid: str) -> None:
        (self._path / account / cid).unlink(missing_ok=True)
        with self._changing:
            self._held[account].pop(cid, None)
