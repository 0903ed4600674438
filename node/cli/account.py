"""Commands about accounts: one's own keys, and what an administrator does for the accounts of its org."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import UNSET

from ledger import actions
from ledger.events import RolesSet
from ledger.records import AccountKey
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.keys.files import public_key


@click.command()
@click.argument("account")
@click.argument("key")
@click.option("--role", "roles", multiple=True, help="A role of the account; repeat.")
@with_target
def enrol(target: Target, account: str, key: str, roles: tuple[str, ...]) -> None:
    """Enrol an ACCOUNT of your org with its public KEY."""
    with target.client() as client:
        receipt = client.submit(actions.EnrolAccount(account=account, key=key, roles=tuple(sorted(roles))))
    target.done(receipt, f"{account} is enrolled")


@click.command()
@with_target
def session(target: Target) -> None:
    """Open a session at the node and print its token, for the node's pages.

    For an hour whoever has the token reads as your account, and signs nothing.
    """
    with target.client() as client:
        token = client.session()
    target.show({"account": target.signer, "token": token}, token)


@click.group()
def account() -> None:
    """Keys, roles and suspension of accounts."""


@account.command("show")
@click.argument("name")
@with_target
def show(target: Target, name: str) -> None:
    """Show the account NAME: its roles, and each of its keys with the blocks between which it was good."""
    with target.client() as client:
        found = client.account_record(name)
    lines = [
        f"{found.name}{' (suspended)' if found.suspended else ''}",
        f"roles {', '.join(found.roles) or 'none'}",
        *(f"key {key.public}  {_life(key)}" for key in found.keys),
    ]
    target.show(found, "\n".join(map(in_line, lines)))


def _life(key: AccountKey) -> str:
    begin = "since genesis" if key.added_height is UNSET else f"from block {key.added_height} on"
    return begin if key.revoked_height is UNSET else f"{begin}, revoked in block {key.revoked_height}"


@account.command("add-key")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_target
def add_key(target: Target, file: Path) -> None:
    """Give your own account the key in FILE too; its passphrase is not asked for."""
    key = public_key(file)
    with target.client() as client:
        receipt = client.submit(actions.AddKey(key=key))
    target.done(receipt, f"{key} is a key of the account now")


@account.command("rotate-key")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_target
def rotate_key(target: Target, file: Path) -> None:
    """Replace the key you sign with by the one in FILE, in one step; its passphrase is not asked for."""
    key = public_key(file)
    with target.client() as client:
        receipt = client.rotate_key(key)
    target.done(receipt, f"sign with {file} from now on; the old key is revoked")


@account.command("revoke-key")
@click.argument("name")
@click.argument("key")
@with_target
def revoke_key(target: Target, name: str, key: str) -> None:
    """Take the public KEY from the account NAME for ever: your own, or one of your org's if you administer it."""
    with target.client() as client:
        receipt = client.submit(actions.RevokeKey(account=name, key=key))
    target.done(receipt, f"{key} is revoked")


@account.command("recover")
@click.argument("name")
@click.argument("key")
@with_target
def recover(target: Target, name: str, key: str) -> None:
    """Give the account NAME of your org, which lost its keys, the public KEY; all it had are revoked."""
    with target.client() as client:
        receipt = client.submit(actions.RecoverAccount(account=name, key=key))
    target.done(receipt, f"{name} signs with {key} from now on")


@account.command("set-roles")
@click.argument("name")
@click.argument("roles", nargs=-1)
@with_target
def set_roles(target: Target, name: str, roles: tuple[str, ...]) -> None:
    """Let the account NAME of your org hold these ROLES and no others, but for those given by vote."""
    with target.client() as client:
        receipt = client.submit(actions.SetRoles(account=name, roles=tuple(sorted(roles))))
    held = next(event for event in receipt.outcome.events if isinstance(event, RolesSet)).roles
    target.done(receipt, f"roles of {name}: {', '.join(held) or 'none'}")


@account.command("suspend")
@click.argument("name")
@with_target
def suspend(target: Target, name: str) -> None:
    """Let the account NAME of your org sign nothing until it is resumed."""
    with target.client() as client:
        receipt = client.submit(actions.SuspendAccount(account=name))
    target.done(receipt, f"{name} is suspended")


@account.command("resume")
@click.argument("name")
@with_target
def resume(target: Target, name: str) -> None:
    """Let the suspended account NAME of your org sign again."""
    with target.client() as client:
        receipt = client.submit(actions.ResumeAccount(account=name))
    target.done(receipt, f"{name} signs again")
