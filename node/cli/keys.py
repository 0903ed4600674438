"""Commands about key files: make them, show what is public in them, and keep them under a passphrase."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ledger.crypto import SigningKey
from node.cli.target import Target, with_target
from remarque.errors import NodeCode, NodeError
from remarque.keys.encrypted import is_encrypted
from remarque.keys.files import certificate_in, load_key, new_key, public_key, rewrite_key, save_key
from remarque.keys.passphrases import PASSPHRASE_FILE, given_passphrase, read_passphrase
from remarque.text_files import text_in

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def keys() -> None:
    """Make and show keys, and keep them under a passphrase.

    Passphrases are asked for at the terminal, or read from the file that REMARQUE_PASSPHRASE_FILE names.
    """


@keys.command("new")
@FILE
@click.option("--encrypt", is_flag=True, help="Keep it under a passphrase.")
@with_target
def new(target: Target, file: Path, encrypt: bool) -> None:
    """Make a key in FILE and print its public part, for an administrator or for a founding plan."""
    save_key(file, new_key(), new_passphrase() if encrypt else None)
    _show_key(target, file)


@keys.command("show")
@FILE
@with_target
def show(target: Target, file: Path) -> None:
    """Print the public part of the key in FILE, and the certificate a node with this key has. Asks no passphrase."""
    _show_key(target, file)


@keys.command("encrypt")
@FILE
@with_target
def encrypt(target: Target, file: Path) -> None:
    """Put the key in FILE, which is in clear, under a passphrase."""
    if is_encrypted(text_in(file)):
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{file} is encrypted already; change its passphrase instead")
    key = load_key(file)
    rewrite_key(file, key, new_passphrase())
    target.show({"key": key.public, "encrypted": True}, f"{file} is encrypted; what held it in clear may still be read")


@keys.command("decrypt")
@FILE
@with_target
def decrypt(target: Target, file: Path) -> None:
    """Write the key in FILE, which is under a passphrase, in clear."""
    key = _encrypted_key(file)
    rewrite_key(file, key, None)
    target.show({"key": key.public, "encrypted": False}, f"{file} is in clear: whoever reads it has the key")


@keys.command("change-passphrase")
@FILE
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File whose first line is the new passphrase; asked for at the terminal if absent.",
)
@with_target
def change_passphrase(target: Target, file: Path, new_passphrase_file: Path | None) -> None:
    """Put the key in FILE under another passphrase."""
    key = _encrypted_key(file)
    rewrite_key(file, key, read_passphrase(new_passphrase_file) if new_passphrase_file else typed_passphrase())
    target.show({"key": key.public, "encrypted": True}, f"{file} has a new passphrase; copies of it have the old one")


def _encrypted_key(file: Path) -> SigningKey:
    key = load_key(file)
    if not is_encrypted(text_in(file)):
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{file} is in clear; encrypt it first")
    return key


def new_passphrase() -> bytes:
    """The passphrase that a file gets: from where services have it, else typed twice."""
    return given_passphrase(Path()) if os.environ.get(PASSPHRASE_FILE) else typed_passphrase()


def typed_passphrase() -> bytes:
    """A new passphrase, typed twice without echo."""
    return str(click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)).encode()


def _show_key(target: Target, file: Path) -> None:
    found = {"key": public_key(file), "certificate": certificate_in(file)}
    target.show(found, f"key         {found['key']}\ncertificate {found['certificate']}")
