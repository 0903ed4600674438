"""Asking a node that may be away: again and again, with growing pauses, until it answers.

Only what may be asked twice is asked so. A signed transaction is committed once, however often it is sent.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from remarque.errors import Pending, RemarqueError
from remarque.requesting import UNREACHED, settles_nothing

log = logging.getLogger("generator.pulling")

T = TypeVar("T")

PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.5, 30.0
UNTRUSTED = "; SSL_CERT_FILE names a file with the root that its certificate is of"
AWAY = (*UNREACHED, ConnectionError)
"""How it shows that a node is away."""


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer, or a refusal that settles something."""
    pause = PAUSE_SECONDS
    while True:
        try:
            return await call()
        except Pending as error:
            log.warning("not settled yet: %s", error)
        except RemarqueError as error:
            if not settles_nothing(error):
                raise
            log.warning("the node cannot answer: %s", error)
        except AWAY as error:
            untrusted = "certificate" in str(error).lower()
            log.warning("the node is away: %s%s", error, UNTRUSTED if untrusted else "")
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311, so that workers do not come all at once
        pause = min(2 * pause, PAUSE_SECONDS_MAX)
