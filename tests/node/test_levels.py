"""Reads that wait for a height: bounded for an account, and not for a height that is out of reach."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.api import levels
from node.api.levels import AHEAD_MAX, Levels
from remarque.errors import NodeError


def a_node() -> Levels:
    """Levels of a node at height 5 whose leader has told it of nothing newer, and where nothing becomes final."""
    header = SimpleNamespace(height=5, time_ms=0)
    commits = SimpleNamespace(count=0, after=lambda count, seconds: asyncio.sleep(seconds))
    chain = SimpleNamespace(committed=header, tip=header, commits=commits)
    return Levels(cast(Any, SimpleNamespace(chain=chain, freshness=SimpleNamespace(behind=0))))


def wait(node: Levels, account: str, height: int) -> Any:
    return node.wait(cast(Any, SimpleNamespace(state=SimpleNamespace())), account, height, None)


def test_an_account_has_so_many_reads_that_wait_and_others_have_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "ACCOUNT_WAITS_MAX", 2)
    monkeypatch.setattr(levels, "WAIT_SECONDS_MAX", 0.05)

    async def story() -> list[str]:
        node = a_node()
        asked = [wait(node, account, 6) for account in ("a@x", "a@x", "a@x", "b@x")]
        found = [str(one).partition(":")[0] for one in await asyncio.gather(*asked, return_exceptions=True)]
        assert not node._waits
        return found

    reached = "HEIGHT_NOT_REACHED"
    assert asyncio.run(story()) == [reached, reached, "ACCOUNT_BUSY", reached]


def test_what_is_out_of_reach_is_not_waited_for() -> None:
    async def story() -> None:
        async with asyncio.timeout(0.5):
            await wait(a_node(), "a@x", 5 + AHEAD_MAX + 1)

    with pytest.raises(NodeError, match="HEIGHT_NOT_REACHED"):
        asyncio.run(story())
