"""What a node keeps of confidential pictures is encrypted on its disk, under a key that only its own key gives.

So a disk that is lost, or a copy of it, tells nothing, as long as the key file is not with it or is under a passphrase.
What goes out to other places, a backup for one, is opened first and is theirs to guard.
"""

from __future__ import annotations

import hashlib

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from ledger.crypto import SigningKey
from remarque.errors import NodeCode, NodeError

_SEALED = b"\x00"
"""Begins what is encrypted; everything else that is kept here is JSON."""


class AtRest:
    """Encrypts values under a key derived from a node's."""

    def __init__(self, key: SigningKey) -> None:
        derived = hashlib.blake2b(key=key.seed, digest_size=SecretBox.KEY_SIZE, person=b"remarque/at-rest")
        self._box = SecretBox(derived.digest())

    def seal(self, data: bytes) -> bytes:
        """A value as it is kept."""
        return _SEALED + self._box.encrypt(data)

    def open(self, kept: bytes) -> bytes:
        """The value that is kept; what is not encrypted as it is. DATA_CORRUPT if it is not of this node's key."""
        if not is_sealed(kept):
            return kept
        try:
            return self._box.decrypt(kept[len(_SEALED) :])
        except CryptoError:
            detail = "a value in the data directory was not encrypted by this node's key, or was changed"
            raise NodeError(NodeCode.DATA_CORRUPT, f"{detail}; use the key that the directory was made with") from None


def is_sealed(kept: bytes) -> bool:
    """Whether a value is encrypted."""
    return kept.startswith(_SEALED)
