"""Key files: one Ed25519 seed, in clear or under a passphrase, readable by its owner only.

A file in clear is 64 hex digits. An encrypted one is a line of JSON (`EncryptedKey`): the seed in libsodium's secret
box under a key that argon2id makes of the passphrase. Public key and certificate stand in it in clear, so that they can
be shown, and an account's key be rotated, without the passphrase. A checksum tells a damaged file from a wrong
passphrase.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import nacl.exceptions
import nacl.pwhash.argon2id as argon2id
import nacl.secret
from msgspec import Meta
from msgspec.structs import replace

from ledger.crypto import SigningKey
from ledger.encoding import Value, decode, encode
from ledger.errors import LedgerError
from ledger.names import Hex16, Hex32
from node.errors import NodeCode, NodeError
from node.peers.tls import make_certificate

PASSPHRASE_FILE = "REMARQUE_PASSPHRASE_FILE"
"""Environment variable that names the file with the passphrase, for services; its first line counts."""
KEY_FILE_BYTES_MAX = 16 * 1024
MEMORY_BYTES_MAX = 1024 * 1024 * 1024
"""More than this no file of ours asks for: opening a hostile one must not take the machine's memory."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO

Passphrase = Callable[[Path], bytes]
"""Where the passphrase of a key file comes from."""


class Cost(Value, frozen=True, kw_only=True):
    """What making a key of a passphrase costs whoever guesses (argon2id, version 1.3, one lane)."""

    operations: Annotated[int, Meta(ge=1, le=16)] = argon2id.OPSLIMIT_MODERATE
    """Passes over the memory."""
    memory_bytes: Annotated[int, Meta(ge=8 * 1024, le=MEMORY_BYTES_MAX)] = argon2id.MEMLIMIT_MODERATE


MODERATE = Cost()
"""Three passes over 256 MiB: most of a second for a node's start, and for every guess."""


class EncryptedKey(Value, frozen=True, kw_only=True):
    """An encrypted key file, format 1: canonical JSON. Every field is present."""

    remarque_key: Literal[1]
    """Version of this format."""
    public: Hex32
    certificate: Annotated[str, Meta(pattern=r"^[0-9a-f]{100,4000}\Z")]
    """That a node with this key has: self-signed X.509, DER, hex."""
    kdf: Literal["argon2id"]
    operations: Annotated[int, Meta(ge=1, le=16)]
    memory_bytes: Annotated[int, Meta(ge=8 * 1024, le=MEMORY_BYTES_MAX)]
    salt: Hex16
    cipher: Literal["xsalsa20-poly1305"]
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{48}\Z")]
    sealed: Annotated[str, Meta(pattern=r"^[0-9a-f]{96}\Z")]
    """The seed's 32 bytes and the 16 of the box's authenticator."""
    checksum: str
    """SHA-256 of this value with an empty checksum."""

    def digest(self) -> str:
        """What its checksum is to be."""
        return hashlib.sha256(encode(replace(self, checksum=""))).hexdigest()


def new_key() -> SigningKey:
    """A key from the operating system's randomness."""
    return SigningKey(secrets.token_bytes(32))


def save_key(path: Path, key: SigningKey, passphrase: bytes | None = None, cost: Cost = MODERATE) -> None:
    """Write a key file, encrypted if a passphrase is given; an existing one is never overwritten."""
    _write_new(path, _file_of(key, passphrase, cost))


def copy_key(source: Path, path: Path) -> None:
    """Write a key file as another is, under the same passphrase if it has one; nothing existing is overwritten."""
    _write_new(path, _read(source))


def rewrite_key(path: Path, key: SigningKey, passphrase: bytes | None, cost: Cost = MODERATE) -> None:
    """Write the key of an existing file anew, in one step: it holds the key before and after, whatever happens."""
    os.replace(_write_beside(path, _file_of(key, passphrase, cost)), path)
    _sync_directory(path)


def load_key(path: Path | str, passphrase: Passphrase | None = None) -> SigningKey:
    """Key from its file; the passphrase is asked for only if it is encrypted."""
    path = Path(path)
    data = _read(path)
    if is_encrypted(data):
        return _opened(path, _parsed(path, data), (passphrase or given_passphrase)(path))
    _check_not_exposed(path)
    return _plain(path, data)


def public_key(path: Path) -> str:
    """Public key of a key file; of an encrypted one without its passphrase."""
    data = _read(path)
    return _parsed(path, data).public if is_encrypted(data) else load_key(path).public


def certificate_in(path: Path) -> str:
    """Certificate that a node with a file's key has, hex; of an encrypted one without its passphrase."""
    data = _read(path)
    return _parsed(path, data).certificate if is_encrypted(data) else make_certificate(load_key(path)).hex()


def is_encrypted(data: bytes) -> bool:
    """Whether a key file's bytes are those of an encrypted one."""
    return data.startswith(b"{")


def given_passphrase(path: Path) -> bytes:
    """The passphrase from the file that the environment names, else asked at the terminal, without echo."""
    named = os.environ.get(PASSPHRASE_FILE)
    if named:
        return read_passphrase(Path(named))
    if not sys.stdin.isatty():
        raise NodeError(
            NodeCode.PASSPHRASE_NEEDED, f"{path} is encrypted and there is no terminal to ask at; set {PASSPHRASE_FILE}"
        )
    return _not_empty(getpass.getpass(f"Passphrase of {path}: ").encode(), "none was typed")


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file: its first line."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise NodeError(NodeCode.PASSPHRASE_NEEDED, f"{PASSPHRASE_FILE}: {error}; name a file you may read") from None
    return _not_empty(lines[0] if lines else b"", f"the first line of {path} is empty")


def _not_empty(passphrase: bytes, fact: str) -> bytes:
    if not passphrase:
        raise NodeError(NodeCode.PASSPHRASE_NEEDED, f"{fact}, and an empty passphrase protects nothing; give one")
    return passphrase


def _file_of(key: SigningKey, passphrase: bytes | None, cost: Cost) -> bytes:
    if passphrase is None:
        return key.seed.hex().encode() + b"\n"
    _not_empty(passphrase, "none was given")
    salt, nonce = secrets.token_bytes(argon2id.SALTBYTES), secrets.token_bytes(nacl.secret.SecretBox.NONCE_SIZE)
    sealed = _box(passphrase, salt, cost.operations, cost.memory_bytes).encrypt(key.seed, nonce).ciphertext
    file = EncryptedKey(
        remarque_key=1,
        public=key.public,
        certificate=make_certificate(key).hex(),
        kdf="argon2id",
        operations=cost.operations,
        memory_bytes=cost.memory_bytes,
        salt=salt.hex(),
        cipher="xsalsa20-poly1305",
        nonce=nonce.hex(),
        sealed=sealed.hex(),
        checksum="",
    )
    return encode(replace(file, checksum=file.digest())) + b"\n"


def _box(passphrase: bytes, salt: bytes, operations: int, memory_bytes: int) -> nacl.secret.SecretBox:
    size = nacl.secret.SecretBox.KEY_SIZE
    return nacl.secret.SecretBox(argon2id.kdf(size, passphrase, salt, opslimit=operations, memlimit=memory_bytes))


def _opened(path: Path, file: EncryptedKey, passphrase: bytes) -> SigningKey:
    box = _box(passphrase, bytes.fromhex(file.salt), file.operations, file.memory_bytes)
    try:
        key = SigningKey(box.decrypt(bytes.fromhex(file.sealed), bytes.fromhex(file.nonce)))
    except nacl.exceptions.CryptoError:
        raise NodeError(NodeCode.PASSPHRASE_WRONG, f"it does not open {path}; try again") from None
    if key.public != file.public:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} names another public key than it holds; restore the file")
    return key


def _parsed(path: Path, data: bytes) -> EncryptedKey:
    try:
        file = decode(data.strip(), EncryptedKey)
    except LedgerError as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} is damaged, or of another format: {error.detail}") from None
    if file.checksum != file.digest():
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} is damaged: its checksum differs; restore it from a backup")
    return file


def _plain(path: Path, data: bytes) -> SigningKey:
    try:
        seed = bytes.fromhex(data.decode("ascii").strip())
    except ValueError as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path}: {error}; a key file is 64 hex digits") from None
    if len(seed) != 32:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} holds {len(seed)} bytes; a key file is 64 hex digits")
    return SigningKey(seed)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} does not exist; give the path of a key file") from None
    except OSError as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path}: {error}; give the path of a key file") from None
    if len(data) > KEY_FILE_BYTES_MAX:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} is too long for a key file; a key file is 64 hex digits")
    return data


def _check_not_exposed(path: Path) -> None:
    """Refuse a key in clear that others may read: whoever reads it is its owner."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        raise NodeError(
            NodeCode.KEY_EXPOSED, f"{path} has mode {mode:04o}; chmod 600 it, and rotate the key if anybody saw it"
        )


def _write_new(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _write_beside(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise NodeError(
            NodeCode.KEY_FILE_EXISTS, f"{path} exists and is not overwritten; choose another name"
        ) from None
    finally:
        temporary.unlink()
    _sync_directory(path)


def _write_beside(path: Path, data: bytes) -> Path:
    """A new file in the same directory, its owner's alone from the first byte on, durably written."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_directory(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
