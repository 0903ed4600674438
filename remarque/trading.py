"""Ownership and money: minting, selling, auctioning, renting, deriving, and paying.

What two accounts have to agree on (a sale without a listing, a paid rental, a swap, a refund) comes as a draft that
this client has signed; the other signs it (`sign_draft`) and commits it (`send_draft`).

Whatever may cost is asked for under terms: those given, or else those in force, which are read first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ledger import actions
from ledger.actions import Price, Royalty, Share
from ledger.execution.holding import token_id
from ledger.receipt import Receipt
from remarque.api.members import BalancesPage
from remarque.drafts import Draft
from remarque.requesting import end_ms, segment
from remarque.submitting import VALID_SECONDS, SubmitMethods


def _or_unset(text: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if text is None else text


def _price(amount: int | None, currency: str) -> Price | msgspec.UnsetType:
    return msgspec.UNSET if amount is None else Price(amount=amount, currency=currency)


def _derivation(
    asset: str,
    parents: tuple[str, ...],
    value: int | None,
    currency: str,
    terms: Sequence[str],
    licences: Sequence[str] = (),
) -> actions.DeriveAsset:
    worth = _price(value, currency)
    return actions.DeriveAsset(asset=asset, parents=parents, value=worth, terms=tuple(terms), licences=tuple(licences))


class TradeMethods(SubmitMethods):
    """What an account does with tokens, on the market, and with money.

    Prices and amounts are in minor units. What is `lasting` lasts for so many hours, or until a moment.
    """

    async def terms(self, token: str) -> str:
        """The policies that a token is under now, as what is signed about it names them."""
        return (await self.token(token)).terms

    async def asset_terms(self, asset: str) -> str:
        """The policies that an asset is under now, minted or not, as what is signed about it names them."""
        return (await self.asset(asset)).terms

    async def mint(
        self,
        asset: str,
        royalty_ppm: int | None = None,
        payees: dict[str, int] | None = None,
        editions: int | None = None,
    ) -> tuple[str, Receipt]:
        """Mint one's own asset's token; its id and the receipt.

        `royalty_ppm` is the part of each resale's price in millionths; without it the policies say what a resale owes.
        `payees` are weights by account, in ppm, that make 1,000,000; without them all of it is the client's account's.
        With `editions` so many numbered tokens are minted, and the id is that of the first. TOKEN_EXISTS if the asset
        has its tokens already, POLICY_DENIED if a policy stands against it.
        """
        royalty: Royalty | msgspec.UnsetType = msgspec.UNSET
        if royalty_ppm is not None:
            shares = payees or {self._signer()[0]: 1_000_000}
            royalty = Royalty(
                rate_ppm=royalty_ppm,
                payees=tuple(Share(account=account, weight_ppm=weight) for account, weight in shares.items()),
            )
        first = None if editions is None else 1
        several = msgspec.UNSET if editions is None else editions
        return token_id(asset, first), await self.submit(
            actions.MintToken(asset=asset, royalty=royalty, editions=several)
        )

    async def list_token(self, token: str, price: int, currency: str, lasting: float | datetime = 24) -> Receipt:
        """Put one's own token up for sale at a price, for so many hours or until a moment."""
        return await self.submit(
            actions.ListToken(token=token, price=price, currency=currency, until_ms=end_ms(lasting))
        )

    async def transfer(self, token: str, to: str, terms: str | None = None) -> Receipt:
        """Give a token away; what its policies ask for a gift is paid."""
        return await self.submit(actions.TransferToken(token=token, to=to, terms=terms or await self.terms(token)))

    async def draft_sale(
        self,
        token: str,
        to: str,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """A sale of one's own token to a buyer, without a listing, for both to sign; signed by this client already.

        `key` is the buyer's public key; needed only if the buyer has several.
        """
        seen = terms or await self.terms(token)
        sale = actions.SellToken(token=token, to=to, price=price, currency=currency, terms=seen)
        return await self.draft_with({to: key}, sale, valid_s=valid_s)

    async def draft_refund(self, token: str, other: str, *, key: str = "", valid_s: int = VALID_SECONDS) -> Draft:
        """The newest sale of a token undone, for its buyer and its seller (one of them: `other`) to sign."""
        return await self.draft_with({other: key}, actions.RefundSale(token=token), valid_s=valid_s)

    async def draft_swap(
        self,
        token: str,
        for_token: str,
        other: str,
        *,
        value: int | None = None,
        for_value: int | None = None,
        currency: str = "",
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One's own token exchanged for another account's, with the values that both declare, for both to sign."""
        swap = actions.SwapTokens(
            token=token,
            for_token=for_token,
            value=_price(value, currency),
            for_value=_price(for_value, currency),
            terms=await self.terms(token),
            for_terms=await self.terms(for_token),
        )
        return await self.draft_with({other: key}, swap, valid_s=valid_s)

    async def buy(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Buy a listed token at the price one has seen, and under the `terms` that its view showed.

        Token, price and every royalty move in one transaction or not at all: the receipt's `TokenSold` lists the
        payments. PRICE_CHANGED or TERMS_CHANGED if they are others by then, POLICY_DENIED with the explanation in
        `transaction`, INSUFFICIENT_FUNDS.
        """
        seen = terms or await self.terms(token)
        return await self.submit(actions.BuyToken(token=token, price=price, currency=currency, terms=seen))

    async def derive(
        self,
        asset: str,
        *parents: str,
        value: int | None = None,
        currency: str = "",
        terms: Sequence[str] | None = None,
        licences: Sequence[str] = (),
    ) -> Receipt:
        """Say what one's own asset was made from, before it is minted; the parents' policies decide and are paid.

        `value` is what the right to derive is worth, for each parent; `terms` are those that one saw of each;
        `licences` those of one's own under which it was made, of which a use is counted.
        """
        seen = terms or [await self.asset_terms(parent) for parent in parents]
        return await self.submit(_derivation(asset, parents, value, currency, seen, licences))

    async def draft_derivation(
        self,
        asset: str,
        *parents: str,
        owners: Sequence[str],
        value: int | None = None,
        currency: str = "",
        terms: Sequence[str] | None = None,
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """The same, for the parents' owners to sign too: by that they permit it."""
        seen = terms or [await self.asset_terms(parent) for parent in parents]
        asked = _derivation(asset, parents, value, currency, seen)
        return await self.draft_with(dict.fromkeys(owners, ""), asked, valid_s=valid_s)

    async def offer(
        self, token: str, price: int, currency: str, lasting: float | datetime = 24, terms: str | None = None
    ) -> Receipt:
        """Offer money for a token; it waits in escrow until the owner accepts, it is withdrawn, or it ends."""
        until, seen = end_ms(lasting), terms or await self.terms(token)
        return await self.submit(
            actions.MakeOffer(token=token, price=price, currency=currency, until_ms=until, terms=seen)
        )

    async def accept(self, token: str, buyer: str, price: int, currency: str) -> Receipt:
        """Sell one's token to a buyer who offered this price."""
        return await self.submit(actions.AcceptOffer(token=token, buyer=buyer, price=price, currency=currency))

    async def withdraw_offer(self, token: str, buyer: str | None = None) -> Receipt:
        """Have an offer's money back; another's only once it has ended, and then it goes to them."""
        return await self.submit(actions.WithdrawOffer(token=token, buyer=buyer or self._signer()[0]))

    async def open_auction(
        self,
        token: str,
        reserve: int,
        increment: int,
        currency: str,
        lasting: float | datetime = 24,
        extension_s: int = 0,
    ) -> Receipt:
        """Auction a token to the highest bidder; a bid nearer to the end than the extension moves the end."""
        return await self.submit(
            actions.OpenAuction(
                token=token,
                reserve=reserve,
                increment=increment,
                currency=currency,
                until_ms=end_ms(lasting),
                extension_ms=extension_s * 1000,
            )
        )

    async def bid(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Bid for a token; the money waits in escrow, and is back the moment one is outbid."""
        seen = terms or await self.terms(token)
        return await self.submit(actions.PlaceBid(token=token, price=price, currency=currency, terms=seen))

    async def settle_auction(self, token: str, terms: str | None = None) -> Receipt:
        """Close an auction that is over; anybody may.

        Where other policies are in force than the highest bidder saw, only the bidder: to buy under these `terms`, or
        without any to have the money back.
        """
        return await self.submit(actions.SettleAuction(token=token, terms=_or_unset(terms)))

    async def rent_out(self, token: str, to: str, lasting: float | datetime) -> Receipt:
        """Let an account use one's token for a time, free of charge."""
        until = end_ms(lasting)
        return await self.submit(actions.RentToken(token=token, to=to, until_ms=until))

    async def draft_rental(
        self,
        token: str,
        to: str,
        lasting: float | datetime,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One's token let to an account for a time and a price, for both to sign."""
        until, seen = end_ms(lasting), terms or await self.terms(token)
        rental = actions.RentToken(token=token, to=to, until_ms=until, price=_price(price, currency), terms=seen)
        return await self.draft_with({to: key}, rental, valid_s=valid_s)

    async def pay(self, to: str, amount: int, currency: str) -> Receipt:
        """Pay an account out of one's own balance."""
        return await self.submit(actions.Pay(to=to, amount=amount, currency=currency))

    async def balances(self, account: str | None = None) -> dict[str, int]:
        """What an account holds, in minor units by currency."""
        path = f"/v1/accounts/{segment(account or self._signer()[0])}/balances"
        return dict(await self._listed(path, BalancesPage, lambda page: page.balances.items()))
