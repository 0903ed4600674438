"""An asset's history: every transaction about it or its token, oldest first, a page at a time.

Oldest first, because what is final stays: a page that is full is the same for ever, and what happens later comes after
the last place seen. A page may touch as many blocks as it has transactions; each is decoded in a turn of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter
from msgspec import UNSET, Meta
from starlette.responses import Response

from ledger.errors import Code
from ledger.execution.holding import token_id
from node.api.bodies import answer, encoded
from node.api.lists import LIMIT, After, Limit, check_after, page_of
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Place, Reading
from remarque.api.assets import HistoryPage, HistoryRow
from remarque.errors import NodeCode

HistoryPlace = Annotated[str, Meta(pattern=r"^[0-9]{1,15}\.[0-9]{1,9}\Z")]
"""`height.position` of a transaction."""


def routes(chain: Chain, reading: Reading, reader: Reader) -> APIRouter:
    """The history's route."""
    router = make_router("/v1", "ledger", reader)

    @router.get("/assets/{asset}/history", summary="Every transaction about an asset or its token, oldest first")
    @operation(HistoryPage, refuses=(Code.ASSET_UNKNOWN, NodeCode.BLOCK_PRUNED), after=HistoryPlace)
    async def history(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Carried out or refused. What was read of it stays as it is; what happens later comes after it."""
        return answer(await history_page(chain, reading, asset, after, limit))

    return router


async def history_page(chain: Chain, reading: Reading, asset: str, after: str, limit: int) -> HistoryPage:
    """A page of an asset's history."""
    check_after(after, HistoryPlace)
    height, _, position = (after or "0.0").partition(".")
    oldest = chain.finals.oldest
    places, more = page_of(places_about(chain, asset, max((int(height), int(position)), (oldest, 2**31))), limit)
    rows = await reading.each(places, row)
    return HistoryPage(history=tuple(rows), next=more, blocks_from=oldest + 1 if oldest else UNSET)


def places_about(chain: Chain, asset: str, after: Place) -> Iterator[tuple[str, Place]]:
    """Places of the transactions about an asset or its token, each with its name; read as far as they are taken.

    Those about a token that is not minted yet count too: they are refused, but what is shown must not change later.
    """
    subjects = (chain.ledger().asset(asset).id, token_id(asset))
    for (height, position), _ in groupby(merge(*(chain.state.history(subject, after) for subject in subjects))):
        yield f"{height}.{position}", (height, position)


def row(final: Final, position: int) -> HistoryRow:
    """A transaction as the history shows it, encoded."""
    signed, outcome = final.block.transactions[position], final.results.outcomes[position]
    return encoded(
        HistoryRow(
            transaction=signed.id,
            height=final.block.header.height,
            position=position,
            time_ms=final.block.header.time_ms,
            signer=signed.transaction.signers[0].account,
            actions=signed.transaction.actions,
            code=outcome.code,
            detail=final.results.details[position],
            events=outcome.events,
            decisions=outcome.decisions,
        )
    )
