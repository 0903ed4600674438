"""Work for generators on other machines, which take it from their node over HTTPS and record what they made themselves.

They are accounts of the node's own org with the role `generator`. What one says is held to its lease, and a picture to
its attestation, before it is stored: a worker can withhold pictures, and can record nothing under another's name.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from msgspec import UNSET

from generator.protocol import StepProgress
from ledger.actions import Content
from ledger.errors import LedgerError
from ledger.names import org_of
from node.chain.chain import Chain
from node.decoding.lanes import Lane
from node.generation.asking import settings_of
from node.generation.heard import HeardWorkers, Served
from node.generation.held import check_attestation, check_file
from node.generation.jobs import Job
from node.generation.leases import Lease
from node.generation.marking import Marking
from node.generation.queue import WITHDRAWN, JobQueue, said_by_worker
from node.generation.recording import Recorder
from node.generation.sources import named_source
from node.ground.logs import logger
from remarque.api.generation import RefusedPicture
from remarque.api.work import AskWork, MadePicture, Work, WorkEnd, WorkMarks, WorkProgress, WorkStanding
from remarque.errors import NodeCode, NodeError

GENERATOR = "generator"
ACCOUNT_WORKERS_MAX = 32
"""Workers of one account that have work or wait for it."""

Gone = Callable[[], Awaitable[bool]]


class PulledWork:
    """What workers that pull ask of a node."""

    def __init__(
        self,
        queue: JobQueue,
        heard: HeardWorkers,
        recorder: Recorder,
        marking: Marking,
        chain: Chain,
        members: Lane,
        lease_ms: int,
    ) -> None:
        """`members`: where pictures are decoded. `lease_ms`: how long a lease lasts without a word."""
        self._queue = queue
        self._heard = heard
        self._recorder = recorder
        self._marking = marking
        self._chain = chain
        self._members = members
        self._lease_ms = lease_ms
        self._asking: Counter[str] = Counter()

    async def take(self, ask: AskWork, account: str, gone: Gone) -> Work | None:
        """Work for a worker; None if there is none in time, or if who asked is `gone`."""
        self._check_worker(account)
        if self._asking[account] + self._queue.leases.count(account) >= ACCOUNT_WORKERS_MAX:
            fact = f"{ACCOUNT_WORKERS_MAX} workers of {account} have work or wait for it"
            raise NodeError(NodeCode.ACCOUNT_BUSY, f"{fact}; give further ones an account of their own", 10)
        self._asking[account] += 1
        try:
            return await self._awaited(ask, account, gone)
        finally:
            self._asking[account] -= 1

    async def _awaited(self, ask: AskWork, account: str, gone: Gone) -> Work | None:
        deadline = asyncio.get_running_loop().time() + ask.wait_seconds
        served = Served(ask.models, ask.adapters)
        while not await gone():
            self._check_worker(account)
            self._heard.hear(account, ask.worker, served)
            seen = self._queue.arrivals.count
            taken = await self._queue.take(account, ask.worker, served, self._until_ms())
            if taken is not None and (work := self._described(*taken)) is not None:
                logger.info("work_taken", generation=taken[0].id, account=account, device=ask.device)
                return work
            left = deadline - asyncio.get_running_loop().time()
            if taken is None and not await self._queue.arrivals.after(seen, max(left, 0.0)):
                return None
        return None

    async def progress(self, told: WorkProgress, account: str) -> WorkStanding:
        """Take note that a worker works, and of what it says; look which of its pictures are recorded."""
        lease, job = self._leased(told.lease, account)
        for index in (told.index, told.refused.index if told.refused else UNSET):
            if isinstance(index, int) and index >= job.request.count:
                raise NodeError(NodeCode.REQUEST_MALFORMED, f"picture {index} was not asked for; say how those are")
        self._queue.leases.renew(lease, self._until_ms())
        self._heard.works(account, lease.worker, job.request)
        job = await self._queue.looked(job)
        if told.refused:
            refused = told.refused
            detail = f"{refused.code}: {refused.detail}"
            job = self._queue.learn(job, RefusedPicture(index=refused.index, code=refused.code, detail=detail))
        if isinstance(told.index, int) and isinstance(told.step, int) and isinstance(told.steps, int):
            self._queue.progress.step(StepProgress(job.id, told.index, told.step, told.steps))
        self._queue.settled(job)
        return self._standing(job)

    async def picture(self, made: MadePicture, account: str) -> Content:
        """Store a picture, if it is one of the worker's job and what its attestation says."""
        lease, job = self._leased(made.lease, account)
        if self._queue.jobs.withdrawn(job.id):
            raise NodeError(NodeCode.GENERATION_CANCELLED, f"{WITHDRAWN}; end the work")
        check_attestation(made, job, account, self._chain)
        with self._members.room(len(made.file), account):
            facts = await self._members.facts(made.file, self._marking.looked_for())
            check_file(facts, made.attestation, self._queue.clock_ms())
        content = await self._recorder.store(job, made.attestation.pixel_digest, made.file, account)
        lease, _ = self._leased(made.lease, account)
        self._queue.leases.renew(lease, self._until_ms())
        return content

    async def end(self, ended: WorkEnd, account: str) -> WorkStanding:
        """A worker does no more of its job: it is done, has failed, or goes on elsewhere."""
        lease, job = self._leased(ended.lease, account)
        job = await self._queue.looked(job)
        said = said_by_worker(ended.code, ended.detail or "no more is said") if ended.code else ""
        if said and not (ended.unable or job.complete or self._queue.jobs.withdrawn(job.id)):
            self._queue.fail(job.id, NodeCode.GENERATION_FAILED, said)
        else:
            await self._queue.leave(lease, lost=said if ended.unable else "")
        return self._standing(job)

    def _check_worker(self, account: str) -> None:
        """NOT_A_WORKER, unless an account is a generator of the node's own org."""
        ledger = self._chain.ledger()
        org = ledger.org_of_node(self._chain.node)
        if not account or org_of(account) != org or GENERATOR not in ledger.account(account).roles:
            fact = f"{account or 'whoever shows no account'} is no generator of {org}, whose node this is"
            raise NodeError(NodeCode.NOT_A_WORKER, f"{fact}; an administrator there enrols one with that role")

    def _leased(self, token: str, account: str) -> tuple[Lease, Job]:
        """The lease that an account shows, and its job. WORK_LOST if it is not in force, or another's."""
        self._check_worker(account)
        lease = self._queue.leases.find(token)
        job = None if lease is None else self._queue.jobs.get(lease.generation)
        if lease is None or job is None or lease.account != account or lease.until_ms < self._queue.clock_ms():
            raise NodeError(NodeCode.WORK_LOST, f"{account} has no work under this lease; drop it and ask for other")
        return lease, job

    def _until_ms(self) -> int:
        return self._queue.clock_ms() + self._lease_ms

    def _standing(self, job: Job) -> WorkStanding:
        """How a job stands now."""
        now = self._queue.jobs.get(job.id) or job
        return WorkStanding(state=now.state, withdrawn=self._queue.jobs.withdrawn(job.id), known=now.known)

    def _described(self, job: Job, lease: Lease) -> Work | None:
        """A job as its worker is told of it; None if it turns out that it cannot be done."""
        try:
            settings = settings_of(job.openings)
            source = named_source(job.request, self._chain)
        except (LedgerError, NodeError) as error:
            self._queue.fail(job.id, error.code, error.detail)
            return None
        marks = self._marking.marks(job.request.model)
        return Work(
            lease=lease.token,
            lasts_ms=self._lease_ms,
            request=job.request,
            signature=job.signature,
            openings=job.openings,
            marks=WorkMarks(
                watermark_key=marks.watermark_key.hex(),
                label=marks.label,
                provider=marks.provider,
                system=marks.system,
                version=marks.version,
                manifest=marks.manifest,
            ),
            known=job.known,
            first=job.first_unknown(settings.batch),
            source=source or UNSET,
            mask=self._queue.jobs.mask(job.id),
        )
