"""Where the passphrase of a key file comes from: a file that the environment names, or whoever sits at the terminal."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in

PASSPHRASE_FILE = "REMARQUE_PASSPHRASE_FILE"
"""Environment variable that names the file with the passphrase, for services; its first line counts."""

Passphrase = Callable[[Path], bytes]
"""Gives the passphrase of a key file."""


def given_passphrase(path: Path) -> bytes:
    """The passphrase from the file that the environment names, else asked at the terminal, without echo."""
    named = os.environ.get(PASSPHRASE_FILE)
    if named:
        return read_passphrase(Path(named))
    if not sys.stdin.isatty():
        raise NodeError(
            NodeCode.PASSPHRASE_NEEDED, f"{path} is encrypted and there is no terminal to ask at; set {PASSPHRASE_FILE}"
        )
    return not_empty(getpass.getpass(f"Passphrase of {path}: ").encode(), "none was typed")


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file: its first line."""
    try:
        lines = text_in(path).splitlines()
    except OSError as error:
        raise NodeError(NodeCode.PASSPHRASE_NEEDED, f"{PASSPHRASE_FILE}: {error}; name a file you may read") from None
    return not_empty(lines[0] if lines else b"", f"the first line of {path} is empty")


def not_empty(passphrase: bytes, fact: str) -> bytes:
    """The passphrase, or a refusal that says how it came to be empty."""
    if not passphrase:
        raise NodeError(NodeCode.PASSPHRASE_NEEDED, f"{fact}, and an empty passphrase protects nothing; give one")
    return passphrase
