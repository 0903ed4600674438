"""For a member who trusts no operator, not even their own: the state with proofs, and the chain to run again."""

from __future__ import annotations

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from ledger.state_answer import KEYS_MAX, StateAnswer
from node.api.bodies import answer
from node.api.meanings import KEY_LENGTH_MAX
from node.api.operations import Given, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.keeping.archive import check_kept, from_chain
from remarque.errors import NodeCode, NodeError

ARCHIVE = '{"archive":1,"chain":"studio-3f1c22d0"}\n'
"""How an archive begins."""


def routes(chain: Chain, reading: Reading, reader: Reader) -> APIRouter:
    """The proofs' routes."""
    router = make_router("/v1", "ledger", reader)

    @router.get("/state", summary="What stands under keys of the state, or that nothing does, with proofs")
    @operation(StateAnswer, refuses=(NodeCode.NOTHING_CERTIFIED,))
    async def state(key: list[str] = Query()) -> Response:  # noqa: B008, how FastAPI takes a repeated parameter
        """Up to 64 keys. The proofs lead to the newest certified header: check them with the genesis, and trust no
        node.
        """
        check_keys(key)
        return answer(await reading.piece(chain.state_answer, list(dict.fromkeys(key))))

    @router.get("/archive", summary="The chain as an archive for auditors: blocks above a height, 64 at a time")
    @operation(
        Given(
            bytes,
            media="application/x-ndjson",
            meaning="One entry a line; docs/audit.md describes them.",
            example=ARCHIVE,
        ),
        refuses=(NodeCode.BLOCK_PRUNED,),
    )
    async def archive(after: int = Query(0, ge=0)) -> Response:
        """Blocks with their certificates, for `remarque audit` to run again. Ask on from the last height that came."""
        check_kept(chain, after)
        return StreamingResponse(from_chain(chain, reading, after), media_type="application/x-ndjson")

    return router


def check_keys(keys: list[str]) -> None:
    """Refuse too many keys of the state, or too long ones."""
    if not 1 <= len(keys) <= KEYS_MAX or not all(1 <= len(one) <= KEY_LENGTH_MAX for one in keys):
        detail = f"{len(keys)} keys; ask for 1 to {KEYS_MAX}, each of 1 to {KEY_LENGTH_MAX} characters"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail)
