"""Commands about licences: what accounts and orgs may do with pictures, and what they did."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import get_args

import click
from msgspec import UNSET, UnsetType

from ledger.actions import GrantLicence
from ledger.actions.licences import Use
from ledger.records import Licence
from ledger.times import moment
from node.cli.amounts import AMOUNT, check_priced, units_if_given
from node.cli.output_files import OutputFile
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.cli.times import WHEN, milliseconds
from node.cli.transaction import drafted, hand_on, valid_seconds


@click.group()
def licence() -> None:
    """Give, end, use and list licences of pictures."""


@licence.command("grant")
@click.argument("asset")
@click.argument("to")
@click.option("--use", "uses", multiple=True, required=True, type=click.Choice(get_args(Use)), help="For what; repeat.")
@click.option("--medium", "media", multiple=True, help="Only in this medium, such as print; repeat.")
@click.option("--territory", "territories", multiple=True, help="Only in this country, such as DE; repeat.")
@click.option("--until", type=WHEN, help="Until when, or for how long; for ever if absent.")
@click.option("--times", type=click.IntRange(min=1), help="How often it may be used.")
@click.option("--exclusive", is_flag=True, help="Nobody else is licensed for any of it.")
@click.option("--text", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="The contract, digested.")
@click.option("--price", type=AMOUNT, help="What is paid for it; whoever pays signs too.")
@click.option("--currency", default="", help="Of the price.")
@click.option("--payer", default="", help="The account that pays, if TO is an org.")
@drafted
@with_target
def grant_licence(
    target: Target,
    asset: str,
    to: str,
    uses: tuple[Use, ...],
    media: tuple[str, ...],
    territories: tuple[str, ...],
    until: datetime | None,
    times: int | None,
    exclusive: bool,
    text: Path | None,
    price: str | None,
    currency: str,
    payer: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """License your ASSET to an account or an org TO. The policies say what a licence is worth."""
    check_priced(price, currency, drafted=out is not None)
    wanted = GrantLicence(
        asset=asset,
        to=to,
        uses=uses,
        media=media,
        territories=territories,
        until_ms=UNSET if until is None else milliseconds(until),
        times=UNSET if times is None else times,
        exclusive=exclusive,
        text=UNSET if text is None else sha256(text.read_bytes()).hexdigest(),
    )
    with target.client() as client:
        units = units_if_given(client, price, currency)
        if units is not None:
            asked = client.draft_licence(
                wanted, units, currency, payer=payer, key=other_key, valid_s=valid_seconds(within)
            )
            hand_on(target, asked, out)
            return
        granted, receipt = client.license(wanted)
    target.done(receipt, f"licence {granted}")


@licence.command("revoke")
@click.argument("asset")
@click.argument("licence_id", metavar="LICENCE")
@with_target
def revoke_licence(target: Target, asset: str, licence_id: str) -> None:
    """End a LICENCE of your ASSET now; one that was paid for its payer ends too, by a draft."""
    with target.client() as client:
        receipt = client.revoke_licence(asset, licence_id)
    target.done(receipt, "the licence has ended")


@licence.command("use")
@click.argument("asset")
@click.argument("licence_id", metavar="LICENCE")
@click.option("--purpose", default="", help="What for; it stands on the chain.")
@click.option("--medium", help="Where, if the licence names media.")
@click.option("--territory", help="In which country, if the licence names territories.")
@with_target
def use_licence(
    target: Target, asset: str, licence_id: str, purpose: str, medium: str | None, territory: str | None
) -> None:
    """Put on the chain that you publish an ASSET under a LICENCE of yours, or of your org."""
    with target.client() as client:
        receipt = client.publish(asset, licence_id, purpose, medium=medium, territory=territory)
    target.done(receipt, "the use is on the chain")


@licence.command("list")
@click.option("--asset", default="", help="Those for this asset.")
@click.option("--to", "licensee", default="", help="Those of this account or org.")
@with_target
def list_licences(target: Target, asset: str, licensee: str) -> None:
    """List licences that were not revoked, also those that have ended."""
    with target.client() as client:
        found = client.licences(asset=asset, licensee=licensee)
    target.show(found, "\n".join(in_line(_line(one)) for one in found) or "there is none")


def _line(one: Licence) -> str:
    where = [f"in {' '.join(named)}" for named in (one.media, one.territories) if named]
    ends = [] if isinstance(one.until_ms, UnsetType) else [f"until {moment(one.until_ms)}"]
    left = [] if one.left is None else [f"{one.left} of {one.times} times left"]
    more = [*where, *ends, *left, *(["exclusive"] if one.exclusive else [])]
    return f"{one.id} {one.to}: {' '.join(one.uses)} {one.asset}{''.join(f', {part}' for part in more)}"
