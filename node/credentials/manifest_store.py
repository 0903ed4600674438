"""Manifest stores on disk, each in a file named by the label of the manifest in force and by the asset that it is of.

What a node keeps beside content: recorded file and manifest store give the released file. Any record may name any
label, so a label alone names no store. A store is there whole or not at all; beside it an empty file says that it still
lacks a time-stamp.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ledger import records
from ledger.names import Hex32, ManifestLabel
from node.decoding.signing import STORE_BYTES_MAX
from node.storage.directory import write_durably

MANIFESTS = "manifests"
"""Where, in a data directory, they lie."""
PREFIX = "urn:c2pa:"
STORE, UNSTAMPED = ".c2pa", ".unstamped"


class ManifestName(msgspec.Struct, frozen=True):
    """Which manifest of which picture."""

    label: ManifestLabel
    asset: Hex32

    @property
    def stem(self) -> str:
        """How its file is called. ValidationError for what is no label or no asset: it comes from others."""
        msgspec.convert(msgspec.to_builtins(self), ManifestName)
        return f"{self.label.removeprefix(PREFIX)}.{self.asset}"


def name_of(record: records.Asset) -> ManifestName | None:
    """The manifest that a record names; None if it names none."""
    return ManifestName(record.manifest, record.id) if isinstance(record.manifest, str) else None


def name_in(file: Path) -> ManifestName:
    """The name in that of a file."""
    label, asset, *_ = file.name.split(".")
    return ManifestName(PREFIX + label, asset)


class ManifestStore:
    """A directory of manifest stores. Its methods wait for the disk: they are for a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def get(self, name: ManifestName) -> bytes | None:
        """A store; None if it is not here."""
        try:
            return self._file(name, STORE).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: ManifestName) -> bool:
        """Whether it is here."""
        return self._file(name, STORE).exists()

    def put(self, name: ManifestName, store: bytes, *, time_stamped: bool) -> None:
        """Keep a store of at most 16 MiB. That it lacks a time-stamp is said before it is there, until it has one."""
        if len(store) > STORE_BYTES_MAX:
            raise ValueError(f"a manifest store has at most {STORE_BYTES_MAX} bytes, not {len(store)}")
        file, mark = self._file(name, STORE), self._file(name, UNSTAMPED)
        file.parent.mkdir(exist_ok=True)
        if not time_stamped:
            write_durably(mark, b"")
        write_durably(file, store)
        if time_stamped:
            mark.unlink(missing_ok=True)

    def unstamped(self) -> list[ManifestName]:
        """The stores that lack a time-stamp."""
        found = map(name_in, sorted(self._path.glob(f"*/*{UNSTAMPED}")))
        return [name for name in found if self.has(name)]

    def _file(self, name: ManifestName, suffix: str) -> Path:
        stem = name.stem
        return self._path / stem[:2] / (stem + suffix)
