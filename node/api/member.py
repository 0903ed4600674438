"""A member that asks, for as long as it may."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import NamedTuple

from fastapi import Request

from node.ground.doors import whose


def asker(request: Request, member: Member | None) -> str:
    """Whom an answer counts for: the account, or for want of one the address."""
    address = whose(request.client.host) if request.client else ""
    return address if member is None else member.account or address


class Member(NamedTuple):
    """Who asks, and whether that still holds."""

    account: str
    """Empty if this chain's reads are open to all."""
    in_force: Callable[[], bool]
    """Asked again before each part of an answer that goes on: keys are revoked, accounts suspended, sessions over."""

    async def while_in_force(self, parts: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
        """The parts of an answer, up to the first that the member may no longer have."""
        async with aclosing(parts):
            async for part in parts:
                if not self.in_force():
                    return
                yield part
