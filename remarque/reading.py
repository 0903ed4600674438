"""What the chain says: a node's condition, records, lists, what was, and what happens.

All but a node's condition and the genesis is for members: SESSION_REQUIRED without an account. Lists come whole, read
page by page. What is not recorded is refused with a word of its own (ASSET_UNKNOWN, TOKEN_UNKNOWN) or NOT_FOUND.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from ledger.errors import Code
from ledger.genesis import Genesis
from ledger.records import (
    Account,
    Asset,
    Auction,
    Collection,
    Currency,
    Dispute,
    Grant,
    Licence,
    LicenceOffer,
    Listing,
    Model,
    NodeRecord,
    Offer,
    Org,
    PolicyRecord,
    Rental,
    Token,
)
from remarque.api.assets import (
    AssetsPage,
    AssetView,
    CollectionAssetsPage,
    CollectionsPage,
    DisputesPage,
    GrantsPage,
    HistoryPage,
    HistoryRow,
    LicenceOffersPage,
    LicencesPage,
    LineageView,
)
from remarque.api.chain import BlockView, ChainEvent, Checkpoint, Status
from remarque.api.consortium import ConsortiumStanding
from remarque.api.generation import OpenedSettings
from remarque.api.governance import ProposalsPage, ProposalView
from remarque.api.market import (
    AuctionsPage,
    ListingsPage,
    OffersPage,
    RentalsPage,
    RoyaltyInfo,
    TokenMetadata,
    TokensOf,
    TokensPage,
    TokenView,
)
from remarque.api.members import CurrenciesPage, ModelsPage, NodesPage, OrgsPage
from remarque.api.past import AssetAt, StateAt
from remarque.api.policies import PoliciesPage
from remarque.api.transactions import TransactionView
from remarque.errors import NodeCode, RemarqueError
from remarque.requesting import UNREACHED, NodeConnection, segment

RECONNECT_SECONDS = 0.2
"""Between two attempts to go on with a stream."""


class QueryMethods(NodeConnection):
    """What an account reads of the chain."""

    _genesis: Genesis | None = None

    # The chain

    async def status(self) -> Status:
        """What the node that is asked is doing. Open to anybody."""
        return await self._read("/v1/status", Status, session=False)

    async def checkpoint(self) -> Checkpoint:
        """The newest certified header. Open to anybody; nothing of it is verified here."""
        return await self._read("/v1/checkpoint", Checkpoint, session=False)

    async def genesis(self) -> Genesis:
        """The genesis that the nodes name, asked for once. To check proofs, have it from a source you trust instead."""
        if self._genesis is None:
            self._genesis = await self._read("/v1/genesis", Genesis, session=False)
        return self._genesis

    async def block(self, height: int) -> BlockView:
        """A block, and what each of its transactions did. NOT_FOUND if it is not final yet, BLOCK_PRUNED if gone."""
        return await self._read(f"/v1/blocks/{height}", BlockView)

    async def transaction(self, transaction: str) -> TransactionView:
        """A committed transaction with its outcome, and its decisions explained as far as the account may know."""
        return await self._read(f"/v1/transactions/{segment(transaction)}", TransactionView)

    async def events(self, after: str = "") -> AsyncGenerator[tuple[str, ChainEvent], None]:
        """What happens, as (place, event), for ever; resumes by itself, without a gap, when cut off at any moment.

        It begins after the event at the place `after`; a height alone means its first event; without one, now. A node
        that was started again, or stops, is no end; RemarqueError if the account may no longer read.
        """
        after = after or str((await self.status()).height + 1)
        while True:
            try:
                async with aclosing(self._stream("/v1/events", ChainEvent, after)) as stream:
                    async for place, event in stream:
                        after = place
                        yield place, event
            except UNREACHED:
                self.urls.append(self.urls.pop(0))
            except RemarqueError as error:
                if error.code != NodeCode.SHUTTING_DOWN.name:
                    raise
                self.urls.append(self.urls.pop(0))
            await asyncio.sleep(RECONNECT_SECONDS)

    # Members

    async def account_record(self, account: str | None = None) -> Account:
        """An account's keys and roles; the client's own if none is named."""
        return await self._read(f"/v1/accounts/{segment(account or self._signer()[0])}", Account)

    async def orgs(self) -> list[Org]:
        """The members, by name."""
        return await self._listed("/v1/orgs", OrgsPage, lambda page: page.orgs)

    async def nodes(self) -> list[NodeRecord]:
        """The members' nodes, by name."""
        return await self._listed("/v1/nodes", NodesPage, lambda page: page.nodes)

    async def consortium(self) -> ConsortiumStanding:
        """Who votes, who answers and how far each node is, as the node that is asked sees it."""
        return await self._read("/v1/consortium", ConsortiumStanding)

    async def models(self) -> list[Model]:
        """Generator models that are registered, by digest."""
        return await self._listed("/v1/models", ModelsPage, lambda page: page.models)

    async def currencies(self) -> list[Currency]:
        """Currencies, with their supply in minor units."""
        return await self._listed("/v1/currencies", CurrenciesPage, lambda page: page.currencies)

    async def currency(self, currency: str) -> Currency:
        """A currency: its decimals, with which `remarque.amounts` writes and reads amounts. CURRENCY_UNKNOWN."""
        found = next((one for one in await self.currencies() if one.currency == currency), None)
        if found is None:
            detail = f"{currency} is no currency of this chain; `remarque currency list` shows them"
            raise RemarqueError(Code.CURRENCY_UNKNOWN.name, detail)
        return found

    # Assets

    async def asset(self, asset: str) -> AssetView:
        """An asset with its owner, and what resales owe."""
        return await self._read(f"/v1/assets/{segment(asset)}", AssetView)

    async def assets(self, creator: str | None = None) -> list[Asset]:
        """Recorded assets, by id: all, or those that an account created, alone or with others."""
        only = {} if creator is None else {"creator": creator}
        return await self._listed("/v1/assets", AssetsPage, lambda page: page.assets, **only)

    async def history(self, asset: str) -> list[HistoryRow]:
        """Every transaction about an asset or its token, oldest first, carried out or refused."""
        return await self._listed(f"/v1/assets/{segment(asset)}/history", HistoryPage, lambda page: page.history)

    async def lineage(self, asset: str) -> LineageView:
        """What an asset was made from, and who is owed what of its sales."""
        return await self._read(f"/v1/assets/{segment(asset)}/lineage", LineageView)

    async def openings(self, asset: str) -> OpenedSettings:
        """Prompt and settings of a generated picture as far as one may read them, and who may read which.

        Each is held against the commitment that the node says its creator signed. NOT_FOUND, OPENINGS_FALSE.
        """
        found = await self._read(f"/v1/assets/{segment(asset)}/openings", OpenedSettings)
        found.check()
        return found

    async def licences(self, *, asset: str = "", licensee: str = "") -> list[Licence]:
        """Licences by id: all, those for an asset, those of an account or an org, or of it for the asset."""
        chosen = {name: value for name, value in (("asset", asset), ("licensee", licensee)) if value}
        return await self._listed("/v1/licences", LicencesPage, lambda page: page.licences, **chosen)

    async def licence_offers(self, asset: str) -> list[LicenceOffer]:
        """Licences of an asset that its owner offers at a price, also those whose offer has ended."""
        path = f"/v1/assets/{segment(asset)}/licence-offers"
        return await self._listed(path, LicenceOffersPage, lambda page: page.offers)

    async def licence(self, licence: str) -> Licence:
        """A licence, with how often it was used. LICENCE_UNKNOWN."""
        return await self._read(f"/v1/licences/{segment(licence)}", Licence)

    async def grants(self, asset: str) -> list[Grant]:
        """Grants of a confidential asset that have not ended, by account."""
        return await self._listed(f"/v1/assets/{segment(asset)}/grants", GrantsPage, lambda page: page.grants)

    async def disputes(self, asset: str) -> list[Dispute]:
        """Who has disputed an asset, and how it ended; by org."""
        return await self._listed(f"/v1/assets/{segment(asset)}/disputes", DisputesPage, lambda page: page.disputes)

    async def collection(self, collection: str) -> Collection:
        """A collection, with the policy of its assets."""
        return await self._read(f"/v1/collections/{segment(collection)}", Collection)

    async def collections(self) -> list[Collection]:
        """All collections, by name."""
        return await self._listed("/v1/collections", CollectionsPage, lambda page: page.collections)

    async def collection_assets(self, collection: str) -> list[str]:
        """Ids of the assets of a collection, in order."""
        path = f"/v1/collections/{segment(collection)}/assets"
        return await self._listed(path, CollectionAssetsPage, lambda page: page.assets)

    # The market

    async def token(self, token: str) -> TokenView:
        """A token with its terms; its listing, auction and rental if it has one."""
        return await self._read(f"/v1/tokens/{segment(token)}", TokenView)

    async def tokens(self, asset: str) -> tuple[Token, ...]:
        """The tokens of an asset, by number."""
        return (await self._read(f"/v1/assets/{segment(asset)}/tokens", TokensOf)).tokens

    async def owned(self, account: str | None = None) -> list[Token]:
        """Tokens that an account owns, by id; the client's own if none is named."""
        owner = account or self._signer()[0]
        return await self._listed("/v1/tokens", TokensPage, lambda page: page.tokens, owner=owner)

    async def all_tokens(self) -> list[Token]:
        """All minted tokens, by id."""
        return await self._listed("/v1/tokens", TokensPage, lambda page: page.tokens)

    async def token_metadata(self, token: str) -> TokenMetadata:
        """A token's metadata in the form of ERC-721."""
        return await self._read(f"/v1/tokens/{segment(token)}/metadata.json", TokenMetadata)

    async def royalty_info(self, token: str, sale_price: int) -> RoyaltyInfo:
        """What a resale at a price in minor units owes, in the form of ERC-2981."""
        return await self._read(f"/v1/tokens/{segment(token)}/royalty_info", RoyaltyInfo, sale_price=str(sale_price))

    async def offers(self, token: str) -> list[Offer]:
        """Offers for a token whose money is in escrow, by buyer."""
        return await self._listed(f"/v1/tokens/{segment(token)}/offers", OffersPage, lambda page: page.offers)

    async def auctions(self) -> list[Auction]:
        """Auctions that are not closed, by token."""
        return await self._listed("/v1/auctions", AuctionsPage, lambda page: page.auctions)

    async def listings(self) -> list[Listing]:
        """Tokens for sale at a price, by token."""
        return await self._listed("/v1/listings", ListingsPage, lambda page: page.listings)

    async def rentals(self) -> list[Rental]:
        """Rentals in force, by token."""
        return await self._listed("/v1/rentals", RentalsPage, lambda page: page.rentals)

    # Rules

    async def policy(self, name: str, version: int) -> PolicyRecord:
        """A published policy, with its source. POLICY_UNKNOWN if there is none."""
        return await self._read(f"/v1/policies/{segment(name)}/{version}", PolicyRecord)

    async def policies(self) -> list[PolicyRecord]:
        """All published policies, by name and version."""
        return await self._listed("/v1/policies", PoliciesPage, lambda page: page.policies)

    async def proposal(self, proposal: str) -> ProposalView:
        """A proposal with its votes, its status and the quorum."""
        return await self._read(f"/v1/proposals/{segment(proposal)}", ProposalView)

    async def proposals(self) -> list[ProposalView]:
        """All proposals, by id."""
        return await self._listed("/v1/proposals", ProposalsPage, lambda page: page.proposals)

    # What was

    async def state_at(self, *keys: str, height: int | None = None, time_ms: int | None = None) -> StateAt:
        """What stood under keys of the state after a block, or at a time, by the word of the node that is asked.

        Each of `entries` says since which block, and which transactions made it so: their receipts prove it.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        return await self._read(f"/v1/state/at?{query}&{_when(height, time_ms)}", StateAt)

    async def asset_at(self, asset: str, *, height: int | None = None, time_ms: int | None = None) -> AssetAt:
        """An asset, its owner, policies and grants after a block, or at a time, by the word of the same node."""
        return await self._read(f"/v1/assets/{segment(asset)}/at?{_when(height, time_ms)}", AssetAt)


def _when(height: int | None, time_ms: int | None) -> str:
    given = {"height": height, "time_ms": time_ms}
    return "&".join(f"{name}={value}" for name, value in given.items() if value is not None)
