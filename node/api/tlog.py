"""The log as witnesses and monitors of transparency logs follow it: tlog-tiles and tlog-checkpoint of C2SP.

Hashes are open, for a leaf's hash tells nothing of its entry; entries, which name transactions, are for members. Only
what is certified is served, so a tile never changes.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger.merkle_log import MerkleLog
from ledger.tiles import HEIGHT, WIDTH, Tile, bundle, parse_tile
from node.api.operations import OCTETS, OF_READERS, Given, operation
from node.api.problem import UNCACHED
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.entries import Entries
from node.chain.proving import Proving
from node.transparency.notes import Notes
from remarque.errors import NodeCode, NodeError

OF_LOG = (NodeCode.NOT_FOUND, NodeCode.NOTHING_CERTIFIED, NodeCode.BLOCK_PRUNED, NodeCode.OVERLOADED)
NOTE = "studio-3f1c22d0\n42\n<root of the log, base64>\n\n— node1 <signature, base64>\n"
"""What a note looks like."""
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=60"
"""A partial tile does not change either, but is not asked for again once it is full."""


def routes(log: MerkleLog, entries: Entries, proving: Proving, notes: Notes, reader: Reader) -> APIRouter:
    """The tiled log's routes."""
    router = make_router("/v1/tlog", "open")

    @router.get("/checkpoint", summary="The newest certified header as a C2SP signed note, by all nodes that answer")
    @operation(
        Given(bytes, media="text/plain", meaning="A signed note.", example=NOTE),
        refuses=OF_LOG,
    )
    async def checkpoint() -> Response:
        """C2SP tlog-checkpoint: its origin is the chain's name, and each node signs it with its own key."""
        headers = {"Cache-Control": "no-cache"}
        return Response(await notes.checkpoint(), media_type="text/plain; charset=utf-8", headers=headers)

    @router.get("/tile/{path:path}", summary="A tile of the log: <level>/<number>[.p/<width>], or entries/<number>…")
    @operation(
        Given(bytes, media=OCTETS, meaning="Hashes of 32 bytes each, or a bundle of entries."),
        refuses=(*OF_LOG, *OF_READERS),
    )
    async def tile(request: Request, path: str) -> Response:
        """C2SP tlog-tiles, of height 8. A tile never changes. Tiles of hashes are open; bundles of entries, which name
        transactions, need a session or a signed request.
        """
        asked = parse_tile(path)
        if asked is not None and asked.level is None:
            await reader(request)
        size = proving.newest().log_size
        if asked is None or asked.end > size >> (HEIGHT * (asked.level or 0)):
            raise NodeError(NodeCode.NOT_FOUND, f"there is no tile {path[:80]} in a log of {size} leaves; see the spec")
        lasting = FOR_EVER if asked.width == WIDTH else FOR_A_WHILE
        headers = {"Cache-Control": UNCACHED if asked.level is None else lasting}
        return Response(await content(asked), media_type=OCTETS, headers=headers)

    async def content(asked: Tile) -> bytes:
        if asked.level is None:
            return bundle(await entries.between(asked.start, asked.end))
        return log.subtree_roots(HEIGHT * asked.level, asked.start, asked.end)

    return router
