"""A node's logs: one JSON object a line on standard error, an event's name and its facts. `structlog` writes them.

What libraries log by the standard `logging` module comes out in the same form.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog

TELL_SECONDS = 1.0
SELDOM_SECONDS = 60.0

T = TypeVar("T")

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("remarque")
"""`logger.info("event", fact=value)`."""


def configure(level: str) -> None:
    """Send all logs of this process to standard error as JSON lines."""
    both: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *both, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=both,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("uvicorn.access", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Seldom:
    """A warning that whoever connects can cause: told once a minute at most, with how often it came in between."""

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._told = float("-inf")
        self._untold = 0

    def warning(self, **facts: object) -> None:
        self._untold += 1
        if self._clock() - self._told >= SELDOM_SECONDS:
            self._told = self._clock()
            logger.warning(self._event, times=self._untold, **facts)
            self._untold = 0


def progress(event: str, items: Iterable[T], clock: Callable[[], float] = time.monotonic) -> Iterator[T]:
    """The items, unchanged; once a second a line tells how many were taken, so that a long start is seen to go on."""
    told = clock()
    for count, item in enumerate(items):
        if clock() - told >= TELL_SECONDS:
            told = clock()
            logger.info(event, done=count)
        yield item
