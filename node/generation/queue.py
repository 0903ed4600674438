"""The queue as those see it who work on it: jobs are taken, looked up on the chain, ended, and given to others.

All workers go through here, the node's own process and those that pull over HTTPS. What is recorded is learnt from the
chain and from nobody's word, so a worker that died behind its last record costs nothing that was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ledger.errors import Code
from ledger.execution.generated import RECORDED_WITHIN_MS
from ledger.generation import GenerationRequest, Openings
from node.generation.heard import Served, lacks
from node.generation.jobs import Job, JobStore
from node.generation.leases import Lease, Leases
from node.generation.progress import JobProgress
from node.generation.recording import Recorder
from node.ground.changes import ChangeCounter
from node.ground.logs import logger
from remarque.api.generation import DONE, FAILED, GeneratedPicture, RefusedPicture
from remarque.errors import NodeCode

ATTEMPTS_MAX = 3
OF_ONE_PICTURE = (Code.ASSET_EXISTS.name, Code.REQUEST_USED.name)
"""What the ledger refuses one picture of a generation for, and not the others."""
WITHDRAWN = "its creator withdrew it; the pictures that were recorded before are recorded"


class JobQueue:
    """Jobs, and who works on them."""

    def __init__(self, jobs: JobStore, recorder: Recorder, clock_ms: Callable[[], int]) -> None:
        self.jobs = jobs
        self.leases = Leases(jobs)
        self.progress = JobProgress(jobs)
        self._recorder = recorder
        self.clock_ms = clock_ms
        self.arrivals = ChangeCounter()
        """Whoever waits for a job to work on waits here."""

    def add(self, request: GenerationRequest, signature: str, openings: Openings, mask: bytes = b"") -> Job:
        """Queue a generation; the same request again is the job it already is."""
        job = self.jobs.add(request, signature, openings, mask)
        self.progress.changed(job)
        self.arrivals.tell()
        return job

    async def take(self, account: str, worker: str, served: Served, until_ms: int) -> tuple[Job, Lease] | None:
        """A job for a worker, with what is recorded of it; None if there is none. As `Leases.grant`."""
        while (granted := self.leases.grant(account, worker, served, until_ms)) is not None:
            job = await self.looked(granted[0])
            if self.jobs.withdrawn(job.id):
                self.cancel(job.id)
            elif not self.settled(job):
                self.progress.changed(job)
                return job, granted[1]
        return None

    async def looked(self, job: Job) -> Job:
        """The job with the pictures whose records are committed, whoever committed them."""
        if job.ended:
            return job
        found = [await self._recorder.recorded(job, index) for index in range(job.request.count) if not job.has(index)]
        return self.learn(job, *(one for one in found if one is not None))

    def learn(self, job: Job, *found: GeneratedPicture | RefusedPicture) -> Job:
        """Keep what became of pictures. What one is refused for is, unless it is about its pixels, true of those that
        are not made yet: then the job fails, and they are not made for nothing.
        """
        job = self._kept(job.id, lambda now: now.with_known(*found))
        of_all = [one for one in found if isinstance(one, RefusedPicture) and one.code not in OF_ONE_PICTURE]
        if of_all and not job.complete:
            first = of_all[0]
            code = Code.__members__.get(first.code, NodeCode.GENERATION_FAILED)
            self.fail(job.id, code, first.detail.removeprefix(f"{first.code}: "))
            return self.jobs.get(job.id) or job
        return job

    def settled(self, job: Job) -> bool:
        """End a job of whose pictures all is known; False if it has to go on."""
        if not job.complete:
            return False
        if job.pictures:
            self._kept(job.id, lambda now: replace(now, state=DONE))
        else:
            self.fail(job.id, NodeCode.GENERATION_FAILED, f"no picture was recorded: {job.refused[0].detail}")
        return True

    def fail(self, generation: str, code: Code | NodeCode, detail: str) -> None:
        """End a job for good."""
        log = logger.info if code is NodeCode.GENERATION_CANCELLED else logger.error
        log("generation_failed", generation=generation, code=code.name, detail=detail)
        self._kept(generation, lambda now: replace(now, state=FAILED, code=code.name, detail=detail))

    def cancel(self, generation: str) -> None:
        """End a job that was withdrawn."""
        self.fail(generation, NodeCode.GENERATION_CANCELLED, WITHDRAWN)

    async def leave(self, lease: Lease, *, lost: str = "") -> None:
        """End the work of somebody who does no more of a job: it is done, or another goes on with it.

        `lost` says how the worker was lost; a job whose workers are lost again and again fails.
        """
        job = self.jobs.get(lease.generation)
        if job is None or job.ended:
            return
        job = await self.looked(job)
        if self.leases.find(lease.token) != lease or self.settled(job):
            return
        if self.jobs.withdrawn(job.id):
            self.cancel(job.id)
        elif lost and job.attempts >= ATTEMPTS_MAX:
            detail = f"the worker ended {job.attempts} times: {lost}"
            self.fail(job.id, NodeCode.GENERATION_FAILED, detail)
        else:
            self.leases.give_back(lease, counted=bool(lost))
            self.progress.changed(job)
            self.arrivals.tell()

    async def sweep(self, served: Sequence[Served]) -> None:
        """Take the work of those that are no longer heard of, and end what nobody here can do.

        `served`: of all workers that are heard of; while there are none, it is not known what nobody can do.
        """
        now = self.clock_ms()
        for lease in self.leases.lapsed(now):
            logger.warning("worker_lost", generation=lease.generation, account=lease.account)
            await self.leave(lease, lost=f"a worker of {lease.account} was not heard of for too long")
        for job in self.jobs.unleased():
            if job.request.valid_until_ms + RECORDED_WITHIN_MS < now:
                self.fail(job.id, NodeCode.GENERATION_FAILED, "its request is too old to be recorded by; ask again")
            elif served and job.request.valid_until_ms < now and (lacking := lacks(job.request, served)):
                self.fail(job.id, NodeCode.MODEL_NOT_LOADED, lacking)

    def _kept(self, generation: str, change: Callable[[Job], Job]) -> Job:
        job = self.jobs.change(generation, change)
        self.progress.changed(job)
        return job


def said_by_worker(code: str, message: str) -> str:
    """Why a worker could not do a job; its code stands before it if it says more than that the job failed."""
    return message if code == NodeCode.GENERATION_FAILED.name else f"{code}: {message}"
