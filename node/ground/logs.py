"""JSON logs: one object a line on standard error, an event's name and its facts."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

TELL_SECONDS = 1.0

T = TypeVar("T")


class JsonLog:
    """Writes structured events through the standard `logging` module."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **facts: Any) -> None:
        self._logger.info(event, extra={"facts": facts})

    def warning(self, event: str, **facts: Any) -> None:
        self._logger.warning(event, extra={"facts": facts})

    def error(self, event: str, **facts: Any) -> None:
        self._logger.error(event, extra={"facts": facts})

    def critical(self, event: str, **facts: Any) -> None:
        self._logger.critical(event, extra={"facts": facts})

    def exception(self, event: str, **facts: Any) -> None:
        """An error with the traceback of the exception being handled."""
        self._logger.exception(event, extra={"facts": facts})


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure(level: str) -> None:
    """Send all logs of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("uvicorn.access", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


log = JsonLog("remarque")


def progress(event: str, items: Iterable[T], clock: Callable[[], float] = time.monotonic) -> Iterator[T]:
    """The items, unchanged; once a second a line tells how many were taken, so that a long start is seen to go on."""
    told = clock()
    for count, item in enumerate(items):
        if clock() - told >= TELL_SECONDS:
            told = clock()
            log.info(event, done=count)
        yield item
