"""Checkpoints as C2SP signed notes: how witnesses and monitors of transparency logs read where the log stands.

The origin is the chain's name. Every node signs with its own key, whose name is the node's under the origin, so a note
may bear the signatures of several members; one of a node that is not known is ignored, as the format wants it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from ledger.crypto import sha256

ED25519 = b"\x01"
"""Type of a signature, as the format numbers them."""


def key_name(chain: str, node: str) -> str:
    """Name of a node's key in notes."""
    return f"{chain}/{node}"


def checkpoint_text(chain: str, size: int, root: bytes) -> bytes:
    """What is signed: origin, size and root, a line each."""
    return f"{chain}\n{size}\n{b64encode(root).decode()}\n".encode()


def signed_note(text: bytes, lines: Iterable[bytes]) -> bytes:
    """The note: its text, an empty line, the signature lines."""
    return text + b"\n" + b"".join(lines)


def signature_line(name: str, public: str, signature: bytes) -> bytes:
    """One key's signature on a note's text."""
    return f"\u2014 {name} {b64encode(_key_id(name, public) + signature).decode()}\n".encode()


def verifier_key(name: str, public: str) -> str:
    """A key as those who verify notes are given it: name, id and public key in one word."""
    return f"{name}+{_key_id(name, public).hex()}+{b64encode(ED25519 + bytes.fromhex(public)).decode()}"


def _key_id(name: str, public: str) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + bytes.fromhex(public))[:4]
