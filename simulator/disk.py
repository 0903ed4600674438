"""A disk that keeps what was synced, and of the rest what a power cut leaves: the databases of one node.

It stands where LevelDB stands, below the real stores, and behaves as LevelDB does: batches are written whole and in
order, a torn last one is dropped when the database is opened, damage within is reported as corruption. A handle is of
one life of its node: one that is left over from before a crash writes nothing.
"""

from __future__ import annotations

import errno
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import plyvel

from remarque.errors import NodeCode, NodeError

Change = tuple[bytes, bytes | None]
"""Key and its new value; None removes it."""


class Crashed(BaseException):
    """The node stops at this very place."""


class Fate(Protocol):
    """What may befall a write, before it and after it: nothing, `Crashed`, or an error of the disk."""

    def before(self, volume: str, size: int, *, sync: bool) -> None:
        """It may not be made. To raise here is to lose it."""

    def after(self, volume: str, size: int, *, sync: bool) -> None:
        """It was made. To raise here is to keep it, although nobody is told."""


class Volume:
    """One database of one node, across its lives."""

    def __init__(self) -> None:
        self.content: dict[bytes, bytes] = {}
        """As it is read."""
        self.keys: list[bytes] = []
        """Of the content, sorted."""
        self._undo: list[list[Change]] = []
        """What would undo each batch since the last one that was synced."""
        self.damaged = False

    @property
    def unsynced(self) -> int:
        """Batches that a power cut may lose."""
        return len(self._undo)

    def write(self, batch: list[Change], *, sync: bool) -> None:
        self._undo.append(self._apply(batch))
        if sync:
            self._undo.clear()

    def sync(self) -> None:
        """All that was written is on disk."""
        self._undo.clear()

    def lose(self, count: int) -> None:
        """A power cut: the newest batches of those that were not synced are gone, the others are on disk."""
        for _ in range(count):
            self._apply(self._undo.pop()[::-1])
        self._undo.clear()

    def _apply(self, batch: list[Change]) -> list[Change]:
        undo = []
        for key, value in batch:
            before = self.content.get(key)
            undo.append((key, before))
            if value is None:
                if before is not None:
                    del self.content[key]
                    del self.keys[bisect_left(self.keys, key)]
            else:
                if before is None:
                    insort(self.keys, key)
                self.content[key] = value
        return undo


class Disk:
    """The volumes of one node."""

    def __init__(self, fate: Fate) -> None:
        self.volumes: dict[str, Volume] = {}
        self._fate = fate
        self.life = 0
        """Counts the lives of the node: a handle of an earlier one is dead."""

    def open(self, path: Path) -> Any:
        """A database as `plyvel.DB` is one, as far as the stores use it. DATA_CORRUPT if it is damaged."""
        volume = self.volumes.setdefault(path.name, Volume())
        if volume.damaged:
            raise NodeError(NodeCode.DATA_CORRUPT, f"{path}: a checksum does not match; join as a new node")
        life = self.life

        def write(batch: list[Change], *, sync: bool) -> None:
            if life != self.life:
                raise Crashed
            size = sum(len(key) + len(value or b"") for key, value in batch)
            self._fate.before(path.name, size, sync=sync)
            volume.write(batch, sync=sync)
            self._fate.after(path.name, size, sync=sync)

        return Database(volume, write)


class Database:
    """`plyvel.DB`, as far as the stores use it."""

    def __init__(self, volume: Volume, write: Callable[..., None]) -> None:
        self._volume = volume
        self._write = write

    def get(self, key: bytes, default: bytes | None = None, *, verify_checksums: bool = False) -> bytes | None:
        return self._volume.content.get(key, default)

    def write_batch(self, *, sync: bool = False) -> _Batch:
        return _Batch(self._write, sync)

    def iterator(
        self,
        *,
        prefix: bytes = b"",
        start: bytes = b"",
        stop: bytes | None = None,
        reverse: bool = False,
        include_key: bool = True,
        include_value: bool = True,
        verify_checksums: bool = False,
    ) -> _Cursor:
        low = prefix + start if prefix else start
        high = _after_all(prefix) if prefix else stop
        shape = _SHAPES[include_key, include_value]
        return _Cursor(self._volume, low, high, shape, reverse=reverse)

    def close(self) -> None:
        pass


class _Batch:
    def __init__(self, write: Callable[..., None], sync: bool) -> None:
        self._write = write
        self._sync = sync
        self._changes: list[Change] = []

    def put(self, key: bytes, value: bytes) -> None:
        self._changes.append((key, value))

    def delete(self, key: bytes) -> None:
        self._changes.append((key, None))

    def __enter__(self) -> _Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write(self._changes, sync=self._sync)


class _Cursor:
    """Walks over the keys of a range. Found anew at each step, for the content may change meanwhile."""

    def __init__(
        self, volume: Volume, low: bytes, high: bytes | None, shape: Callable[[bytes, bytes], Any], *, reverse: bool
    ) -> None:
        self._volume = volume
        self._low, self._high = low, high
        self._shape = shape
        self._reverse = reverse

    def seek(self, key: bytes) -> None:
        self._low = max(self._low, key)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        keys = self._volume.keys
        if self._reverse:
            place = (len(keys) if self._high is None else bisect_left(keys, self._high)) - 1
        else:
            place = bisect_left(keys, self._low)
        if not 0 <= place < len(keys):
            raise StopIteration
        key = keys[place]
        if key < self._low or (self._high is not None and key >= self._high):
            raise StopIteration
        if self._reverse:
            self._high = key
        else:
            self._low = key + b"\0"
        return self._shape(key, self._volume.content[key])


_SHAPES: dict[tuple[bool, bool], Callable[[bytes, bytes], Any]] = {
    (True, True): lambda key, value: (key, value),
    (True, False): lambda key, value: key,
    (False, True): lambda key, value: value,
}


def _after_all(prefix: bytes) -> bytes | None:
    """The first key that is behind all keys of a prefix."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def no_room() -> plyvel.IOError:
    """What LevelDB says when the disk is full."""
    return plyvel.IOError(f"IO error: log: {errno.errorcode[errno.ENOSPC]} No space left on device")


def no_sync() -> plyvel.IOError:
    """What LevelDB says when a write or a sync fails."""
    return plyvel.IOError("IO error: log: Input/output error")
