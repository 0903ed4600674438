"""Commands for signed statements: sign one, register it, check what came back."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.cose import Ed25519Key
from ledger.cose_receipt import member_keys, verify_inclusion_by_any
from ledger.crypto import sha256
from ledger.genesis import Genesis
from ledger.statement import parse_statement, sign_statement, split_transparent, verify_transparent
from node.cli.chain import genesis_option
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.transparency.key_sets import parse_key_set
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key
from remarque.trusted_files import load_genesis

EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.argument("file", type=EXISTING)


@click.group()
def statement() -> None:
    """Sign statements about anything, and have them registered for anybody to check."""


@statement.command()
@FILE
@click.option("--subject", required=True, help="What the statement is about.")
@click.option("--type", "media_type", default="application/json", show_default=True, help="Media type of FILE.")
@written_to("--out", what="File to write the signed statement to.")
@with_target
def sign(target: Target, file: Path, subject: str, media_type: str, out: OutputFile) -> None:
    """Sign the content of FILE as a statement of the account: no node, no network."""
    if target.account is None or target.key is None:
        raise click.UsageError("a statement is signed by an account; give --account and --key")
    data = sign_statement(load_key(target.key), target.account, subject, file.read_bytes(), media_type)
    out.write(data)
    digest = parse_statement(data).digest
    target.show({"statement": str(out), "digest": digest}, f"statement {digest} written to {out}")


@statement.command()
@FILE
@written_to("--out", what="File to write the statement with its receipts to.")
@with_target
def register(target: Target, file: Path, out: OutputFile) -> None:
    """Register the signed statement in FILE, and write it with the receipts of all nodes that answer."""
    data = file.read_bytes()
    with target.client() as client:
        client.register_statement(data)
        digest = parse_statement(data).digest
        out.write(client.transparent_statement(digest))
    target.show({"transparent": str(out), "digest": digest}, f"registered; written with its receipts to {out}")


@statement.command()
@FILE
@genesis_option(required=True)
@click.option("--issuer-key", help="Public key of the issuer, if the genesis does not name its account.")
@with_target
def verify(target: Target, file: Path, genesis: Path, issuer_key: str | None) -> None:
    """Check the statement with receipts in FILE against a genesis: no node, no network."""
    agreed = load_genesis(genesis)
    members = member_keys(agreed.chain, {node.name: node.key for node in agreed.nodes})
    data = file.read_bytes()
    issuer = split_transparent(data)[0].issuer
    found, proven = verify_transparent(data, members, issuer_keys(agreed, issuer, issuer_key))
    signers = sorted(str(one.claims.issuer).rpartition(":")[2] for one in proven)
    target.show(
        {
            "holds": True,
            "digest": found.digest,
            "issuer": found.issuer,
            "subject": found.subject,
            "registered_by": signers,
            "payload": found.payload.decode(errors="replace"),
        },
        f"the statement holds: {found.issuer} on {found.subject}\n"
        f"registered in the log of {agreed.chain}, as {', '.join(signers)} sign",
    )


@statement.command()
@click.argument("receipt", type=EXISTING)
@click.option("--statement", "about", type=EXISTING, required=True, help="The signed statement, without receipts.")
@click.option("--keys", type=EXISTING, required=True, help="A COSE Key Set, from a source you trust.")
@with_target
def check(target: Target, receipt: Path, about: Path, keys: Path) -> None:
    """Check anybody's COSE RECEIPT of a statement, this chain's or a stranger's, by EdDSA or ES256."""
    known = parse_key_set(keys.read_bytes())
    proven = verify_inclusion_by_any(receipt.read_bytes(), sha256(about.read_bytes()), known.values())
    found = {"size": proven.size, "index": proven.index, "root": proven.root.hex()}
    found |= {"issuer": proven.claims.issuer, "subject": proven.claims.subject, "issued_at": proven.claims.issued_at}
    target.show(
        {"holds": True, **found},
        in_line(
            f"the receipt holds: entry {proven.index} of {proven.size}, as {proven.claims.issuer or 'the key'} signs"
        ),
    )


def issuer_keys(genesis: Genesis, issuer: str, given: str | None) -> dict[bytes, Ed25519Key]:
    """Keys that a statement of an issuer may be signed with, by thumbprint: the one given, else its first."""
    publics = [account.key for account in genesis.accounts if account.name == issuer] if given is None else [given]
    try:
        keys = [Ed25519Key(public) for public in publics]
    except ValueError:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{given!r} is no public key; it has 64 hex digits") from None
    return {key.thumbprint: key for key in keys}
