"""Whose Content Credentials are trusted: roots in PEM, a file for each provider, in a folder that an operator keeps.

The folder is looked at anew for each question, and read when something in it has changed, so that a list is brought up
to date by a copy, without a restart. What is no certificate in a file is told once, and the rest of the file counts.
"""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509

from node.ground.logs import logger

BYTES_MAX = 1 << 20
"""Of all of them: the C2PA trust list has some fifty roots, of 2 KB each."""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")


class Anchors:
    """The roots in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: list[tuple[str, int, int]] | None = None
        self._pem = ""

    def pem(self) -> str:
        """All roots, one behind the other; nothing if there is no folder."""
        try:
            files = sorted(self._folder.glob("*.pem"))
            seen = [(file.name, stat.st_mtime_ns, stat.st_size) for file in files for stat in (file.stat(),)]
            if seen != self._seen:
                self._pem, self._seen = "".join(_roots_in(file) for file in files)[:BYTES_MAX], seen
        except OSError as error:
            logger.warning("anchors_unreadable", folder=str(self._folder), reason=str(error))
        return self._pem


def _roots_in(file: Path) -> str:
    """The certificates in a file, as they stand there."""
    found = []
    for pem in _CERTIFICATE.findall(file.read_text(encoding="ascii", errors="replace")):
        try:
            x509.load_pem_x509_certificate(pem.encode())
            found.append(pem if pem.endswith("\n") else pem + "\n")
        except ValueError as error:
            logger.warning("anchor_unreadable", file=str(file), reason=str(error))
    return "".join(found)
