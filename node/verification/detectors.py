"""Other people's detectors, asked beside everything else: what they say is told as theirs, and decides nothing.

A detector is a service that an operator names: of a provider whose marks nobody else can read, or of a classifier. It
is sent the picture and answers what it thinks. How often it errs is for its provider to declare; that is told with each
answer. It takes no part in the verdict, for nothing here can check it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

import aiohttp
import msgspec
from msgspec import Meta

from node.ground.config import DetectorSection
from node.ground.logs import Seldom
from remarque.api.verification import DetectorSays

SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 4_096

_failed = Seldom("detector_failed")


class DetectorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector answers, as JSON."""

    says: Literal["ai", "human", "unknown"]
    confidence_ppm: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    evidence: Annotated[str, Meta(max_length=300)] = ""


class Detectors:
    """The detectors of a node."""

    def __init__(self, sections: Sequence[DetectorSection]) -> None:
        self._sections = sections

    async def say(self, picture: bytes) -> tuple[DetectorSays, ...]:
        """What each says of a picture's file; one that does not answer in time says that."""
        if not self._sections:
            return ()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS_MAX)) as session:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(_asked(session, section, picture)) for section in self._sections]
            return tuple(task.result() for task in asked)


async def _asked(session: aiohttp.ClientSession, section: DetectorSection, picture: bytes) -> DetectorSays:
    try:
        async with session.post(
            section.url, data=picture, headers={"Content-Type": "application/octet-stream"}, allow_redirects=False
        ) as response:
            said = await response.content.read(ANSWER_BYTES_MAX + 1)
            if response.status != 200 or len(said) > ANSWER_BYTES_MAX:
                raise ValueError(f"it answers {response.status} with {len(said)} bytes or more")
            found = msgspec.json.decode(said, type=DetectorAnswer)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as error:
        _failed.warning(detector=section.name, reason=f"{type(error).__name__}: {error}"[:200])
        return DetectorSays(
            name=section.name, says="no_answer", confidence_ppm=0, evidence="", declared=section.declared
        )
    return DetectorSays(
        name=section.name,
        says=found.says,
        confidence_ppm=found.confidence_ppm,
        evidence=found.evidence,
        declared=section.declared,
    )
