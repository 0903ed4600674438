"""For a member who trusts no operator, not even their own: the state with proofs, and the chain to run again."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse

from ledger.state_answer import KEYS_MAX
from node.api.bodies import answer
from node.api.readers import Reader
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.keeping.archive import check_kept, from_chain
from remarque.errors import NodeCode, NodeError

KEY_LENGTH_MAX = 512


def routes(chain: Chain, reading: Reading, reader: Reader) -> APIRouter:
    """The proofs' routes."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(reader)])

    @router.get("/state", summary="What stands under keys of the state, or that nothing does, with proofs")
    async def state(key: list[str] = Query()) -> Response:  # noqa: B008, how FastAPI takes a repeated parameter
        check_keys(key)
        return answer(await reading.piece(chain.state_answer, list(dict.fromkeys(key))))

    @router.get("/archive", summary="The chain as an archive for auditors: blocks above a height, 64 at a time")
    async def archive(after: int = Query(0, ge=0)) -> Response:
        check_kept(chain, after)
        return StreamingResponse(from_chain(chain, reading, after), media_type="application/x-ndjson")

    return router


def check_keys(keys: list[str]) -> None:
    """Refuse too many keys of the state, or too long ones."""
    if not 1 <= len(keys) <= KEYS_MAX or not all(1 <= len(one) <= KEY_LENGTH_MAX for one in keys):
        detail = f"{len(keys)} keys; ask for 1 to {KEYS_MAX}, each of 1 to {KEY_LENGTH_MAX} characters"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail)
