"""Tokens: the ownable unit minted from an asset. Its owner is the asset's owner from then on."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import MintToken, TransferToken
from ledger.errors import Code, LedgerError
from ledger.events import TokenMinted, TokenTransferred
from ledger.execution.asset import check_shares
from ledger.execution.context import Context, action
from ledger.execution.policy import decide, policies_for
from ledger.execution.view import Ledger
from ledger.records import Asset, Token, asset_key, listing_key, token_key

SECONDARY_SALE = "secondary_sale"


def token_id(asset: str) -> str:
    """Id of the one token of an asset; known before it is minted, so that one transaction can mint and list."""
    return crypto.digest(crypto.ASSET_TOKEN, asset.encode())


@action(MintToken)
def mint(ledger: Ledger, tx: Context, ask: MintToken) -> None:
    """Make the one token of an asset, for its owner."""
    asset = ledger.asset(ask.asset)
    if asset.token is not UNSET:
        raise LedgerError(Code.TOKEN_EXISTS, f"asset {asset.id[:16]}… has the token {asset.token[:16]}… already")
    tx.require_signer(asset.owner, Code.NOT_OWNER)
    decide(ledger, tx, asset, "mint")
    rate = 0
    if ask.royalty is not UNSET:
        rate = ask.royalty.rate_ppm
        check_shares(ledger, ask.royalty.payees, Code.ROYALTY_INVALID)
        _check_cap(ledger, asset, rate)
    token = Token(id=token_id(asset.id), asset=asset.id, creator=asset.creator, owner=asset.owner, royalty=ask.royalty)
    ledger.put(token_key(token.id), token)
    ledger.put(asset_key(asset.id), replace(asset, token=token.id))
    tx.emit(TokenMinted(token=token.id, asset=asset.id, owner=token.owner, royalty_ppm=rate))


@action(TransferToken)
def transfer(ledger: Ledger, tx: Context, ask: TransferToken) -> None:
    """Give a token away. The policy of its asset has the last word."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.account(ask.to)
    if ask.to == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{ask.to} owns it already; name another account")
    if ledger.holds(listing_key(token.id)):
        raise LedgerError(Code.TOKEN_LISTED, f"token {token.id[:16]}… is for sale; unlist it first")
    decide(ledger, tx, ledger.asset(token.asset), "transfer", token, to=ask.to)
    ledger.put(token_key(token.id), replace(token, owner=ask.to))
    tx.emit(TokenTransferred(token=token.id, sender=token.owner, to=ask.to))


def _check_cap(ledger: Ledger, asset: Asset, rate_ppm: int) -> None:
    for policy in policies_for(ledger, asset):
        for clause in policy.royalties:
            if clause.trigger == SECONDARY_SALE and clause.cap_ppm is not None and rate_ppm > clause.cap_ppm:
                raise LedgerError(
                    Code.ROYALTY_OVER_CAP,
                    f"{rate_ppm} ppm is above the {clause.cap_ppm} ppm cap of {policy.name}@{policy.version}; lower it",
                )
