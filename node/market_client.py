"""The SDK's part about ownership and money: minting, selling, renting, deriving, and paying.

What two accounts have to agree on (a sale without a listing, a paid rental, a swap, a refund) comes as a draft that
this client has signed; the other signs it (`sign_draft`) and commits it (`send_draft`).
"""

from __future__ import annotations

import msgspec

from ledger import actions
from ledger.actions import Royalty, Share
from ledger.execution.token import token_id
from ledger.receipt import Receipt
from node.drafts import Draft, sign_draft
from node.requesting import now_ms
from node.submitting import VALID_SECONDS, Submitting


def _or_unset(text: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if text is None else text


class MarketClient(Submitting):
    """Tokens, the market and money."""

    async def mint(
        self,
        asset: str,
        royalty_ppm: int | None = None,
        payees: dict[str, int] | None = None,
        editions: int | None = None,
    ) -> tuple[str, Receipt]:
        """Mint an asset's token; its id and the receipt. Payees by account, weights in ppm making 1,000,000.

        With `editions` that many numbered ones are minted, and the id is that of the first.
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

    async def list_token(self, token: str, price: int, currency: str, hours: float = 24) -> Receipt:
        """Offer a token at a price in minor units."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(actions.ListToken(token=token, price=price, currency=currency, until_ms=until))

    async def draft_sale(
        self, token: str, to: str, price: int, currency: str, *, key: str = "", valid_s: int = VALID_SECONDS
    ) -> Draft:
        """A sale of one's own token to a buyer, without a listing, for both to sign; signed by this client already.

        `key` is the buyer's public key; needed only if the buyer has several.
        """
        sale = actions.SellToken(token=token, to=to, price=price, currency=currency)
        account, own = self._signer()
        draft = await self.draft(sale, signers={account: own.public, to: key}, valid_s=valid_s)
        return sign_draft(draft, own)

    async def buy(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Buy a listed token at the price one has seen, and under the `terms` that its view showed, if given."""
        return await self.submit(actions.BuyToken(token=token, price=price, currency=currency, terms=_or_unset(terms)))

    async def derive(self, asset: str, *parents: str) -> Receipt:
        """Say what one's own asset was made from, before it is minted; the parents' policies decide and are paid."""
        return await self.submit(actions.DeriveAsset(asset=asset, parents=parents))

    async def offer(
        self, token: str, price: int, currency: str, hours: float = 24, terms: str | None = None
    ) -> Receipt:
        """Offer money for a token; it waits in escrow until the owner accepts or it is withdrawn."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(
            actions.MakeOffer(token=token, price=price, currency=currency, until_ms=until, terms=_or_unset(terms))
        )

    async def accept(self, token: str, buyer: str, price: int, currency: str) -> Receipt:
        """Sell one's token to a buyer who offered this price."""
        return await self.submit(actions.AcceptOffer(token=token, buyer=buyer, price=price, currency=currency))

    async def withdraw_offer(self, token: str, buyer: str | None = None) -> Receipt:
        """Have an offer's money back; another's only once it has ended, and then it goes to them."""
        return await self.submit(actions.WithdrawOffer(token=token, buyer=buyer or self._signer()[0]))

    async def open_auction(
        self, token: str, reserve: int, increment: int, currency: str, hours: float = 24, extension_s: int = 0
    ) -> Receipt:
        """Auction a token to the highest bidder; a bid nearer to the end than the extension moves the end."""
        return await self.submit(
            actions.OpenAuction(
                token=token,
                reserve=reserve,
                increment=increment,
                currency=currency,
                until_ms=now_ms() + int(hours * 3_600_000),
                extension_ms=extension_s * 1000,
            )
        )

    async def bid(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Bid for a token; the money waits in escrow, and is back the moment one is outbid."""
        return await self.submit(actions.PlaceBid(token=token, price=price, currency=currency, terms=_or_unset(terms)))

    async def settle_auction(self, token: str) -> Receipt:
        """Close an auction that is over; anybody may."""
        return await self.submit(actions.SettleAuction(token=token))

    async def rent_out(self, token: str, to: str, hours: float) -> Receipt:
        """Let an account use one's token for a time, free of charge; for a price both sign a `RentToken`."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(actions.RentToken(token=token, to=to, until_ms=until))

    async def pay(self, to: str, amount: int, currency: str) -> Receipt:
        """Pay an account, in minor units."""
        return await self.submit(actions.Pay(to=to, amount=amount, currency=currency))

    async def balances(self, account: str | None = None) -> dict[str, int]:
        """What an account holds, in minor units by currency."""
        found: dict[str, int] = {}
        async for page in self._pages(f"/v1/accounts/{account or self._signer()[0]}/balances"):
            found |= page["balances"]
        return found
