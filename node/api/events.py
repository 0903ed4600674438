"""The feed of what happened, as server-sent events, resumable from any place.

An event's id is `height.position.number`. A client that was cut off sends the last id it saw as `Last-Event-ID` (or
`after=`) and misses nothing; without one it starts at the present.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from ledger.encoding import encode
from ledger.names import org_of
from node.api.member import Member, asker
from node.api.operations import EVENTS, Given, operation
from node.api.problem import refusal
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from remarque.api.chain import ChainEvent
from remarque.errors import NodeCode, NodeError

KEEPALIVE_SECONDS = 15.0
SUBSCRIBERS_MAX = 256
ORG_SUBSCRIBERS_MAX = SUBSCRIBERS_MAX // 2
ACCOUNT_SUBSCRIBERS_MAX = 16
"""Streams of one account, or where reads are open to all, of one address."""
BLOCKS_AT_ONCE = 256
FRAMED_BLOCKS_MAX = 4
AFTER_ALL = 1 << 30
"""A position after every transaction of a block."""

EventId = Annotated[str, Meta(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15}){0,2}\Z")]
EventPlace = tuple[int, int, int]
"""Height of its block, position of its transaction there, and its number among that one's events."""


class Feed:
    """What happened, for subscribers. Nothing is held for any of them: each reads the chain for itself."""

    def __init__(self, chain: Chain, reading: Reading) -> None:
        self._chain = chain
        self._reading = reading
        self._frames: dict[int, list[tuple[EventPlace, bytes]]] = {}
        self._open: Counter[str] = Counter()
        """Streams by who follows."""

    @contextmanager
    def place(self, who: str) -> Iterator[None]:
        """Take a place for a stream, or refuse: an account has so many, whatever the others leave free."""
        if self._open[who] >= ACCOUNT_SUBSCRIBERS_MAX:
            raise NodeError(NodeCode.ACCOUNT_BUSY, f"{ACCOUNT_SUBSCRIBERS_MAX} streams of {who} are open; close one", 5)
        of_org = sum(count for one, count in self._open.items() if org_of(one) == org_of(who))
        if org_of(who) and of_org >= ORG_SUBSCRIBERS_MAX:
            raise NodeError(NodeCode.ACCOUNT_BUSY, f"{of_org} streams of {org_of(who)} are open; close one", 5)
        if self._open.total() >= SUBSCRIBERS_MAX:
            raise NodeError(NodeCode.OVERLOADED, f"{SUBSCRIBERS_MAX} streams are open at this node; ask another", 5)
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def follow(self, after: EventPlace) -> AsyncGenerator[bytes, None]:
        """Frames of all events after a place, a block's together, for ever, with comments to keep the line open."""
        while True:
            seen = self._chain.commits.count
            last = min(self._chain.committed.height, after[0] + BLOCKS_AT_ONCE)
            for height in range(max(1, after[0]), last + 1):
                frames = await self._reading.piece(self._frames_of, height)
                wanted = b"".join(frame for place, frame in frames if place > after)
                if wanted:
                    yield wanted
                after = max(after, (height, AFTER_ALL, 0))
            if last < self._chain.committed.height:
                continue
            if not await self._chain.commits.after(seen, KEEPALIVE_SECONDS):
                yield b": keep-alive\n\n"

    def _frames_of(self, height: int) -> list[tuple[EventPlace, bytes]]:
        """Frames of a block's events, made once for the subscribers that follow the chain together."""
        if height not in self._frames:
            self._frames[height] = events_of(self._chain.finals.at(height))
            while len(self._frames) > FRAMED_BLOCKS_MAX:
                del self._frames[next(iter(self._frames))]
        return self._frames[height]


def events_of(final: Final) -> list[tuple[EventPlace, bytes]]:
    """Frames of a block's events, each with its place."""
    found = []
    height = final.block.header.height
    for position, signed in enumerate(final.block.transactions):
        for number, event in enumerate(final.results.outcomes[position].events):
            data = encode(ChainEvent(transaction=signed.id, height=height, event=event))
            name = f"{height}.{position}.{number}".encode()
            found.append(((height, position, number), b"id: " + name + b"\ndata: " + data + b"\n\n"))
    return found


class Subscription(StreamingResponse):
    """A stream that holds a place for as long as it is sent, and is refused where there is none."""

    def __init__(self, parts: AsyncIterator[bytes], feed: Feed, who: str) -> None:
        super().__init__(parts, media_type=EVENTS)
        self._feed = feed
        self._who = who

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            with self._feed.place(self._who):
                await super().__call__(scope, receive, send)
        except NodeError as error:
            await refusal(error)(scope, receive, send)


def routes(feed: Feed, chain: Chain, reader: Reader) -> APIRouter:
    """The feed's route."""
    router = make_router("/v1", "events", reader)

    @router.get("/events", summary="What happens, as server-sent events; resume with Last-Event-ID or after=")
    @operation(
        Given(ChainEvent, media=EVENTS, meaning="One event a frame: `id` is its place, `data` a ChainEvent."),
        refuses=(NodeCode.BLOCK_PRUNED,),
        after=EventId,
    )
    async def events(
        request: Request,
        after: str = "",
        last_event_id: Annotated[str, Header()] = "",
        member: Member = Depends(reader),
    ) -> Response:
        """The stream ends when who asked may no longer read. Without `after` and `Last-Event-ID` it begins at the
        present; with one of them it goes on behind that event, or at the beginning of a height. The header field
        counts if both are there.
        """
        start = last_event_id or after
        place = parse_place(start) if start else (chain.committed.height, AFTER_ALL, 0)
        if place[0] < chain.finals.oldest:
            raise NodeError(
                NodeCode.BLOCK_PRUNED, f"this node keeps events from block {chain.finals.oldest} on; ask another"
            )
        return Subscription(member.while_in_force(feed.follow(place)), feed, asker(request, member))

    return router


def parse_place(text: str) -> EventPlace:
    """Place from `height.position.number`; a height alone means its beginning."""
    parts = text.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdecimal() and len(part) < 16 for part in parts):
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{text[:40]!r} is not an event's id; send one as it came")
    numbers = [int(part) for part in parts] + [-1, -1]
    return numbers[0], numbers[1], numbers[2]
