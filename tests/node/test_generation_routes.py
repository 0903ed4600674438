"""Generations at REST are their creator's: nobody else asks for them, and who may read no more is told no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

from asgi import answer_of, asked

from node.api.app import make_app
from node.api.examples import example
from node.api.member import Member
from node.api.pictures import generation_routes
from node.chain.chain import Chain
from node.generation.service import GenerationService
from remarque.api.generation import AskGeneration

CHAIN = cast(Chain, SimpleNamespace())


def test_nobody_asks_in_anothers_name() -> None:
    taken: list[str] = []

    def ask(given: AskGeneration) -> SimpleNamespace:
        taken.append(given.request.creator)
        return SimpleNamespace(id="ab" * 32, state="queued")

    body = example(AskGeneration)
    service = cast(GenerationService, SimpleNamespace(ask=ask))
    for account, status in (("eve@agency", 422), (body["request"]["creator"], 202)):
        member = Member(account, lambda: True)
        app = make_app("0", [generation_routes(service, CHAIN, lambda member=member: member)])
        found, _ = asyncio.run(answer_of(app, "POST", "/v1/generations", json.dumps(body).encode()))
        assert found == status, account

    assert taken == [body["request"]["creator"]]


def test_the_stream_of_a_generation_ends_with_the_right_to_read_it() -> None:
    told: list[bytes] = []

    async def follow(_: str) -> AsyncGenerator[bytes, None]:
        for part in (b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"):
            told.append(part)
            yield part

    progress = SimpleNamespace(follow=follow)
    service = cast(GenerationService, SimpleNamespace(progress=progress, job=lambda *_: SimpleNamespace(id="g")))
    member = Member("alice@studio", lambda: len(told) < 2)
    app = make_app("0", [generation_routes(service, CHAIN, lambda: member)])

    async def story() -> list[dict[str, Any]]:
        return [message async for message in asked(app, "GET", f"/v1/generations/{'ab' * 32}/events")]

    _, *parts = asyncio.run(story())
    assert b"".join(part["body"] for part in parts) == b"data: 1\n\n"
