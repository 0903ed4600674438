"""Files of text that people write or receive: plans, settings, policies, key files, JSON.

Some editors put a byte-order mark before UTF-8. It says nothing, so whoever reads such a file reads past it.
"""

from __future__ import annotations

import codecs
from pathlib import Path


def text_in(file: Path | str) -> bytes:
    """The bytes of a file of text, without a byte-order mark. OSError if it cannot be read."""
    return without_mark(Path(file).read_bytes())


def without_mark(data: bytes) -> bytes:
    """Text in bytes, without a byte-order mark before it."""
    return data.removeprefix(codecs.BOM_UTF8)
