"""Reads JSON that holds a stranger's words, of any kind and any length.

Nothing in it is taken for granted but that it is JSON: what is missing or of another kind reads as empty.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pictures.credentials.findings import CODE_MAX, TEXT_MAX


def codes_in(said: Any) -> tuple[str, ...]:
    """The codes in a list of results."""
    return tuple(text_of(found_at(one, "code"))[:CODE_MAX] for one in listed(said))


def found_at(said: Any, *path: str) -> Any:
    """What lies at a path; None if there is nothing."""
    for name in path:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def pairs_in(said: Any) -> list[tuple[str, Any]]:
    """What an object has, by name; nothing of anything else."""
    return list(said.items()) if isinstance(said, dict) else []


def listed(said: Any) -> list[Any]:
    """A list; an empty one for anything else."""
    return said if isinstance(said, list) else []


def text_of(said: Any) -> str:
    """A text, cut off where it is long; an empty one for anything else."""
    return said[:TEXT_MAX] if isinstance(said, str) else ""


def bytes_of(said: Any, bytes_max: int) -> bytes:
    """Bytes, so many at most, which reports have in Base64 or as numbers; empty where they are neither, or too many."""
    try:
        if isinstance(said, str) and len(said) <= bytes_max * 4 // 3 + 4:
            return base64.b64decode(said, validate=True)
        return bytes(said) if isinstance(said, list) and len(said) <= bytes_max else b""
    except (binascii.Error, TypeError, ValueError):
        return b""
