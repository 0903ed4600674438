"""The node's own worker: a process beside the node that takes jobs from the queue, one after the other.

It has the key of its account from the node and speaks through a pipe, so the node records for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from generator.errors import GeneratorCode
from generator.protocol import Cancel, Failed, FromWorker, Generate, Generated, StepProgress
from ledger.crypto import SigningKey
from ledger.errors import LedgerError
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.generation.asking import settings_of
from node.generation.heard import Served
from node.generation.jobs import Job
from node.generation.leases import NEVER_MS, Lease
from node.generation.marking import Marking
from node.generation.process import WorkerGone, WorkerProcess
from node.generation.queue import WITHDRAWN, JobQueue, said_by_worker
from node.generation.recording import SigningRecorder
from node.generation.sources import named_source
from node.ground.config import GeneratorSection
from node.ground.logs import logger
from remarque.errors import NodeCode, NodeError

OWN = "own"
"""What the worker is called in its lease."""
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


class OwnWorker:
    """Works through the queue with a process of this node."""

    def __init__(
        self,
        section: GeneratorSection,
        home: Path,
        key: SigningKey,
        chain: Chain,
        queue: JobQueue,
        recorder: SigningRecorder,
        blockstore: Blockstore,
        marking: Marking,
    ) -> None:
        """`home`: what the section's paths are relative to. `key`: of the section's account."""
        self._section = section
        self._home = home
        self._key = key
        self._chain = chain
        self._queue = queue
        self._recorder = recorder
        self._blockstore = blockstore
        self._marking = marking
        self._worker: WorkerProcess | None = None

    @property
    def served(self) -> list[Served]:
        """What the process serves, if it runs."""
        return [] if self._worker is None else [self._worker.served]

    def cancel(self, generation: str) -> None:
        """Have the process give a job up at its next step, if it is at it."""
        if self._worker is not None:
            self._worker.send(Cancel(generation))

    async def run(self) -> None:
        """Work through the queue, for ever."""
        try:
            while True:
                try:
                    await self._work_on_next()
                except (NodeError, OSError) as error:
                    logger.error("generation_waits", reason=str(error))
                    await self._drop_worker()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._drop_worker()

    async def _work_on_next(self) -> None:
        worker = await self._ensure_worker()
        seen = self._queue.arrivals.count
        taken = await self._queue.take(self._section.account, OWN, worker.served, NEVER_MS)
        if taken is None:
            await self._queue.arrivals.after(seen, None)
        else:
            await self._work(*taken)

    async def _drop_worker(self) -> None:
        """End the process: what it was still doing for a job that waits must not be taken for new work."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()

    async def _ensure_worker(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = await WorkerProcess.start(self._section, self._home, self._chain.name, self._key)
        return self._worker

    async def _work(self, job: Job, lease: Lease) -> None:
        try:
            await self._make(job)
        except WorkerGone as error:
            await self._drop_worker()
            logger.error("generator_gone", reason=str(error), generation=job.id)
            await self._queue.leave(lease, lost=str(error))
        except OSError as error:
            await self._queue.leave(lease)
            raise NodeError(NodeCode.DISK_FULL, f"a picture cannot be stored: {error}", 60) from None
        except (LedgerError, NodeError) as error:
            if error.code in TRANSIENT:
                await self._queue.leave(lease)
                raise
            self._queue.fail(job.id, error.code, error.detail)

    async def _make(self, job: Job) -> None:
        worker = await self._ensure_worker()
        order = await asyncio.to_thread(self._order, job)
        if self._queue.jobs.withdrawn(job.id):
            raise NodeError(NodeCode.GENERATION_CANCELLED, WITHDRAWN)
        worker.send(order)
        while not (job.complete or job.ended):
            job = await self._take(job, await worker.receive())
        if job.ended:
            worker.send(Cancel(job.id))
        self._queue.settled(job)

    def _order(self, job: Job) -> Generate:
        """Reads a source's file. CONTENT_MISSING if it is not here."""
        request, settings = job.request, settings_of(job.openings)
        source = named_source(request, self._chain)
        first = job.first_unknown(settings.batch)
        return Generate(
            job=job.id,
            count=request.count - first,
            settings=replace(settings, index=first),
            request=job.id,
            model=request.model,
            confidential=request.confidential,
            marks=self._marking.marks(request.model),
            source=source.asset if source else "",
            source_file=self._blockstore.file(source.cid) if source else b"",
            mask_file=self._queue.jobs.mask(job.id),
            adapters=request.adapters,
        )

    async def _take(self, job: Job, message: FromWorker) -> Job:
        if isinstance(message, StepProgress) and message.job == job.id:
            self._queue.progress.step(message)
        elif isinstance(message, Failed) and (message.job, message.code) == (job.id, GeneratorCode.CANCELLED.name):
            raise NodeError(NodeCode.GENERATION_CANCELLED, WITHDRAWN)
        elif isinstance(message, Failed) and message.job == job.id:
            raise NodeError(NodeCode.GENERATION_FAILED, said_by_worker(message.code, message.message))
        elif isinstance(message, Generated) and message.job == job.id and not job.has(message.index):
            return self._queue.learn(job, await self._recorder.record(job, message))
        return job
