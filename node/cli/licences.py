"""Commands about licences: what accounts and orgs may do with pictures, and what they did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import click
from msgspec import UNSET, UnsetType

from ledger.actions import GrantLicence, OfferLicence, Price
from ledger.actions.licences import Use
from ledger.records import Licence, LicenceOffer
from ledger.times import moment
from node.cli.amounts import AMOUNT, check_priced, sum_of, units_if_given
from node.cli.output_files import OutputFile
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.cli.times import LASTING, WHEN, milliseconds
from node.cli.transaction import drafted, hand_on, valid_seconds
from remarque.amounts import amount_in_words


@click.group()
def licence() -> None:
    """Give, end, use and list licences of pictures."""


def said(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what a licence is for."""
    for option in (
        click.option(
            "--text", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Contract, digested."
        ),
        click.option("--times", type=click.IntRange(min=1), help="How often it may be used."),
        click.option("--territory", "territories", multiple=True, help="Only in this country, such as DE; repeat."),
        click.option("--medium", "media", multiple=True, help="Only in this medium, such as print; repeat."),
        click.option(
            "--use", "uses", multiple=True, required=True, type=click.Choice(get_args(Use)), help="For what; repeat."
        ),
    ):
        function = option(function)
    return function


def _what(
    uses: tuple[Use, ...], media: tuple[str, ...], territories: tuple[str, ...], times: int | None, text: Path | None
) -> dict[str, Any]:
    return {
        "uses": uses,
        "media": media,
        "territories": territories,
        "times": UNSET if times is None else times,
        "text": UNSET if text is None else sha256(text.read_bytes()).hexdigest(),
    }


@licence.command("grant")
@click.argument("asset")
@click.argument("to")
@said
@click.option("--until", type=WHEN, help="Until when, or for how long; for ever if absent.")
@click.option("--exclusive", is_flag=True, help="Nobody else is licensed for any of it.")
@click.option("--price", type=AMOUNT, help="What is paid for it; whoever pays signs too.")
@click.option("--currency", default="", help="Of the price.")
@click.option("--payer", default="", help="The account that pays, if TO is an org.")
@drafted
@with_target
def grant_licence(
    target: Target,
    asset: str,
    to: str,
    until: datetime | None,
    exclusive: bool,
    price: str | None,
    currency: str,
    payer: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
    **what: Any,
) -> None:
    """License your ASSET to an account or an org TO. The policies say what a licence is worth."""
    check_priced(price, currency, drafted=out is not None)
    ends = UNSET if until is None else milliseconds(until)
    wanted = GrantLicence(asset=asset, to=to, until_ms=ends, exclusive=exclusive, **_what(**what))
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


@licence.command("offer")
@click.argument("asset")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@said
@click.option("--until", type=WHEN, required=True, help="Until when it is offered, or for how long.")
@click.option("--lasting", type=LASTING, help="For how long a licence is in force once bought; for ever if absent.")
@with_target
def offer_licences(
    target: Target,
    asset: str,
    price: str,
    currency: str,
    until: datetime,
    lasting: timedelta | None,
    **what: Any,
) -> None:
    """Offer licences of your ASSET to everybody at a PRICE, such as 40.00 EUR."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        wanted = OfferLicence(
            asset=asset,
            price=Price(amount=money.units, currency=currency),
            until_ms=milliseconds(until),
            lasting_ms=UNSET if lasting is None else lasting // timedelta(milliseconds=1),
            **_what(**what),
        )
        offered, receipt = client.offer_licences(wanted)
    target.done(receipt, f"offer {offered}, {money.text} until {moment(wanted.until_ms)}")


@licence.command("offers")
@click.argument("asset")
@with_target
def licence_offers(target: Target, asset: str) -> None:
    """List the licences of an ASSET that its owner offers."""
    with target.client() as client:
        found = client.licence_offers(asset)
        currencies = {one.currency: one for one in client.currencies()}
    lines = [
        f"{one.id} {amount_in_words(one.price, currencies[one.currency])}: {_terms(one)},"
        f" offered until {moment(one.until_ms)}"
        for one in found
    ]
    target.show(found, "\n".join(map(in_line, lines)) or "none is offered")


@licence.command("withdraw")
@click.argument("asset")
@click.argument("offer")
@with_target
def withdraw_offer(target: Target, asset: str, offer: str) -> None:
    """Take an OFFER of licences of an ASSET back; those that were bought stay."""
    with target.client() as client:
        receipt = client.withdraw_licence_offer(asset, offer)
    target.done(receipt, "the offer is withdrawn")


@licence.command("buy")
@click.argument("asset")
@click.argument("offer")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@click.option("--for-org", is_flag=True, help="For all accounts of your org.")
@with_target
def buy_licence(target: Target, asset: str, offer: str, price: str, currency: str, for_org: bool) -> None:
    """Take a licence of an ASSET that is offered, at the PRICE that you have seen."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        bought, receipt = client.buy_licence(asset, offer, money.units, currency, for_org=for_org)
    target.done(receipt, f"licence {bought}")


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
    ends = [] if isinstance(one.until_ms, UnsetType) else [f"until {moment(one.until_ms)}"]
    used = [] if one.left is None else [f"{one.left} left"]
    more = [_terms(one), *ends, *used, *(["exclusive"] if one.exclusive else [])]
    return f"{one.id} {one.to}: {one.asset}, {', '.join(more)}"


def _terms(one: Licence | LicenceOffer) -> str:
    where = [f"in {' '.join(named)}" for named in (one.media, one.territories) if named]
    times = [] if isinstance(one.times, UnsetType) else [f"{one.times} times"]
    return ", ".join([" ".join(one.uses), *where, *times])
