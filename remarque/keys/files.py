"""Key files: one Ed25519 seed, as 64 hex digits in clear or under a passphrase, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from ledger.crypto import SigningKey
from ledger.node_certificate import make_certificate
from remarque.errors import NodeCode, NodeError
from remarque.keys.encrypted import MODERATE, Cost, is_encrypted, open_key, parse_key, seal_key
from remarque.keys.passphrases import Passphrase, given_passphrase, not_empty
from remarque.text_files import without_mark

KEY_FILE_BYTES_MAX = 16 * 1024
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def new_key() -> SigningKey:
    """A key from the operating system's randomness."""
    return SigningKey(secrets.token_bytes(32))


def save_key(path: Path, key: SigningKey, passphrase: bytes | None = None, cost: Cost = MODERATE) -> None:
    """Write a key file, encrypted if a passphrase is given; an existing one is never overwritten."""
    write_new(path, _file_of(key, passphrase, cost))


def copy_key(source: Path, path: Path) -> None:
    """Write a key file as another is, under the same passphrase if it has one; nothing existing is overwritten."""
    write_new(path, _read(source))


def rewrite_key(path: Path, key: SigningKey, passphrase: bytes | None, cost: Cost = MODERATE) -> None:
    """Write the key of an existing file anew, in one step: it holds the key before and after, whatever happens."""
    os.replace(_write_beside(path, _file_of(key, passphrase, cost)), path)
    _sync_directory(path)


def load_key(path: Path | str, passphrase: Passphrase | None = None) -> SigningKey:
    """Key from its file; the passphrase is asked for only if it is encrypted."""
    path = Path(path)
    data = _read(path)
    if is_encrypted(data):
        return open_key(path, parse_key(path, data), (passphrase or given_passphrase)(path))
    check_not_exposed(path)
    return _plain(path, data)


def public_key(path: Path) -> str:
    """Public key of a key file; of an encrypted one without its passphrase."""
    data = _read(path)
    return parse_key(path, data).public if is_encrypted(data) else load_key(path).public


def certificate_in(path: Path) -> str:
    """Certificate that a node with a file's key has, hex; of an encrypted one without its passphrase."""
    data = _read(path)
    return parse_key(path, data).certificate if is_encrypted(data) else make_certificate(load_key(path)).hex()


def _file_of(key: SigningKey, passphrase: bytes | None, cost: Cost) -> bytes:
    if passphrase is None:
        return key.seed.hex().encode() + b"\n"
    return seal_key(key, not_empty(passphrase, "none was given"), cost)


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
    return without_mark(data)


def check_not_exposed(path: Path) -> None:
    """Refuse a key in clear that others may read: whoever reads it is its owner."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        raise NodeError(
            NodeCode.KEY_EXPOSED, f"{path} has mode {mode:04o}; chmod 600 it, and rotate the key if anybody saw it"
        )


def write_new(path: Path, data: bytes) -> None:
    """Write a file that holds a secret, its owner's alone; KEY_FILE_EXISTS, and nothing existing is overwritten."""
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
