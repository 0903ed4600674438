"""The worker of this process in a thread of its own, for programs with an event loop: a pipeline blocks for seconds.

It is the same `Worker` that a node runs as a child process, with the same messages; here they need no stream.
"""

from __future__ import annotations

import asyncio
import logging
import threading

from generator.attest import Attester
from generator.devices import Placement
from generator.errors import GeneratorCode, GeneratorError
from generator.jobs import Jobs
from generator.protocol import FromWorker, Generate, Ready
from generator.worker import Shelf, Worker

log = logging.getLogger("generator.making")

END_SECONDS_MAX = 30.0
"""How long a thread that was told to end may take: a model that is being loaded is loaded first."""


class MakingThread:
    """Makes pictures, one job at a time."""

    def __init__(self, shelf: Shelf, placement: Placement, attester: Attester) -> None:
        self._jobs = Jobs()
        self._loop = asyncio.get_running_loop()
        self._said: asyncio.Queue[FromWorker | Exception] = asyncio.Queue()
        self._thread = threading.Thread(
            target=self._serve, args=(shelf, placement, attester), daemon=True, name="making"
        )
        self._thread.start()

    async def ready(self) -> Ready:
        """What it serves, once it is known. MODEL_UNREADABLE or DEVICE_UNFIT if it cannot be."""
        said = await self.next()
        if not isinstance(said, Ready):
            raise GeneratorError(GeneratorCode.GENERATION_FAILED, f"{said!r} came before anything was asked")
        return said

    async def next(self) -> FromWorker:
        """What it says next. Raises whatever ended it."""
        said = await self._said.get()
        if isinstance(said, Exception):
            raise said
        return said

    def ask(self, order: Generate) -> None:
        """Have it make pictures."""
        self._jobs.add(order)

    def cancel(self, job: str) -> None:
        """Have it give a job up at its next step, which it answers with `Failed`, unless it is done by then."""
        self._jobs.cancel(job)

    async def end(self) -> None:
        """End it at its next step."""
        self._jobs.end()
        await asyncio.to_thread(self._thread.join, END_SECONDS_MAX)

    def _serve(self, shelf: Shelf, placement: Placement, attester: Attester) -> None:
        try:
            Worker(shelf, placement, attester, self._say, self._jobs).serve()
        except Exception as error:  # whoever waits is told
            log.exception("the thread that makes pictures ended")
            self._say(error)

    def _say(self, message: FromWorker | Exception) -> None:
        try:
            self._loop.call_soon_threadsafe(self._said.put_nowait, message)
        except RuntimeError:  # the loop is closed, so nobody waits
            self._jobs.end()
