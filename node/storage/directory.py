"""The data directory: whose it is, where it is, and whether it may be used.

A node that has forgotten what it endorsed looks like a liar, so a directory that was wiped, copied or made for another
chain is refused, with the way out: rejoin as a new node, with a new key. `identity.json` says which node and chain the
directory is for and where it was made; a copy has another inode and is found out. A lock keeps a second process out.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import msgspec

from ledger.encoding import NOT_DECODED
from remarque.errors import NodeCode, NodeError

FORMAT = 3
PRIVATE = 0o700
"""Mode of a data directory."""
PUBLIC = 0o644
"""Mode of a file that is meant for others: a genesis, a draft."""
IDENTITY = "identity.json"
_FS_IOC_GETVERSION = 0x80087601
"""Linux: the generation of an inode; not every file system has one."""


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `identity.json` says."""

    format: int
    chain: str
    genesis: str
    """Digest of the genesis."""
    node: str
    place: str
    """Inode and generation of the directory when it was made."""


def keep_private() -> None:
    """Let nobody but the owner read what this process writes from now on, whatever the umask was."""
    os.umask(0o077)


def make(path: Path, chain: str, genesis: str, node: str) -> None:
    """Make a node's empty data directory."""
    if path.exists() and any(path.iterdir()):
        raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{path} is not empty; choose another, or move it away")
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE)
    identity = Identity(FORMAT, chain, genesis, node, _place(path))
    write_durably(path / IDENTITY, msgspec.json.encode(identity))


def open_locked(path: Path, chain: str, genesis: str, node: str) -> int:
    """Check that the directory is this node's own and lock it; return the lock's file descriptor, to be kept open."""
    try:
        identity = msgspec.json.decode((path / IDENTITY).read_bytes(), type=Identity)
    except FileNotFoundError:
        raise NodeError(
            NodeCode.DATA_DIRECTORY_MISSING,
            f"{path} holds no {IDENTITY}: it was wiped, or never made. A node that lost its Raft log must not endorse "
            "again under its old key: add a node with a new key, and `remarque consortium replace` this one by it",
        ) from None
    except NOT_DECODED as error:
        raise NodeError(NodeCode.DATA_CORRUPT, f"{path / IDENTITY}: {error}; join as a new node") from None
    if identity.format != FORMAT:
        raise NodeError(
            NodeCode.DATA_FORMAT_UNKNOWN, f"{path} has format {identity.format}, this version writes {FORMAT}"
        )
    if identity.chain != chain or identity.genesis != genesis:
        raise NodeError(
            NodeCode.GENESIS_MISMATCH,
            f"{path} was made for {identity.chain}, the genesis given is {chain}; use that chain's genesis file",
        )
    if identity.node != node or identity.place != _place(path):
        raise NodeError(
            NodeCode.DATA_DIRECTORY_CLONED,
            f"{path} was made for {identity.node} in another place: it is a copy or was restored. Two nodes with one "
            "key convict each other: add a node with a new key, and `remarque consortium replace` this one by it",
        )
    path.chmod(PRIVATE)  # one that an older version made, or that was unpacked
    lock = os.open(path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise NodeError(NodeCode.DATA_DIRECTORY_LOCKED, f"{path} is in use; stop the other process first") from None
    return lock


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that after a crash it is there whole or not at all; its owner's alone, unless told otherwise."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make durable which files a directory has."""
    directory = os.open(path, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def _place(path: Path) -> str:
    """The directory's inode and its generation, which tells a reused inode apart. The device's number may change."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        generation = bytearray(8)
        fcntl.ioctl(descriptor, _FS_IOC_GETVERSION, generation)
        number = int.from_bytes(generation, sys.byteorder)
    except OSError:
        number = 0
    finally:
        os.close(descriptor)
    return f"{path.stat().st_ino}:{number}"
