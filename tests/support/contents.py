"""A node's content without the node: another member that has some blocks, and the face that content has at REST."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from consortium import key_of
from written_chain import WrittenChain

from node.api.app import make_app
from node.api.content import content_routes, upload_routes
from node.api.member import Member
from node.content.at_rest import AtRest
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.decoding.lanes import Lane


class OtherMember:
    """The peers, of which one has some blocks."""

    def __init__(self, store: Blockstore) -> None:
        self.connected: set[str] = {"node2"}
        self._store = store

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        return await self._store.aside(self._store.block, path.rpartition("/")[2])

    def caller(self, request: object) -> str:
        return "node2"

    async def stream(self, request: object) -> None:
        raise NotImplementedError


async def until_here(store: Blockstore, cid: str) -> None:
    async with asyncio.timeout(60):
        while await store.aside(store.missing, cid):
            await asyncio.sleep(0)


def an_opening_store(path: Path) -> OpeningStore:
    return OpeningStore(path / "openings", AtRest(key_of("node1")))


def a_face(written: WrittenChain, store: Blockstore, members: Lane | None = None, account: str = "alice@studio") -> Any:
    """The REST application with the content's routes; those that store pictures only with a lane."""
    room, member = SimpleNamespace(check_room=lambda: None), Member(account, lambda: True)

    async def none(*_: object) -> tuple[str, ...]:
        return ()

    copies, similar = SimpleNamespace(before_it_is_answered=none), SimpleNamespace(similar=none)

    routes = [content_routes(store, lambda: member)]
    uploads = (
        []
        if members is None
        else [upload_routes(members, similar, store, room, SimpleNamespace(), copies, lambda: member)]
    )
    return make_app("0", [*routes, *uploads])
