"""The Pinning Service API of IPFS (1.0): what administrators of the node's org have it keep, recorded or not.

Its paths stand behind a prefix of their own, which clients are given as the service's address. A refusal is what it is
everywhere, and says the same once more under `error`, where clients of this API look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from msgspec import UNSET, Meta
from starlette.responses import Response

from ledger.encoding import NOT_DECODED
from ledger.errors import Code, LedgerError
from node.api.bodies import answer, read_json
from node.api.copies import check_administrator
from node.api.meanings import MEANINGS, Meaning
from node.api.member import Member
from node.api.operations import Given, Sent, operation
from node.api.problem import refusal
from node.api.readers import Reader
from node.api.routing import Route
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.exchange.pins import Pin, Pins
from remarque.api.pinning import AskPin, PinnedFile, PinResults, PinStatus
from remarque.errors import NodeCode, NodeError

REFUSES = (Code.ROLE_MISSING, Code.ACCOUNT_UNKNOWN)
RESULTS_MAX, RESULTS_DEFAULT = 1_000, 10
CIDS_MAX = 10
STATES = ("queued", "pinning", "pinned", "failed")
Match = Literal["exact", "iexact", "partial", "ipartial"]
MATCHES: dict[Match, Callable[[str, str], bool]] = {
    "exact": lambda name, wanted: name == wanted,
    "iexact": lambda name, wanted: name.casefold() == wanted.casefold(),
    "partial": lambda name, wanted: wanted in name,
    "ipartial": lambda name, wanted: wanted.casefold() in name.casefold(),
}
_CIDS = r"^baf[a-z2-7]{56}(,baf[a-z2-7]{56}){0,9}\Z"
_STATES = r"^(queued|pinning|pinned|failed)(,(queued|pinning|pinned|failed)){0,3}\Z"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
_OF_PINS = {
    "after": Meaning(Annotated[str, Meta(pattern=_TIME)], "Only what was asked for after a time (RFC 3339)."),
    "before": Meaning(Annotated[str, Meta(pattern=_TIME)], "Only what was asked for before a time (RFC 3339)."),
    "cid": Meaning(Annotated[str, Meta(pattern=_CIDS)], "Only these content ids, with commas between: ten at most."),
    "match": Meaning(None, "How `name` is compared: whole or a part, with or without regard to capitals."),
    "meta": Meaning(
        Annotated[str, Meta(max_length=2_000)], "Only what has all these notes: a JSON object of text to text."
    ),
    "name": Meaning(Annotated[str, Meta(max_length=255)], "Only what has this name, by `match`."),
    "requestid": Meaning(Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")], "A pin's id."),
    "status": Meaning(
        Annotated[str, Meta(pattern=_STATES)],
        "Only pins in these states, with commas between; not given: `pinned`, and with `cid` or `name` all.",
    ),
}


class PinRoute(Route):
    """A route whose parameters and refusals are those of the Pinning Service API."""

    meanings: Mapping[str, Meaning] = MEANINGS | _OF_PINS

    def refused(self, error: LedgerError | NodeError) -> Response:
        response = refusal(error)
        told: dict[str, Any] = msgspec.json.decode(response.body)
        told["error"] = {"reason": told["code"], "details": told["detail"]}
        response.body = msgspec.json.encode(told)
        response.headers["Content-Length"] = str(len(response.body))
        return response


class PinFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which pins are wanted."""

    cids: frozenset[str]
    """Empty: all."""
    name: str | None
    match: Match
    states: frozenset[str]
    before_ms: float
    after_ms: float
    meta: dict[str, str]

    def takes(self, pin: Pin) -> bool:
        asked = pin.asked
        return (
            pin.status in self.states
            and (not self.cids or asked.cid in self.cids)
            and (self.name is None or (asked.name is not UNSET and MATCHES[self.match](asked.name, self.name)))
            and self.after_ms < pin.created_ms < self.before_ms
            and self.meta.items() <= asked.meta.items()
        )


def routes(chain: Chain, pins: Pins, reader: Reader, delegate: str) -> APIRouter:
    """`delegate`: where this node is reached, as a multiaddr."""
    router = make_router("/pinning", "ipfs", reader, route=PinRoute)

    def told(pin: Pin, status: int = 200) -> Response:
        return answer(status_of(pin, delegate), status)

    @router.get("/pins", summary="What is pinned")
    @operation(PinResults, refuses=REFUSES)
    async def listed(
        cid: str | None = None,
        name: str | None = None,
        match: Match = "exact",
        status: str | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: Annotated[int, Query(ge=1, le=RESULTS_MAX)] = RESULTS_DEFAULT,
        meta: str | None = None,
        member: Member = Depends(reader),
    ) -> Response:
        """The newest first; for the next ones ask `before` the oldest of these. For administrators of the org."""
        check_administrator(chain, member)
        wanted = PinFilter(
            cids=frozenset(cid.split(",")) if cid else frozenset(),
            name=name,
            match=match,
            states=frozenset(status.split(",") if status else STATES if cid or name else ("pinned",)),
            before_ms=_time_ms(before, "before") if before else float("inf"),
            after_ms=_time_ms(after, "after") if after else 0,
            meta=_notes(meta) if meta else {},
        )
        found = [pin for pin in pins.newest_first() if wanted.takes(pin)]
        results = tuple(status_of(pin, delegate) for pin in found[:limit])
        return answer(PinResults(count=len(found), results=results))

    @router.post("/pins", summary="Keep a file whatever becomes of its record")
    @operation(Given(PinStatus, 202), sent=Sent(AskPin, "The file."), refuses=REFUSES)
    async def add(request: Request, member: Member = Depends(reader)) -> Response:
        """What no record names is deleted after a day, here and in all depots, unless it is pinned. What is not here is
        fetched from members or depots. For administrators of the node's org.
        """
        check_administrator(chain, member)
        return told(await pins.add(await read_json(request, AskPin)), 202)

    @router.get("/pins/{requestid}", summary="How a pin is")
    @operation(PinStatus, refuses=(*REFUSES, NodeCode.NOT_FOUND))
    async def one(requestid: str, member: Member = Depends(reader)) -> Response:
        """For administrators of the node's org."""
        check_administrator(chain, member)
        return told(pins.get(requestid))

    @router.post("/pins/{requestid}", summary="Keep another file instead")
    @operation(Given(PinStatus, 202), sent=Sent(AskPin, "The other file."), refuses=(*REFUSES, NodeCode.NOT_FOUND))
    async def replace(request: Request, requestid: str, member: Member = Depends(reader)) -> Response:
        """In one step. The new pin has another id. For administrators of the node's org."""
        check_administrator(chain, member)
        return told(await pins.add(await read_json(request, AskPin), requestid), 202)

    @router.delete("/pins/{requestid}", summary="Keep a file only as long as a record names it, or another pin")
    @operation(Given(None, 202, meaning="It is pinned no longer."), refuses=(*REFUSES, NodeCode.NOT_FOUND))
    async def remove(requestid: str, member: Member = Depends(reader)) -> Response:
        """For administrators of the node's org."""
        check_administrator(chain, member)
        await pins.remove(requestid)
        return Response(status_code=202)

    return router


def status_of(pin: Pin, delegate: str) -> PinStatus:
    """A pin as it is told."""
    asked = pin.asked
    created = datetime.fromtimestamp(pin.created_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    return PinStatus(
        requestid=pin.requestid,
        status=pin.status,
        created=created.replace("+00:00", "Z"),
        pin=PinnedFile(cid=asked.cid, name=asked.name, origins=asked.origins, meta=asked.meta),
        delegates=(delegate,),
        info={"status_details": pin.why} if pin.why else {},
    )


def _time_ms(text: str, name: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() * 1_000
    except ValueError:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{name}={text[:40]!r} is no time") from None


def _notes(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except NOT_DECODED:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"meta={text[:40]!r} is no JSON object of text to text") from None
