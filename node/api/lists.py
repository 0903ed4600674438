"""Lists: one shape for all, a page at a time.

A page holds up to `limit` items and, where more follow, `next`: the place to send as `after`. A page is found by
seeking, so it costs the same wherever it lies. What is added meanwhile comes in its place of the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from msgspec import Meta
from starlette.responses import Response

from ledger import records
from ledger.encoding import decode_trusted
from ledger.names import AccountName, CollectionName, CurrencyCode, Hex32, NodeName, OrgName
from node.api.bodies import answer
from node.api.readers import Reader
from node.chain.chain import Chain
from remarque.errors import NodeCode, NodeError

LIMIT, LIMIT_MAX = 50, 100
"""Items in a page, unless asked for otherwise, and at most."""
After = Annotated[str, Query(description="Where the page before ended, as its `next` said.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Most items of the page.")]
PolicyPlace = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}/[0-9]{1,16}\Z")]

LISTS: tuple[tuple[str, str, Any, str], ...] = (
    ("assets", records.asset_key(""), Hex32, "Recorded assets, by id"),
    ("orgs", records.org_key(""), OrgName, "The members"),
    ("nodes", records.node_key(""), NodeName, "The members' nodes"),
    ("models", records.model_key(""), Hex32, "Registered generator models"),
    ("currencies", records.currency_key(""), CurrencyCode, "Currencies, with their supply"),
    ("collections", records.collection_key(""), CollectionName, "Collections of assets, with their policies"),
    ("policies", "policy/", PolicyPlace, "Published policies, with their sources"),
)
"""Name, prefix of the keys, what follows it in each, and summary."""


def page_of(name: str, found: Iterable[tuple[str, Any]], limit: int) -> dict[str, Any]:
    """A page of items that come with their places; takes no more of them than it needs."""
    taken = list(islice(found, limit + 1))
    page: dict[str, Any] = {name: [item for _, item in taken[:limit]]}
    if len(taken) > limit:
        page["next"] = taken[limit - 1][0]
    return page


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
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(reader)])
    for name, prefix, kind, summary in LISTS:
        router.add_api_route(f"/{name}", _listing(chain, name, prefix, kind), methods=["GET"], summary=summary)

    @router.get("/accounts/{account}/balances", summary="What an account holds, in minor units by currency")
    async def balances(account: str, after: After = "", limit: Limit = LIMIT) -> Response:
        chain.ledger().account(account)
        check_after(after, CurrencyCode)
        found = _items(chain, records.balance_key(account, ""), after)
        page = page_of("balances", ((currency, (currency, value)) for currency, value in found), limit)
        return answer({"account": account, **page, "balances": dict(page["balances"])})

    @router.get("/assets/{asset}/grants", summary="Grants of a confidential asset that have not ended")
    async def grants(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        return answer(grants_page(chain, asset, after, limit))

    @router.get("/assets/{asset}/disputes", summary="Who has disputed an asset, and how it ended; by org")
    async def disputes(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        check_after(after, OrgName)
        found = _items(chain, records.dispute_key(chain.ledger().asset(asset).id, ""), after)
        return answer({"asset": asset, **page_of("disputes", found, limit)})

    return router


def grants_page(chain: Chain, asset: str, after: str, limit: int) -> dict[str, Any]:
    """A page of an asset's grants, by account. Ended ones are left out, so it may be short, and even empty."""
    chain.ledger().asset(asset)
    check_after(after, AccountName)
    page = page_of("grants", _items(chain, records.grant_key(asset, ""), after), limit)
    grants = [decode_trusted(value, records.Grant) for value in page["grants"]]
    return {"asset": asset, **page, "grants": [one for one in grants if one.until_ms > chain.committed.time_ms]}


def _listing(chain: Chain, name: str, prefix: str, kind: Any) -> Callable[..., Any]:
    async def listing(after: After = "", limit: Limit = LIMIT) -> Response:
        check_after(after, kind)
        return answer(page_of(name, _items(chain, prefix, after), limit))

    return listing


def _items(chain: Chain, prefix: str, after: str) -> Iterator[tuple[str, msgspec.Raw]]:
    for key, value in chain.state.items(prefix, after):
        yield key.removeprefix(prefix), msgspec.Raw(value)
