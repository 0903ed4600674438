"""Key files: one Ed25519 seed as 64 hex digits, readable by their owner only."""

from __future__ import annotations

import secrets
from pathlib import Path

from ledger.crypto import SigningKey
from node.errors import NodeCode, NodeError
from node.storage.directory import write_durably


def new_key() -> SigningKey:
    """A key from the operating system's randomness."""
    return SigningKey(secrets.token_bytes(32))


def save_key(path: Path, key: SigningKey) -> None:
    """Write a key file; an existing one is never overwritten."""
    if path.exists():
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} exists and is not overwritten; choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, key.seed.hex().encode() + b"\n", mode=0o600)


def load_key(path: Path | str) -> SigningKey:
    """Key from its file."""
    try:
        text = Path(path).read_text(encoding="ascii").strip()
        seed = bytes.fromhex(text)
    except FileNotFoundError:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} does not exist; give the path of a key file") from None
    except (OSError, ValueError) as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path}: {error}; a key file is 64 hex digits") from None
    if len(seed) != 32:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} holds {len(seed)} bytes; a key file is 64 hex digits")
    return SigningKey(seed)
