"""Lists: one shape for all, a page at a time.

A page holds up to `limit` items and, where more follow, `next`: the place to send as `after`. A page is found by
seeking, so it costs the same wherever it lies. What is added meanwhile comes in its place of the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query
from msgspec import UNSET, Meta, UnsetType
from starlette.responses import Response

from ledger import records
from ledger.encoding import decode_trusted
from ledger.errors import Code
from ledger.execution.policy import grant_of
from ledger.names import AccountName, CollectionName, CurrencyCode, Hex32, NodeName, OrgName
from node.api.bodies import answer, stored
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from remarque.api.assets import AssetsPage, CollectionsPage, DisputesPage, GrantsPage
from remarque.api.copies import ArchivesPage
from remarque.api.market import TokensPage
from remarque.api.members import BalancesPage, CurrenciesPage, ModelsPage, NodesPage, OrgsPage
from remarque.api.policies import PoliciesPage
from remarque.api.shapes import Page
from remarque.errors import NodeCode, NodeError

LIMIT, LIMIT_MAX = 50, 100
"""Items in a page, unless asked for otherwise, and at most."""
After = Annotated[str, Query(description="Where the page before ended, as its `next` said.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Most items of the page.")]
ArchivePlace = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}/[a-z0-9][a-z0-9-]{0,31}\Z")]
PolicyPlace = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}/[0-9]{1,16}\Z")]

T = TypeVar("T")


class List(msgspec.Struct, frozen=True):
    """A list of records that stand under one prefix of the state."""

    name: str
    """Of its route, and of the field of its pages."""
    prefix: str
    record: type[Any]
    place: Any
    """What follows the prefix in each key."""
    page: Callable[..., Page]
    summary: str


LISTS = (
    List("orgs", records.org_key(""), records.Org, OrgName, OrgsPage, "The members"),
    List("nodes", records.node_key(""), records.NodeRecord, NodeName, NodesPage, "The members' nodes"),
    List("models", records.model_key(""), records.Model, Hex32, ModelsPage, "Registered generator models"),
    List(
        "currencies",
        records.currency_key(""),
        records.Currency,
        CurrencyCode,
        CurrenciesPage,
        "Currencies, with their supply",
    ),
    List(
        "collections",
        records.collection_key(""),
        records.Collection,
        CollectionName,
        CollectionsPage,
        "Collections of assets, with their policies",
    ),
    List(
        "archives",
        records.ARCHIVE_PREFIX,
        records.ArchiveRecord,
        ArchivePlace,
        ArchivesPage,
        "Content archives, by the word of the orgs that keep them",
    ),
    List(
        "policies", "policy/", records.PolicyRecord, PolicyPlace, PoliciesPage, "Published policies, with their sources"
    ),
)


def page_of(found: Iterable[tuple[str, T]], limit: int) -> tuple[tuple[T, ...], str | UnsetType]:
    """The items of a page, of those that come with their places, and where the next one begins if there is one.

    Takes no more of them than it needs.
    """
    taken = list(islice(found, limit + 1))
    return tuple(item for _, item in taken[:limit]), taken[limit - 1][0] if len(taken) > limit else UNSET


def check_after(after: str, kind: Any) -> None:
    """Refuse what is no place of a list."""
    if not after:
        return
    try:
        msgspec.convert(after, kind)
    except msgspec.ValidationError:
        detail = f"after={after[:80]!r} is no place in this list; send `next` as it came"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail) from None


def routes(chain: Chain, reader: Reader) -> APIRouter:
    """The lists that members may read."""
    router = make_router("/v1", "ledger", reader)
    for one in LISTS:
        router.add_api_route(
            f"/{one.name}", _listing(chain, one), methods=["GET"], summary=one.summary, description=one.page.__doc__
        )

    @router.get("/assets", summary="Recorded assets, by id; those of a creator, if one is named")
    @operation(AssetsPage, refuses=(NodeCode.NOT_FOUND,), after=Hex32)
    async def assets(creator: str | None = None, after: After = "", limit: Limit = LIMIT) -> Response:
        """An asset that several accounts made is listed for each of them. Whoever owns it now, its token tells."""
        check_after(after, Hex32)
        chosen = _chosen(chain, records.asset_key(""), after, records.Asset, creator, chain.state.holdings.created)
        found, more = page_of(chosen, limit)
        return answer(AssetsPage(assets=found, next=more))

    @router.get("/tokens", summary="Minted tokens, by id; those of an owner, if one is named")
    @operation(TokensPage, refuses=(NodeCode.NOT_FOUND,), after=Hex32)
    async def tokens(owner: str | None = None, after: After = "", limit: Limit = LIMIT) -> Response:
        """Each names its asset. An asset that is not minted has no token, and belongs to its creator."""
        check_after(after, Hex32)
        chosen = _chosen(chain, records.token_key(""), after, records.Token, owner, chain.state.holdings.owned)
        found, more = page_of(chosen, limit)
        return answer(TokensPage(tokens=found, next=more))

    @router.get("/accounts/{account}/balances", summary="What an account holds, in minor units by currency")
    @operation(BalancesPage, refuses=(NodeCode.NOT_FOUND,), after=CurrencyCode)
    async def balances(account: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Only currencies of which it holds something, or once did."""
        account_of(chain, account)
        check_after(after, CurrencyCode)
        found = items(chain, records.balance_key(account, ""), after, int)
        held, more = page_of(((currency, (currency, value)) for currency, value in found), limit)
        return answer(BalancesPage(account=account, balances=dict(held), next=more))

    @router.get("/assets/{asset}/grants", summary="Grants of a confidential asset that have not ended")
    @operation(GrantsPage, refuses=(Code.ASSET_UNKNOWN,), after=AccountName)
    async def grants(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Ended and void ones are left out of their page, so a page may be short, and even empty, while more follow."""
        return answer(grants_page(chain, asset, after, limit))

    @router.get("/assets/{asset}/disputes", summary="Who has disputed an asset, and how it ended; by org")
    @operation(DisputesPage, refuses=(Code.ASSET_UNKNOWN,), after=OrgName)
    async def disputes(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Those that were withdrawn or dismissed are there too, with how they ended."""
        check_after(after, OrgName)
        prefix = records.dispute_key(chain.ledger().asset(asset).id, "")
        found, more = page_of(items(chain, prefix, after, records.Dispute), limit)
        return answer(DisputesPage(asset=asset, disputes=found, next=more))

    return router


def account_of(chain: Chain, name: str) -> records.Account:
    """An account that is read about. NOT_FOUND if there is none: nothing is asked in its name, so nothing is denied."""
    record = chain.ledger().find(records.account_key(name), records.Account)
    if record is None:
        raise NodeError(NodeCode.NOT_FOUND, f"no account {name} is enrolled; see how it is spelled")
    return record


def _chosen(
    chain: Chain, prefix: str, after: str, kind: type[T], account: str | None, of: Callable[[str, str], Iterator[str]]
) -> Iterator[tuple[str, T]]:
    """Records under a prefix: all, or those that an index has for an account."""
    if account is None:
        return items(chain, prefix, after, kind)
    account_of(chain, account)
    return ((place, stored(chain.state.get(prefix + place) or b"", kind)) for place in of(account, after))


def grants_page(chain: Chain, asset: str, after: str, limit: int) -> GrantsPage:
    """A page of an asset's grants, by account. Ended and void ones are left out, so it may be short, and even empty."""
    check_after(after, AccountName)
    ledger, record, now = chain.ledger(), chain.ledger().asset(asset), chain.committed.time_ms

    def stands(grant: records.Grant) -> bool:
        return grant.until_ms > now and grant_of(ledger, record, grant.account) is not None

    grants, more = in_force(chain, records.grant_key(asset, ""), after, records.Grant, limit, stands)
    return GrantsPage(asset=asset, grants=grants, next=more)


def _listing(chain: Chain, one: List) -> Callable[..., Any]:
    @operation(one.page, after=one.place)
    async def listing(after: After = "", limit: Limit = LIMIT) -> Response:
        check_after(after, one.place)
        found, more = page_of(items(chain, one.prefix, after, one.record), limit)
        return answer(one.page(**{one.name: found, "next": more}))

    return listing


def in_force(
    chain: Chain, prefix: str, after: str, kind: type[T], limit: int, holds: Callable[[T], bool]
) -> tuple[tuple[T, ...], str | UnsetType]:
    """A page of what has an end, without what has ended or lapsed; so it may be short, and even empty."""
    stored_items = ((key.removeprefix(prefix), value) for key, value in chain.state.items(prefix, after))
    taken, more = page_of(stored_items, limit)
    return tuple(one for one in (decode_trusted(value, kind) for value in taken) if holds(one)), more


def items(chain: Chain, prefix: str, after: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Records under a prefix of the state, in the bytes they are stored in, each with what follows it in its key."""
    for key, value in chain.state.items(prefix, after):
        yield key.removeprefix(prefix), stored(value, kind)
