"""Encryption of confidential content, and keys sealed to those who may open it. libsodium's constructions by PyNaCl.

Content: secretstream (XChaCha20-Poly1305) in chunks of 64 KiB; chunks cannot be reordered, dropped or cut off unseen.
Keys: sealed boxes (X25519). A node's Ed25519 key serves as its X25519 key by libsodium's conversion.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
    crypto_secretstream_xchacha20poly1305_ABYTES,
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from ledger.actions import SealedKey
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import Refused
from ledger.genesis import Genesis, GenesisNode
from ledger.names import org_of
from threshold import ReaderSecret, SealSuite

CHUNK = 64 * 1024
KEY_BYTES = 32
CIPHERTEXT_BYTES_MIN = crypto_secretstream_xchacha20poly1305_HEADERBYTES + crypto_secretstream_xchacha20poly1305_ABYTES

_NONCE = bytes(crypto_aead_chacha20poly1305_ietf_NPUBBYTES)

SealedKeys = tuple[SealedKey, ...]


def content_key(seed: bytes, chain: str, asset: str, creator: str) -> bytes:
    """The key that a sealed seed gives for one asset of one creator, and for no other.

    What is sealed on the chain can be copied into another record by anyone; a node that opened it as it stands would
    release the key of a picture to whoever owns the copy. Bound like this, a copy gives another key.
    """
    label = encode({"asset": asset, "chain": chain, "creator": creator})
    return hashlib.blake2b(label, key=seed, digest_size=KEY_BYTES, person=b"remarque/content").digest()


class SealBroken(Refused):
    """The bytes were not sealed or encrypted for this key, or were changed. Nothing of them may be used."""


def new_seed() -> bytes:
    """What is sealed for one picture; see `content_key`."""
    return secrets.token_bytes(KEY_BYTES)


def encrypt(plain: bytes, key: bytes) -> bytes:
    """Ciphertext of a picture: a header, then chunks."""
    state = crypto_secretstream_xchacha20poly1305_state()
    parts = [crypto_secretstream_xchacha20poly1305_init_push(state, key)]
    for start in range(0, max(len(plain), 1), CHUNK):
        last = start + CHUNK >= len(plain)
        tag = (
            crypto_secretstream_xchacha20poly1305_TAG_FINAL
            if last
            else crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
        )
        parts.append(crypto_secretstream_xchacha20poly1305_push(state, plain[start : start + CHUNK], None, tag))
    return b"".join(parts)


def decrypt(cipher: bytes, key: bytes) -> bytes:
    """Picture from its ciphertext. SealBroken if a bit of it, or its end, is not as it was."""
    header_bytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES
    step = CHUNK + crypto_secretstream_xchacha20poly1305_ABYTES
    state = crypto_secretstream_xchacha20poly1305_state()
    parts, tag = [], None
    try:
        crypto_secretstream_xchacha20poly1305_init_pull(state, cipher[:header_bytes], key)
        for start in range(header_bytes, len(cipher), step):
            if tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL:
                raise SealBroken("there are bytes after the end of the ciphertext")
            part, tag = crypto_secretstream_xchacha20poly1305_pull(state, cipher[start : start + step])
            parts.append(part)
    except (CryptoError, ValueError, TypeError) as error:
        raise SealBroken(f"the ciphertext does not open with this key: {error}") from None
    if tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL:
        raise SealBroken("the ciphertext is cut off")
    return b"".join(parts)


def custodians_of(creator: str, genesis: Genesis, node: str) -> tuple[GenesisNode, ...]:
    """Who is to hold the key of a creator's picture: the nodes of their org in the genesis, or a named one if none is.

    None at all if that one is not in the genesis either.
    """
    own = tuple(one for one in genesis.nodes if one.org == org_of(creator))
    return own or tuple(one for one in genesis.nodes if one.name == node)


def sealed_content(plain: bytes, asset: str, creator: str, genesis: Genesis, node: str) -> tuple[bytes, SealedKeys]:
    """Ciphertext of a picture, with what its record says of its key: the seed, sealed to each of its custodians.

    `asset` is the digest of its pixels, `node` the one that holds the key if the creator's org has none.
    """
    seed = new_seed()
    cipher = encrypt(plain, content_key(seed, genesis.chain, asset, creator))
    custodians = custodians_of(creator, genesis, node)
    return cipher, tuple(SealedKey(node=one.name, sealed=seal_to_node(seed, one.key).hex()) for one in custodians)


def wrapped(content_key: bytes, key: bytes) -> bytes:
    """A content key of 32 bytes, encrypted with the key in a capsule, which serves for nothing else: 48 bytes."""
    return crypto_aead_chacha20poly1305_ietf_encrypt(content_key, None, _NONCE, key)


def unwrapped(wrapped_key: bytes, key: bytes) -> bytes:
    """The content key of 32 bytes. SealBroken if what is recorded is not encrypted with the key in its capsule."""
    try:
        return crypto_aead_chacha20poly1305_ietf_decrypt(wrapped_key, None, _NONCE, key)
    except (CryptoError, ValueError, TypeError):
        raise SealBroken("the content key does not open: whoever recorded it encrypted another") from None


def seal_to_node(seed: bytes, node_public: str) -> bytes:
    """A seed that only the node with this Ed25519 key can open."""
    return SealedBox(PublicKey(crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(node_public)))).encrypt(seed)


def reader_key_of(node_public: str) -> str:
    """What an access request names as its reader key, so that the asset's key is sealed to a node, and to that one."""
    return crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(node_public)).hex()


def open_as_node(sealed: bytes, node_key: SigningKey) -> bytes:
    """Seed sealed to this node."""
    _, secret = crypto_sign_seed_keypair(node_key.seed)
    return _open(PrivateKey(crypto_sign_ed25519_sk_to_curve25519(secret)), sealed)


def reseal(sealed: bytes, node_key: SigningKey, others: dict[str, str]) -> dict[str, bytes]:
    """What is sealed to a node, sealed to others too, by name and Ed25519 key. SealBroken if it does not open."""
    seed = open_as_node(sealed, node_key)
    return {node: seal_to_node(seed, key) for node, key in others.items()}


def seal_to_reader(key: bytes, reader_public: str) -> bytes:
    """A content key that only one request's reader can open."""
    return SealedBox(PublicKey(bytes.fromhex(reader_public))).encrypt(key)


class ReaderKey:
    """A key made for one access request."""

    def __init__(
        self, suite: SealSuite = SealSuite.X25519, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """`suite`: MLKEM768_X25519 keeps what is recorded on its way from quantum computers to come. It opens what
        keepers release, and not what one node holds.
        """
        self.secret = ReaderSecret.draw(suite, random)
        self.public = self.secret.public.hex()
        """64 hex digits, or 2,432 with ML-KEM, for `access.request`."""

    def open(self, sealed: bytes) -> bytes:
        """Content key sealed to this reader by a node that holds it."""
        return _open(PrivateKey(self.secret.secret[-32:]), sealed)


def _open(private: PrivateKey, sealed: bytes) -> bytes:
    try:
        key: bytes = SealedBox(private).decrypt(sealed)
    except (CryptoError, ValueError, TypeError) as error:
        raise SealBroken(f"the key is not sealed to this reader: {error}") from None
    if len(key) != KEY_BYTES:
        raise SealBroken(f"a content key has {KEY_BYTES} bytes, this one {len(key)}")
    return key
