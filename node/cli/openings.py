"""Who may read a generated picture's prompt and settings: what `generate` says before it asks, and changes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import msgspec
from msgspec import UNSET, UnsetType

from ledger.encoding import NOT_DECODED, decode, encode
from ledger.generation import OPTIONAL_SETTINGS, SETTING_FIELDS, Openings, WithheldSetting, withheld_of
from ledger.records import Asset, asset_key
from node.cli.chain import genesis_option, recovery_option
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.api.generation import OpenedSettings, check_openings
from remarque.errors import NodeCode, RemarqueError
from remarque.trusted_files import load_genesis, read_recoveries
from remarque.withholding import IN_CLEAR, checked_readers, withheld_settings

ALL = "all"
SEED_TOO = "The seed is withheld with the prompt, which could be guessed by it; --private seed=ACCOUNT says otherwise."
STATED = f"The record states for all to read: {', '.join(IN_CLEAR)}, the model, adapters and the source."
SETTINGS = click.argument(
    "settings",
    nargs=-1,
    required=True,
    type=click.Choice((*SETTING_FIELDS, *OPTIONAL_SETTINGS)),
    metavar="SETTING…",
)


def withheld_by(private: Iterable[str], committed: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What `--private` says, by setting: the accounts that may read it. What is said of one goes before `all`."""
    hidden = [field for field in committed if field not in IN_CLEAR]
    said: dict[str, tuple[str, ...]] = {}
    for one in private:
        field, named, readers = one.partition("=")
        if field in IN_CLEAR:
            raise click.UsageError(f"--private {field}: the record states it, so nobody can withhold it")
        if field not in (*hidden, ALL):
            detail = f"--private {field}: this generation has {', '.join(hidden)}; say one of them, or {ALL}"
            raise click.UsageError(detail)
        if field in said:
            raise click.UsageError(f"--private {field} is said twice; say it once, with all readers: a@studio,b@studio")
        said[field] = _accounts(f"--private {field}", readers.split(",")) if named else ()
    rest = said.pop(ALL, None)
    return said if rest is None else dict.fromkeys(hidden, rest) | said


def _accounts(option: str, readers: Iterable[str]) -> tuple[str, ...]:
    """Accounts that an option names. The command is given wrongly if one is none, or if there are too many."""
    try:
        return checked_readers(readers)
    except RemarqueError as error:
        raise click.UsageError(f"{option}: {error.detail}") from None


def audience(withheld: Mapping[str, tuple[str, ...]], committed: tuple[str, ...], *, confidential: bool) -> str:
    """Who will be able to read which settings of a generation that withholds some, in lines for people."""
    said = withheld_settings(withheld, confidential=confidential)
    lines = told(withheld_of(said, committed, confidential=confidential), committed)
    return lines if len(said) == len(withheld) else f"{lines}\n{SEED_TOO}"


def told(withheld: Iterable[WithheldSetting], committed: Iterable[str], erased: Sequence[str] = ()) -> str:
    """Who may read which settings, in lines for people."""
    readers_of = {one.field: one.readers for one in withheld}
    by_audience: dict[str, list[str]] = {}
    for field in (one for one in committed if one not in IN_CLEAR):
        readers = readers_of.get(field)
        whom = "everybody who may read this chain" if readers is None else ", ".join(readers) or "nobody else"
        by_audience.setdefault("erased: nobody" if field in erased else whom, []).append(field)
    lines = [f"  {whom}: {', '.join(fields)}" for whom, fields in by_audience.items()]
    head = "Beside the creator and whoever operates their org's nodes and the generator's, these may read the settings:"
    return "\n".join(map(in_line, (head, *lines, STATED)))


@click.group()
def openings() -> None:
    """Prompt and settings of generated pictures, and who may read them."""


@openings.command()
@click.argument("asset")
@written_to("--out", required=False, what="Keep them in this file, with their salts.")
@with_target
def show(target: Target, asset: str, out: OutputFile | None) -> None:
    """Show what you may read of an ASSET's prompt and settings."""
    with target.client() as client:
        found = client.openings(asset)
    if out is not None:
        out.write(encode(found.openings) + b"\n")
    target.show(found, "\n".join((*_in_clear(found.openings), _audience(found))))


@openings.command()
@click.argument("asset")
@SETTINGS
@click.option("--to", "readers", multiple=True, metavar="ACCOUNT", help="An account that may read them; repeat.")
@click.option("--everybody", is_flag=True, help="Instead of accounts: everybody who may read this chain, for ever.")
@with_target
def disclose(target: Target, asset: str, settings: tuple[str, ...], readers: tuple[str, ...], everybody: bool) -> None:
    """Let the accounts of --to, or with --everybody all, read settings of an ASSET that you created.

    It holds for all pictures of its generation and cannot be taken back.
    """
    if bool(readers) == everybody:
        raise click.UsageError("give one of --to and --everybody: it cannot be taken back")
    named = _accounts("--to", readers)
    with target.client() as client:
        receipt = client.disclose(asset, *settings, to=None if everybody else named)
        found = client.openings(asset)
    target.show({"transaction": receipt.signed.id}, _audience(found))


@openings.command()
@click.argument("asset")
@SETTINGS
@with_target
def erase(target: Target, asset: str, settings: tuple[str, ...]) -> None:
    """Have every member destroy settings of an ASSET that you created, and their salts.

    It holds for all pictures of its generation and is final. Records, signatures and receipts hold as before.
    """
    with target.client() as client:
        receipt = client.erase_settings(asset, *settings)
        found = client.openings(asset)
    target.show({"transaction": receipt.signed.id}, _audience(found))


@openings.command()
@click.argument("asset")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@genesis_option(required=False)
@recovery_option
@with_target
def check(target: Target, asset: str, file: Path, genesis: Path | None, recoveries: tuple[Path, ...]) -> None:
    """Check settings in FILE, as `show --out` writes them, against what an ASSET's creator committed to.

    It works for whoever was given the file, whatever the chain discloses. What the record says is proven, from the
    genesis; without --genesis, from the one that the node gives.
    """
    try:
        given = msgspec.json.decode(file.read_bytes(), type=Openings)
    except NOT_DECODED as error:
        raise RemarqueError(NodeCode.OPENINGS_FALSE.name, f"{file} holds no openings: {error}") from None
    if not given.given():
        raise RemarqueError(NodeCode.OPENINGS_FALSE.name, f"{file} holds no setting, so there is nothing to check")
    with target.client() as client:
        agreed = client.genesis() if genesis is None else load_genesis(genesis)
        key = asset_key(asset)
        proven = client.state(key, genesis=agreed, recoveries=read_recoveries(recoveries, agreed)).value(key)
    commitments = UNSET if proven is None else decode(proven, Asset).commitments
    if isinstance(commitments, UnsetType):
        raise RemarqueError(NodeCode.NOT_FOUND.name, f"no generated picture {asset} is recorded, proven")
    check_openings(given, commitments)
    target.show({"holds": sorted(given.given())}, "\n".join(_in_clear(given)))


def _in_clear(found: Openings) -> list[str]:
    return [f"{field}: {in_line(one.value)}" for field, one in found.given().items()]


def _audience(found: OpenedSettings) -> str:
    disclosure = found.disclosure
    return told(disclosure.withheld, disclosure.commitments.fields(), disclosure.erased)
