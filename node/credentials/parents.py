"""Files that marked pictures were made from, kept until the picture is recorded and its manifest holds what they said.

They lie on disk, so that a crash between the record and the manifest loses none. What no record names within a day is
forgotten.
"""

from __future__ import annotations

import time
from pathlib import Path

from node.credentials.manifest_store import ManifestName, name_in
from node.storage.directory import write_durably
from remarque.errors import NodeCode, NodeError

BYTES_MAX = 1 << 30
"""Of all of them."""
SECONDS_MAX = 24 * 3_600


class Parents:
    """A directory of such files, by the manifest to come. Its methods are for a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        for file in path.glob("*.new"):  # what was being written
            file.unlink()

    def put(self, name: ManifestName, data: bytes) -> None:
        """Keep a file; nothing at all for a picture that needs none. UPLOADS_FULL if too much waits here."""
        waiting = sum(file.stat().st_size for file in self._path.iterdir())
        if waiting + len(data) > BYTES_MAX:
            detail = f"files of {waiting} bytes wait here for records of what was made of them, at most {BYTES_MAX}"
            raise NodeError(NodeCode.UPLOADS_FULL, f"{detail}; try again later", 60)
        write_durably(self._path / name.stem, data)

    def get(self, name: ManifestName) -> bytes:
        """The file that a picture was made from; nothing if it needs none, or was not marked here."""
        try:
            return (self._path / name.stem).read_bytes()
        except FileNotFoundError:
            return b""

    def has(self, name: ManifestName) -> bool:
        """Whether a picture was marked here, and is not sealed yet."""
        return (self._path / name.stem).exists()

    def drop(self, name: ManifestName) -> None:
        """Forget what is sealed, or what nobody recorded."""
        (self._path / name.stem).unlink(missing_ok=True)

    def older(self) -> list[ManifestName]:
        """Those that are older than a day."""
        oldest = time.time() - SECONDS_MAX
        return [name_in(file) for file in sorted(self._path.iterdir()) if file.stat().st_mtime < oldest]
