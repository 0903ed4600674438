"""How far generations are: what clients see of a job, and the stream that tells of it until it has ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from msgspec.structs import replace

from generator.protocol import StepProgress
from ledger.encoding import encode
from node.generation.jobs import Job, JobStore
from node.ground.changes import ChangeCounter
from remarque.api.generation import FAILED, RUNNING, Generation

KEEPALIVE_SECONDS = 15.0


class JobProgress:
    """Tells how far each job is."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._steps: dict[str, StepProgress] = {}
        """Of the picture that a running job is at."""
        self.changes = ChangeCounter()
        """Whoever waits for a job waits here."""

    def step(self, progress: StepProgress) -> None:
        """A picture is one step further."""
        self._steps[progress.job] = progress
        self.changes.tell()

    def changed(self, job: Job) -> None:
        """Tell of a job's new condition."""
        if job.ended:
            self._steps.pop(job.id, None)
        self.changes.tell()

    def describe(self, job: Job) -> Generation:
        """A generation as clients see it."""
        found = Generation(
            generation=job.id, state=job.state, pictures=job.pictures, count=job.request.count, refused=job.refused
        )
        if job.id in self._steps and job.state == RUNNING:
            at = self._steps[job.id]
            return replace(found, index=at.index, step=at.step, steps=at.steps)
        return replace(found, code=job.code, detail=job.detail) if job.state == FAILED else found

    async def follow(self, generation: str) -> AsyncGenerator[bytes, None]:
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
            if job.ended:
                return
            if not await self.changes.after(seen, KEEPALIVE_SECONDS):
                yield b": keep-alive\n\n"
