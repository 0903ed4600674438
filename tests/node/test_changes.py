"""Waiting for what others change: whoever looked before it changed hears of it, however late they begin to wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from attested import MODEL, openings
from consortium import key_of
from msgspec.structs import replace
from written_chain import WrittenChain

from ledger import crypto
from ledger.encoding import encode
from ledger.generation import GenerationRequest
from node.content.at_rest import AtRest
from node.generation.jobs import JobStore
from node.generation.progress import JobProgress
from node.ground.changes import ChangeCounter
from remarque.api.generation import DONE, QUEUED, RUNNING

SOON, NEVER = 5.0, 0.01
"""Seconds to wait for what is about to come, and for what is not."""


def test_a_change_between_looking_and_waiting_is_not_missed() -> None:
    async def story() -> tuple[bool, bool]:
        changes = ChangeCounter()
        seen = changes.count
        changes.tell()
        return await changes.after(seen, NEVER), await changes.after(changes.count, NEVER)

    assert asyncio.run(story()) == (True, False)


def test_all_who_wait_are_woken_by_one_change() -> None:
    async def story() -> list[bool]:
        changes = ChangeCounter()
        waiting = [asyncio.create_task(changes.after(0, SOON)) for _ in range(3)]
        await asyncio.sleep(0)
        changes.tell()
        return await asyncio.gather(*waiting)

    assert asyncio.run(story()) == [True, True, True]


def test_followers_are_called_in_order_once_the_state_is_committed(tmp_path: Path) -> None:
    written, told = WrittenChain(tmp_path), []
    commits = written.chain.commits
    for name in ("first", "second"):
        commits.follow(lambda layers, name=name: told.append((name, len(layers), written.chain.committed.height)))

    written.block(certified=False)
    written.block()

    assert told == [("first", 2, 2), ("second", 2, 2)]
    assert commits.count == 1


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs", AtRest(key_of("node1")))


def a_request() -> GenerationRequest:
    return GenerationRequest(
        chain="chain",
        creator="bob@agency",
        key=key_of("bob@agency").public,
        generator="studio",
        model=MODEL,
        count=1,
        confidential=False,
        commitments=openings().commitments(),
        valid_until_ms=1,
        nonce="0" * 32,
    )


def test_a_generations_end_is_told_at_once_though_it_comes_while_its_follower_is_busy(jobs: JobStore) -> None:
    request = a_request()
    signature = key_of("bob@agency").sign(crypto.GENERATION_REQUEST, encode(request))
    job, progress = jobs.add(request, signature, openings()), JobProgress(jobs)

    async def story() -> list[bytes]:
        stream = progress.follow(job.id)
        told = [await anext(stream)]
        progress.changed(jobs.change(job.id, lambda now: replace(now, state=RUNNING)))
        told.append(await anext(stream))
        progress.changed(jobs.change(job.id, lambda now: replace(now, state=DONE)))
        async with asyncio.timeout(SOON):
            return [*told, *[frame async for frame in stream]]

    told = asyncio.run(story())
    jobs.close()

    assert [msgspec.json.decode(frame.removeprefix(b"data: "))["state"] for frame in told] == [QUEUED, RUNNING, DONE]
