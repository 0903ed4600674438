"""Commands about the consortium's key: how it is shared, and having it made or shared anew."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, TypeVar

import click
from msgspec import UNSET

from ledger.encoding import decode
from ledger.errors import Code
from ledger.governance import BeginCeremony
from ledger.names import org_of
from ledger.records import CEREMONY, SHARED_KEY, KeyCeremony, SharedKey, keeper_key, shared_key_key
from ledger.times import moment
from node.cli.deciding import LOOK_SECONDS, WAITING, carried
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.cli.times import LASTING
from remarque.client import Client
from remarque.errors import RemarqueError

T = TypeVar("T")
BEGINS_SECONDS = 10.0
"""How long after the votes it may take until the ceremony, or its key, is in a certified state."""


@click.command("key")
@with_target
def key(target: Target) -> None:
    """Say who keeps shares of the consortium's key, how many of them open together, and which ceremony is open."""
    with target.client() as client:
        shared, ceremony = _shared(client), _ceremony(client)
    lines = [_line(shared), *([] if ceremony is None else [_progress(ceremony)])]
    target.show({"key": shared, "ceremony": ceremony}, "\n".join(map(in_line, lines)))


@click.command("share-key")
@click.argument("keepers", nargs=-1)
@click.option("--threshold", type=int, help="So many of them open together; 2f+1 of 3f+1, and 2 of 3, if left out.")
@click.option("--dealing", type=LASTING, help="How long dealings are taken, for one may have lost its share. [10m]")
@WAITING
@with_target
def share_key(
    target: Target, keepers: tuple[str, ...], threshold: int | None, dealing: timedelta | None, wait: timedelta
) -> None:
    """Put to the vote that KEEPERS, one of each org, make the consortium's key or share it anew, and wait for it.

    Without KEEPERS they are those of now. The key stays what it is: only shares become others, and former ones are
    worth nothing. Administrators of all orgs give the same command, to vote. Given again, it goes on where it stands.
    """
    with target.client() as client:
        before, ceremony = _shared(client), _ceremony(client)
        wanted = keepers or (() if before is None else before.keepers)
        if not wanted:
            raise click.UsageError("there is no key yet; name the accounts that are to keep shares of it")
        if ceremony is None:
            asked = BeginCeremony(
                keepers=wanted,
                threshold=UNSET if threshold is None else threshold,
                dealing_ms=UNSET if dealing is None else int(dealing.total_seconds() * 1_000),
            )
            _wait_enrolled(client, wanted)
            carried(client, org_of(target.signer), asked, wait)
        shared = _ended(client, 0 if before is None else before.epoch, wait)
    target.show(shared, in_line(_line(shared)))


def _wait_enrolled(client: Client, keepers: tuple[str, ...]) -> None:
    """Give keepers' nodes a moment to enrol; whoever has not then, the ledger names."""
    begins, names = time.monotonic() + BEGINS_SECONDS, [keeper_key(one) for one in keepers]
    while None in map(client.state(*names).value, names) and time.monotonic() < begins:
        time.sleep(LOOK_SECONDS)


def _ended(client: Client, epoch: int, wait: timedelta) -> SharedKey:
    """The key once it is of a newer epoch. CEREMONY_OPEN if it takes longer, CEREMONY_INVALID if none comes of it."""
    end, told = time.monotonic() + wait.total_seconds(), ""
    begins = time.monotonic() + BEGINS_SECONDS
    while True:
        ceremony, shared = _ceremony(client), _shared(client)
        if shared is not None and shared.epoch > epoch:
            return shared
        if ceremony is None and (told or time.monotonic() > begins):
            detail = "the ceremony ended without a key: too few dealt or confirmed; see that the keepers' nodes run"
            raise RemarqueError(Code.CEREMONY_INVALID.name, detail)
        if time.monotonic() > end:
            detail = f"{told}; it goes on, give the command again to wait for it"
            raise RemarqueError(Code.CEREMONY_OPEN.name, detail)
        if (text := told if ceremony is None else _progress(ceremony)) != told:
            click.echo(text, err=True)
            told = text
        time.sleep(LOOK_SECONDS)


def _shared(client: Client) -> SharedKey | None:
    epoch = _stands(client, SHARED_KEY, int)
    return None if epoch is None else _stands(client, shared_key_key(epoch), SharedKey)


def _ceremony(client: Client) -> KeyCeremony | None:
    return _stands(client, CEREMONY, KeyCeremony)


def _stands(client: Client, name: str, kind: type[T]) -> T | None:
    found: Any = client.state(name).value(name)
    return None if found is None else decode(found, kind)


def _line(shared: SharedKey | None) -> str:
    if shared is None:
        return "the consortium has no key; `remarque consortium share-key` has one made"
    names = ", ".join(shared.keepers)
    many = f"{shared.threshold} of {len(shared.keepers)} keepers open together"
    lacking = f"; {', '.join(shared.lacking)} may have no share: share it anew now" if shared.lacking else ""
    return f"key of epoch {shared.epoch}, since block {shared.height}: {many} ({names}){lacking}"


def _progress(ceremony: KeyCeremony) -> str:
    many = len(ceremony.holders)
    dealt = f"{len(ceremony.dealings)} dealt (taken until {moment(ceremony.deal_until_ms)})"
    confirmed = f"{len(ceremony.confirmed)} of {many} keepers confirmed (until {moment(ceremony.complain_until_ms)})"
    false = f", {len(ceremony.convicted)} convicted of a false dealing" if ceremony.convicted else ""
    return f"ceremony {ceremony.id[:16]}…: {dealt}{false}, {confirmed}"
