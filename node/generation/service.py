"""From a signed request to recorded pictures: queue, generate, store, commit the record, and only then release.

A picture whose record is committed is never generated again: after a crash the job goes on with the next one. What the
creator may fetch is what the chain records, nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from generator.errors import GeneratorCode
from generator.protocol import Cancel, Failed, FromWorker, Generate, Generated, StepProgress
from ledger import records
from ledger.crypto import SigningKey
from ledger.errors import LedgerError
from node.chain.chain import Chain
from node.content.at_rest import AtRest
from node.content.blockstore import Blockstore
from node.generation.asking import check_asked, settings_of
from node.generation.jobs import JOBS, Job, JobStore
from node.generation.marking import Marking
from node.generation.process import WorkerGone, WorkerProcess
from node.generation.progress import JobProgress
from node.generation.recording import Recorder
from node.generation.sources import source_files
from node.ground.config import GeneratorSection
from node.ground.logs import logger
from remarque.api.generation import DONE, FAILED, RUNNING, AskGeneration, RefusedPicture
from remarque.errors import NodeCode, NodeError

ATTEMPTS_MAX = 3
RETRY_SECONDS = 5.0
TRANSIENT = (
    NodeCode.COMMIT_TIMEOUT,
    NodeCode.NO_LEADER,
    NodeCode.MEMPOOL_FULL,
    NodeCode.ACCOUNT_BUSY,
    NodeCode.DISK_FULL,
    NodeCode.SHUTTING_DOWN,
)
"""Refusals that pass: the job waits, and goes on with the pictures whose records were committed after all."""
WITHDRAWN = "its creator withdrew it; the pictures that were recorded before are recorded"


class GenerationService:
    """The generator of a node."""

    def __init__(
        self,
        section: GeneratorSection,
        home: Path,
        data: Path,
        key: SigningKey,
        chain: Chain,
        recorder: Recorder,
        blockstore: Blockstore,
        at_rest: AtRest,
        marking: Marking,
        clock_ms: Callable[[], int],
    ) -> None:
        """`home`: what the section's paths are relative to. `key`: of the section's account."""
        self._section = section
        self._home = home
        self._key = key
        self._chain = chain
        self._recorder = recorder
        self._blockstore = blockstore
        self._marking = marking
        self._clock_ms = clock_ms
        self._jobs = JobStore(data / JOBS, at_rest)
        self.progress = JobProgress(self._jobs)
        self._worker: WorkerProcess | None = None
        self._at: str | None = None
        """The generation that is worked on."""

    # Asking

    @property
    def models(self) -> list[str]:
        """Digests of the models that the running worker serves."""
        return [] if self._worker is None else self._worker.models

    def ask(self, ask: AskGeneration) -> Job:
        """Queue a generation, or refuse it."""
        check_asked(ask, self._chain, self._clock_ms())
        if self._worker is not None and ask.request.model not in self._worker.models:
            detail = f"the generator of this node has not model {ask.request.model[:16]}…"
            raise NodeError(NodeCode.MODEL_NOT_LOADED, detail)
        if self._jobs.get(ask.request.id) is None and self._jobs.waiting >= self._section.queue_max:
            raise NodeError(
                NodeCode.GENERATION_QUEUE_FULL, f"{self._jobs.waiting} generations wait; ask again later", 10
            )
        try:
            job = self._jobs.add(ask.request, ask.signature, ask.openings)
        except OSError as error:
            raise NodeError(NodeCode.DISK_FULL, f"the generation cannot be kept: {error}", 60) from None
        self.progress.changes.tell()
        return job

    def job(self, generation: str, account: str) -> Job:
        """A generation, for its creator."""
        job = self._jobs.get(generation)
        if job is None or job.request.creator != account:
            raise NodeError(NodeCode.NOT_FOUND, f"no generation {generation[:64]} of {account} was asked of this node")
        return job

    def withdraw(self, generation: str, account: str) -> Job:
        """Give a generation up, for its creator: a waiting one at once, a running one at its next step.

        What is recorded by then stays, and one that has ended is left as it is. Durable before it is answered: after a
        crash the job does not go on.
        """
        job = self.job(generation, account)
        if job.state in (DONE, FAILED):
            return job
        if job.id != self._at:
            self._fail(job, NodeCode.GENERATION_CANCELLED.name, WITHDRAWN)
            return self.job(generation, account)
        self._jobs.withdraw(job.id)
        if self._worker is not None:
            self._worker.send(Cancel(job.id))
        return job

    def made(self, record: records.Asset) -> bool:
        """Whether a recorded picture was made here: by this generator, for a generation that was asked of this node."""
        ours = record.registrant == self._section.account
        return ours and isinstance(record.request, str) and self._jobs.get(record.request) is not None

    # Doing

    async def run(self) -> None:
        """Work through the queue, for ever."""
        try:
            while True:
                try:
                    await self._ensure_worker()
                    seen, job = self.progress.changes.count, self._jobs.next()
                    if job is None:
                        await self.progress.changes.after(seen, None)
                        continue
                    self._at = job.id
                    await self._work(job)
                except (NodeError, OSError) as error:
                    self._at = None
                    logger.error("generation_waits", reason=str(error))
                    await self._drop_worker()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._drop_worker()
            self._jobs.close()

    async def _drop_worker(self) -> None:
        """End the worker: what it was still doing for a job that waits must not be taken for new work."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()

    async def _ensure_worker(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = await WorkerProcess.start(self._section, self._home, self._chain.name, self._key)
        return self._worker

    async def _work(self, job: Job) -> None:
        worker = await self._ensure_worker()
        job = await self._resumed(replace(job, state=RUNNING, attempts=job.attempts + 1))
        self.progress.update(job)
        try:
            if not job.complete:
                order = await asyncio.to_thread(self._order, job)
                self._refuse_withdrawn(job)
                worker.send(order)
            while not job.complete:
                job = await self._take(job, await worker.receive())
            if job.pictures:
                self.progress.update(replace(job, state=DONE))
            else:
                self._fail(job, NodeCode.GENERATION_FAILED.name, f"no picture was recorded: {job.refused[0].detail}")
        except WorkerGone as error:
            await self._drop_worker()
            logger.error("generator_gone", reason=str(error), generation=job.id)
            if job.attempts >= ATTEMPTS_MAX:
                self._fail(job, NodeCode.GENERATION_FAILED.name, f"the worker ended {job.attempts} times: {error}")
        except OSError as error:
            raise NodeError(NodeCode.DISK_FULL, f"a picture cannot be stored: {error}", 60) from None
        except (LedgerError, NodeError) as error:
            if error.code in TRANSIENT:
                raise
            self._fail(job, error.code.name, error.detail)

    def _refuse_withdrawn(self, job: Job) -> None:
        """GENERATION_CANCELLED if its creator withdrew it, be it before the worker, or this node, died."""
        if self._jobs.withdrawn(job.id):
            raise NodeError(NodeCode.GENERATION_CANCELLED, WITHDRAWN)

    def _order(self, job: Job) -> Generate:
        """Reads a source's file."""
        request, settings = job.request, settings_of(job.openings)
        files = source_files(request, settings, self._chain, self._blockstore)
        return Generate(
            job=job.id,
            count=request.count,
            settings=settings,
            request=job.id,
            model=request.model,
            confidential=request.confidential,
            marks=self._marking.marks(request.model),
            source=files.source,
            source_file=files.source_file,
            mask_file=files.mask_file,
        )

    async def _resumed(self, job: Job) -> Job:
        """The job with the pictures whose records were committed before a crash."""
        for index in range(job.request.count):
            picture = None if job.has(index) else await self._recorder.recorded(job, index)
            if picture is not None:
                job = replace(job, pictures=(*job.pictures, picture))
        return job

    async def _take(self, job: Job, message: FromWorker) -> Job:
        if isinstance(message, StepProgress) and message.job == job.id:
            self.progress.step(message)
        elif isinstance(message, Failed) and (message.job, message.code) == (job.id, GeneratorCode.CANCELLED.name):
            raise NodeError(NodeCode.GENERATION_CANCELLED, WITHDRAWN)
        elif isinstance(message, Failed) and message.job == job.id:
            raise NodeError(NodeCode.GENERATION_FAILED, f"{message.code}: {message.message}")
        elif isinstance(message, Generated) and message.job == job.id and not job.has(message.index):
            made = await self._recorder.record(job, message)
            if isinstance(made, RefusedPicture):
                job = replace(job, refused=(*job.refused, made))
            else:
                job = replace(job, pictures=(*job.pictures, made))
            self.progress.update(job)
        return job

    def _fail(self, job: Job, code: str, detail: str) -> None:
        log = logger.info if code == NodeCode.GENERATION_CANCELLED.name else logger.error
        log("generation_failed", generation=job.id, code=code, detail=detail)
        self.progress.update(replace(job, state=FAILED, code=code, detail=detail))
