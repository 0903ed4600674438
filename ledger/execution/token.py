"""Tokens: the ownable unit minted from an asset. Its owner is the asset's owner from then on."""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts_vm import PPM_WHOLE
from ledger.actions import MintToken, Price, SwapTokens, TransferToken
from ledger.errors import Code, LedgerError
from ledger.events import TokenMinted, TokenTransferred
from ledger.execution.asset import check_shares
from ledger.execution.context import Context, action
from ledger.execution.due import GIFT, SECONDARY_SALE, SWAP, Occasion, check_terms, due
from ledger.execution.holding import hand_over, require_free, token_id
from ledger.execution.policy import decide
from ledger.execution.scope import in_force, keep_terms, policies_for
from ledger.execution.settlement import pay_royalty
from ledger.execution.view import Ledger
from ledger.records import Asset, Token, asset_key, listing_key, token_key

EDITION_FUEL = 200
"""What each numbered token costs."""


@action(MintToken)
def mint(ledger: Ledger, tx: Context, ask: MintToken) -> None:
    """Make the one token of an asset, or all its numbered ones, for its owner."""
    asset = ledger.asset(ask.asset)
    if asset.token is not UNSET:
        raise LedgerError(Code.TOKEN_EXISTS, f"asset {asset.id[:16]}… has the token {asset.token[:16]}… already")
    if asset.editions is not UNSET:
        raise LedgerError(Code.TOKEN_EXISTS, f"asset {asset.id[:16]}… has {asset.editions} numbered tokens already")
    tx.require_signer(asset.owner, Code.NOT_OWNER)
    decide(ledger, tx, asset, "mint")
    rate = 0
    if ask.royalty is not UNSET:
        rate = ask.royalty.rate_ppm
        check_shares(ledger, ask.royalty.payees, Code.ROYALTY_INVALID)
        _check_cap(ledger, asset, rate)
    token = Token(
        id=token_id(asset.id),
        asset=asset.id,
        creator=asset.creator,
        owner=asset.owner,
        royalty=ask.royalty,
        policies=in_force(ledger, asset),
    )
    if ask.editions is UNSET:
        made = [token]
        ledger.put(asset_key(asset.id), replace(asset, token=token.id))
    else:
        tx.spend(EDITION_FUEL * ask.editions)
        numbers = range(1, ask.editions + 1)
        made = [replace(token, id=token_id(asset.id, number), number=number) for number in numbers]
        ledger.put(asset_key(asset.id), replace(asset, editions=ask.editions))
    for one in made:
        ledger.put(token_key(one.id), one)
        tx.emit(TokenMinted(token=one.id, asset=asset.id, owner=one.owner, royalty_ppm=rate, number=one.number))


@action(TransferToken)
def transfer(ledger: Ledger, tx: Context, ask: TransferToken) -> None:
    """Give a token away. The policy of its asset has the last word, and says what a gift owes."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.account(ask.to)
    if ask.to == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{ask.to} owns it already; name another account")
    if ledger.holds(listing_key(token.id)):
        raise LedgerError(Code.TOKEN_LISTED, f"token {token.id[:16]}… is for sale; unlist it first")
    _give(ledger, tx, token, Occasion(GIFT, token.owner, ask.to), ask.terms)


@action(SwapTokens)
def swap(ledger: Ledger, tx: Context, ask: SwapTokens) -> None:
    """Exchange two tokens, each under the policy of its asset. The listings of both end."""
    tokens = ledger.token(ask.token), ledger.token(ask.for_token)
    owners = [token.owner for token in tokens]
    tx.require_signer(owners[0], Code.NOT_OWNER)
    if owners[0] == owners[1]:
        raise LedgerError(Code.SELF_SALE, f"{owners[0]} owns both already")
    tx.require_signer(owners[1])
    worth = _declared(ledger, [value for value in (ask.value, ask.for_value) if value is not UNSET])
    for token, to, terms in zip(tokens, reversed(owners), (ask.terms, ask.for_terms), strict=True):
        _give(ledger, tx, token, Occasion(SWAP, token.owner, to, *worth), terms)


def _declared(ledger: Ledger, values: list[Price]) -> tuple[int, str]:
    """The value that a swap's royalties are parts of, so that nobody pays less by declaring one side low."""
    if not values:
        return 0, ""
    currency = ledger.currency(values[0].currency).currency
    if values[-1].currency != currency:
        raise LedgerError(
            Code.CURRENCY_MISMATCH, f"values in {currency} and {values[-1].currency}; declare both in one"
        )
    return max(value.amount for value in values), currency


def _give(ledger: Ledger, tx: Context, token: Token, occasion: Occasion, terms: str | UnsetType) -> None:
    """A token moves without a price; the policies say what that owes, and whether the giver or the receiver pays."""
    require_free(ledger, token)
    asset = ledger.asset(token.asset)
    to = occasion.to
    check_terms(ledger, asset, terms)
    decide(ledger, tx, asset, "transfer", token, token.owner, to=to)
    found = due(ledger, tx, asset, token, occasion, terms)
    payer = to if found.payer == "buyer" else token.owner
    if found.split.royalty:
        tx.require_signer(payer)
    payments = pay_royalty(ledger, payer, found)
    keep_terms(ledger, asset)
    hand_over(ledger, tx, token, to, token.sales)
    tx.emit(
        TokenTransferred(
            token=token.id, sender=token.owner, to=to, payer=payer if payments else UNSET, payments=payments
        )
    )


def _check_cap(ledger: Ledger, asset: Asset, rate_ppm: int) -> None:
    for policy in policies_for(ledger, asset):
        for clause in policy.royalties:
            most = PPM_WHOLE if clause.cap_ppm is None else clause.cap_ppm
            whole = rate_ppm + clause.whole_ppm - clause.rate_ppm
            if clause.trigger == SECONDARY_SALE and whole > most:
                raise LedgerError(
                    Code.ROYALTY_OVER_CAP,
                    f"{whole} ppm, with whom the policy names, is above the {most} ppm cap of {policy.id}; lower it",
                )
