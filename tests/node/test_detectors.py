"""What others' detectors say is told as theirs, whatever they answer."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from node.ground.config import DetectorSection
from node.verification.detectors import ANSWER_BYTES_MAX, Detectors
from remarque.api.verification import DetectorSays

SAYS_AI = b'{"says":"ai","confidence_ppm":930000,"evidence":"a mark of its own","more":1}'


def told(body: bytes, status: int = 200) -> DetectorSays:
    async def story() -> DetectorSays:
        async def answered(request: web.Request) -> web.Response:
            assert await request.read() == b"a picture"
            return web.Response(body=body, status=status, headers={"Location": "http://127.0.0.1:1/"})

        application = web.Application()
        application.router.add_post("/", answered)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            section = DetectorSection(name="theirs", url=url, declared="errs once in a hundred")
            [found] = await Detectors((section,)).say(b"a picture")
            return found
        finally:
            await runner.cleanup()

    return asyncio.run(story())


def test_a_detectors_answer_is_told_with_what_its_provider_declares() -> None:
    assert told(SAYS_AI) == DetectorSays(
        name="theirs",
        says="ai",
        confidence_ppm=930_000,
        evidence="a mark of its own",
        declared="errs once in a hundred",
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b'{"says":"certainly"}', 200),
        (b'{"says":"ai","confidence_ppm":1000001}', 200),
        (b'{"says":"ai","evidence":"' + b"x" * 301 + b'"}', 200),
        (b" " * ANSWER_BYTES_MAX + SAYS_AI, 200),
        (SAYS_AI, 500),
        (SAYS_AI, 302),
    ],
)
def test_whatever_else_it_answers_is_no_answer(body: bytes, status: int) -> None:
    assert told(body, status).says == "no_answer"


def test_one_that_is_not_there_is_no_answer() -> None:
    section = DetectorSection(name="theirs", url="http://127.0.0.1:1/")

    [found] = asyncio.run(Detectors((section,)).say(b""))

    assert found.says == "no_answer"
