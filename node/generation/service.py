"""From a signed request to recorded pictures: what clients ask of a node's generator, and who works for it.

A picture whose record is committed is never recorded again: after a crash the job goes on with what is missing. What
the creator may fetch is what the chain records, nothing else.
"""

from __future__ import annotations

import asyncio

from ledger import records
from ledger.names import org_of
from node.chain.chain import Chain
from node.generation.asking import check_asked
from node.generation.heard import HeardWorkers, Served, lacks
from node.generation.jobs import Job
from node.generation.own import OwnWorker
from node.generation.pulled import PulledWork
from node.generation.queue import JobQueue
from node.ground.config import GeneratorSection
from node.ground.logs import logger
from remarque.api.generation import AskGeneration
from remarque.errors import NodeCode, NodeError

SWEEP_SECONDS = 1.0
"""How often it is looked whose lease is over."""


class GenerationService:
    """The generator of a node: its queue, its own worker if it has one, and those that pull."""

    def __init__(
        self,
        section: GeneratorSection,
        chain: Chain,
        queue: JobQueue,
        own: OwnWorker | None,
        heard: HeardWorkers,
        pulled: PulledWork,
    ) -> None:
        self._section = section
        self._chain = chain
        self._queue = queue
        self._own = own
        self._heard = heard
        self.pulled = pulled
        """What the workers that pull ask."""
        self.progress = queue.progress
        queue.leases.begin(queue.clock_ms() + section.lease_seconds * 1_000)

    @property
    def served(self) -> list[Served]:
        """What can be asked for now, by worker; the node's own first."""
        return [*([] if self._own is None else self._own.served), *self._heard.served]

    def ask(self, ask: AskGeneration) -> Job:
        """Queue a generation, or refuse it."""
        check_asked(ask, self._chain, self._queue.clock_ms())
        served, jobs = self.served, self._queue.jobs
        if served and (lacking := lacks(ask.request, served)):
            raise NodeError(NodeCode.MODEL_NOT_LOADED, f"{lacking}; GET /v1/generators tells what there is")
        if jobs.get(ask.request.id) is None and jobs.waiting >= self._section.queue_max:
            raise NodeError(NodeCode.GENERATION_QUEUE_FULL, f"{jobs.waiting} generations wait; ask again later", 10)
        try:
            return self._queue.add(ask.request, ask.signature, ask.openings, ask.mask)
        except OSError as error:
            raise NodeError(NodeCode.DISK_FULL, f"the generation cannot be kept: {error}", 60) from None

    def job(self, generation: str, account: str) -> Job:
        """A generation, for its creator."""
        job = self._queue.jobs.get(generation)
        if job is None or job.request.creator != account:
            raise NodeError(NodeCode.NOT_FOUND, f"no generation {generation[:64]} of {account} was asked of this node")
        return job

    def withdraw(self, generation: str, account: str) -> Job:
        """Give a generation up, for its creator: a waiting one at once, a running one at its next step.

        What is recorded by then stays, and one that has ended is left as it is. Durable before it is answered: after a
        crash the job does not go on.
        """
        job = self.job(generation, account)
        if job.ended:
            return job
        if self._queue.leases.of_job(job.id) is None:
            self._queue.cancel(job.id)
            return self.job(generation, account)
        self._queue.jobs.withdraw(job.id)
        if self._own is not None:
            self._own.cancel(job.id)
        return job

    def made(self, record: records.Asset) -> bool:
        """Whether a recorded picture was made here: by a generator of this org, for a generation asked of this node."""
        own_org = self._chain.ledger().org_of_node(self._chain.node)
        ours = record.registrant == self._section.account or org_of(record.registrant) == own_org
        return ours and isinstance(record.request, str) and self._queue.jobs.get(record.request) is not None

    async def run(self) -> None:
        """Work through the queue, and take back what lost workers had, for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sweep())
                if self._own is not None:
                    group.create_task(self._own.run())
        finally:
            self._queue.jobs.close()

    def end_erased(self) -> None:
        """End jobs of which settings were erased on the chain, running ones too: here they are kept no longer."""
        ledger = self._chain.ledger()
        for generation in self._queue.jobs.unended():
            disclosure = ledger.find(records.disclosure_key(generation), records.Disclosure)
            if disclosure is not None and disclosure.erased:
                detail = f"its {', '.join(disclosure.erased)} was erased; what was recorded before is recorded"
                self._queue.fail(generation, NodeCode.GENERATION_CANCELLED, detail)
                if self._own is not None:
                    self._own.cancel(generation)

    async def _sweep(self) -> None:
        while True:
            try:
                self.end_erased()
                await self._queue.sweep(self.served)
            except OSError as error:
                logger.error("generation_waits", reason=str(error))
            await asyncio.sleep(SWEEP_SECONDS)
