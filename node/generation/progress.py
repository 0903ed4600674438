"""How far generations are: what clients see of a job, and the stream that tells of it until it has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from generator.protocol import StepProgress
from ledger.encoding import encode
from node.generation.jobs import DONE, FAILED, RUNNING, Job, JobStore
from node.ground.changes import ChangeCounter

KEEPALIVE_SECONDS = 15.0


class JobProgress:
    """Tells how far each job is."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._steps: dict[str, dict[str, int]] = {}
        """Of the picture that a running job is at."""
        self.changes = ChangeCounter()
        """Whoever waits for a job, or for the next one, waits here."""

    def step(self, progress: StepProgress) -> None:
        """A picture is one step further."""
        self._steps[progress.job] = {"index": progress.index, "step": progress.step, "steps": progress.steps}
        self.changes.tell()

    def update(self, job: Job) -> None:
        """Keep a job's new condition, and tell of it."""
        self._jobs.update(job)
        if job.state in (DONE, FAILED):
            self._steps.pop(job.id, None)
        self.changes.tell()

    def describe(self, job: Job) -> dict[str, Any]:
        """A generation as clients see it."""
        found: dict[str, Any] = {
            "generation": job.id,
            "state": job.state,
            "pictures": [msgspec.to_builtins(picture) for picture in job.pictures],
            "count": job.request.count,
        }
        if job.id in self._steps and job.state == RUNNING:
            found |= self._steps[job.id]
        if job.state == FAILED:
            found |= {"code": job.code, "detail": job.detail}
        return found

    async def follow(self, generation: str) -> AsyncIterator[bytes]:
        """Server-sent events of a generation's progress, until it has ended."""
        last = None
        while True:
            seen = self.changes.count
            job = self._jobs.get(generation)
            if job is None:
                return
            shown = self.describe(job)
            if shown != last:
                last = shown
                yield b"data: " + encode(shown) + b"\n\n"
            if job.state in (DONE, FAILED):
                return
            if not await self.changes.after(seen, KEEPALIVE_SECONDS):
                yield b": keep-alive\n\n"
