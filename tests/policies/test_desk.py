"""Policies that members bring are looked at off the loop, one at a time, and few of one account."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from node.policies.desk import ACCOUNT_WAITING_MAX, WAITING_MAX, Desk
from remarque.errors import NodeError


def test_an_account_has_few_waiting_and_all_together_have_some() -> None:
    async def story() -> None:
        desk, go_on = Desk(), threading.Event()
        names = [f"a{number}@studio" for number in range(WAITING_MAX // ACCOUNT_WAITING_MAX)]
        running = [
            asyncio.create_task(desk.done(name, go_on.wait)) for name in names for _ in range(ACCOUNT_WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(NodeError, match="ACCOUNT_BUSY"):
            await desk.done(names[0], int)
        with pytest.raises(NodeError, match="OVERLOADED"):
            await desk.done("late@studio", int)

        go_on.set()
        assert await asyncio.gather(*running) == [True] * WAITING_MAX
        assert await desk.done("late@studio", int, "7") == 7

    asyncio.run(story())


def test_one_is_looked_at_at_a_time_and_a_refusal_comes_back() -> None:
    seen: list[int] = []
    working = threading.Lock()

    def work() -> None:
        assert working.acquire(blocking=False), "another is looked at"
        time.sleep(0.02)
        working.release()
        seen.append(threading.get_ident())
        raise ValueError("no policy")

    async def story() -> list[object]:
        desk = Desk()
        return await asyncio.gather(*(desk.done(f"{name}@studio", work) for name in "abc"), return_exceptions=True)

    assert [str(one) for one in asyncio.run(story())] == ["no policy"] * 3
    assert threading.get_ident() not in seen
