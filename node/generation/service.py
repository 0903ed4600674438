"""From a signed request to recorded pictures: queue, generate, store, commit the record, and only then release.

A picture whose record is committed is never generated again: after a crash the job goes on with the next one. What the
creator may fetch is what the chain records, nothing else.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from generator.protocol import Failed, FromWorker, Generate, Generated, StepProgress
from generator.settings import Settings
from ledger import crypto, records
from ledger.actions import Content, RegisterGenerated, SealedKey
from ledger.block import OK
from ledger.encoding import decode, encode
from ledger.errors import LedgerError
from ledger.generation import COUNT_MAX, PROMPT_LENGTH_MAX, SETTING_FIELDS, Attestation, GenerationRequest, Openings
from ledger.names import org_of
from ledger.transaction import Signer, Transaction, sign
from node.api.sessions import key_in_force
from node.api.submit import Submitter
from node.chain import Chain
from node.config import GeneratorSection
from node.content import sealing
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.errors import NodeCode, NodeError
from node.generation.jobs import DONE, FAILED, RUNNING, Job, JobStore, RecordedPicture
from node.generation.process import WorkerGone, WorkerProcess
from node.keys import load_key
from node.logs import log

ATTEMPTS_MAX = 3
RETRY_SECONDS = 5.0
RECORD_VALID_MS = 300_000
TRANSIENT = (
    NodeCode.COMMIT_TIMEOUT,
    NodeCode.NO_LEADER,
    NodeCode.MEMPOOL_FULL,
    NodeCode.ACCOUNT_BUSY,
    NodeCode.DISK_FULL,
    NodeCode.SHUTTING_DOWN,
)
"""Refusals that pass: the job waits, and goes on with the pictures whose records were committed after all."""


class AskGeneration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of `POST /v1/generations`."""

    request: GenerationRequest
    signature: str
    openings: Openings


class GenerationService:
    """The generator of a node."""

    def __init__(
        self,
        section: GeneratorSection,
        home: Path,
        data: Path,
        chain: Chain,
        submitter: Submitter,
        blockstore: Blockstore,
        openings: OpeningStore,
        clock_ms: Any,
    ) -> None:
        self._section = section
        self._home = home
        self._chain = chain
        self._submitter = submitter
        self._blockstore = blockstore
        self._openings = openings
        self._clock_ms = clock_ms
        self._key = load_key(home / section.key)
        self._jobs = JobStore(data / "jobs")
        self._changed = asyncio.Condition()
        self._progress: dict[str, dict[str, int]] = {}
        self._worker: WorkerProcess | None = None

    # Asking

    @property
    def models(self) -> list[str]:
        """Digests of the models that the running worker serves."""
        return [] if self._worker is None else self._worker.models

    async def ask(self, ask: AskGeneration) -> Job:
        """Queue a generation, or refuse it."""
        self._check(ask)
        if self._jobs.get(ask.request.id) is None and self._jobs.waiting >= self._section.queue_max:
            raise NodeError(
                NodeCode.GENERATION_QUEUE_FULL, f"{self._jobs.waiting} generations wait; ask again later", 10
            )
        job = self._jobs.add(ask.request, ask.signature, ask.openings)
        await self._tell()
        return job

    def job(self, generation: str, account: str) -> Job:
        """A generation, for its creator."""
        job = self._jobs.get(generation)
        if job is None or job.request.creator != account:
            raise NodeError(NodeCode.NOT_FOUND, f"no generation {generation[:64]} of {account} was asked of this node")
        return job

    def describe(self, job: Job) -> dict[str, Any]:
        """A generation as clients see it."""
        found: dict[str, Any] = {
            "generation": job.id,
            "state": job.state,
            "pictures": [msgspec.to_builtins(picture) for picture in job.pictures],
            "count": job.request.count,
        }
        if job.id in self._progress and job.state == RUNNING:
            found |= self._progress[job.id]
        if job.state == FAILED:
            found |= {"code": job.code, "detail": job.detail}
        return found

    async def follow(self, generation: str) -> AsyncIterator[bytes]:
        """Server-sent events of a generation's progress, until it has ended."""
        last = None
        while True:
            job = self._jobs.get(generation)
            if job is None:
                return
            shown = self.describe(job)
            if shown != last:
                last = shown
                yield b"data: " + encode(shown) + b"\n\n"
            if job.state in (DONE, FAILED):
                return
            if not await self._changes(15.0):
                yield b": keep-alive\n\n"

    async def _changes(self, seconds: float) -> bool:
        """Wait until something about the jobs changes; False if nothing does in time."""
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return True

    def _check(self, ask: AskGeneration) -> None:
        request, openings = ask.request, ask.openings
        values = {field: getattr(openings, field).value for field in SETTING_FIELDS}
        in_force = key_in_force(self._chain, request.creator, request.key)
        signed = crypto.verify(request.key, crypto.GENERATION_REQUEST, encode(request), ask.signature)
        prompt = values["prompt"]
        for holds, fault in (
            (request.chain == self._chain.name, f"it is for {request.chain}, this is {self._chain.name}"),
            (in_force, f"{request.key[:16]}… is not a key in force of {request.creator}"),
            (signed, "its signature does not verify; sign remarque/generation-request/v1 and the canonical request"),
            (openings.commitments() == request.commitments, "the openings do not open its commitments"),
            (request.valid_until_ms >= self._clock_ms(), "it is no longer valid; sign it again"),
            (request.count <= COUNT_MAX, f"it asks for {request.count} pictures, at most {COUNT_MAX}"),
            (isinstance(prompt, str) and prompt.strip() != "", "the prompt is empty; describe the picture"),
            (len(str(prompt)) <= PROMPT_LENGTH_MAX, f"the prompt has more than {PROMPT_LENGTH_MAX} characters"),
        ):
            if not holds:
                raise NodeError(NodeCode.GENERATION_INVALID, fault)
        settings_of(openings)
        if self._chain.state.get(records.model_key(request.model)) is None:
            raise NodeError(NodeCode.MODEL_NOT_LOADED, f"model {request.model[:16]}… is not registered on the chain")
        if self._worker is not None and request.model not in self._worker.models:
            raise NodeError(
                NodeCode.MODEL_NOT_LOADED, f"the generator of this node has not model {request.model[:16]}…"
            )

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # Doing

    async def run(self) -> None:
        """Work through the queue, for ever."""
        try:
            while True:
                try:
                    await self._ensure_worker()
                    job = self._jobs.next()
                    if job is None:
                        async with self._changed:
                            await self._changed.wait()
                        continue
                    await self._work(job)
                except (NodeError, OSError) as error:
                    log.error("generation_waits", reason=str(error))
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
        job = self._resumed(replace(job, state=RUNNING, attempts=job.attempts + 1))
        self._jobs.update(job)
        await self._tell()
        try:
            if len(job.pictures) < job.request.count:
                worker.send(self._order(job))
            while len(job.pictures) < job.request.count:
                job = await self._take(job, await worker.receive())
            await self._end(replace(job, state=DONE))
        except WorkerGone as error:
            await self._drop_worker()
            log.error("generator_gone", reason=str(error), generation=job.id)
            if job.attempts >= ATTEMPTS_MAX:
                await self._fail(
                    job, NodeCode.GENERATION_FAILED.name, f"the worker ended {job.attempts} times: {error}"
                )
        except OSError as error:
            raise NodeError(NodeCode.DISK_FULL, f"a picture cannot be stored: {error}", 60) from None
        except (LedgerError, NodeError) as error:
            if error.code in TRANSIENT:
                raise
            await self._fail(job, error.code.name, error.detail)

    def _order(self, job: Job) -> Generate:
        request = job.request
        return Generate(
            job=job.id,
            count=request.count,
            settings=settings_of(job.openings),
            request=job.id,
            model=request.model,
            confidential=request.confidential,
        )

    def _resumed(self, job: Job) -> Job:
        """The job with the pictures whose records were committed before a crash."""
        for index in range(job.request.count):
            asset = None if _has(job, index) else self._recorded(job.id, index)
            if asset is not None:
                job = replace(job, pictures=(*job.pictures, self._picture(index, asset)))
        return job

    def _recorded(self, request: str, index: int) -> str | None:
        return self._chain.ledger().find(records.request_key(request, index), str)

    def _picture(self, index: int, asset: str) -> RecordedPicture:
        record = self._chain.ledger().asset(asset)
        return RecordedPicture(index=index, asset=asset, cid=record.content.cid, transaction=record.transaction)

    async def _take(self, job: Job, message: FromWorker) -> Job:
        if isinstance(message, StepProgress) and message.job == job.id:
            self._progress[job.id] = {"index": message.index, "step": message.step, "steps": message.steps}
            await self._tell()
        elif isinstance(message, Failed) and message.job == job.id:
            raise NodeError(NodeCode.GENERATION_FAILED, f"{message.code}: {message.message}")
        elif isinstance(message, Generated) and message.job == job.id and not _has(job, message.index):
            asset = await self._record(job, message)
            job = replace(job, pictures=(*job.pictures, self._picture(message.index, asset)))
            self._jobs.update(job)
            await self._tell()
        return job

    async def _record(self, job: Job, generated: Generated) -> str:
        """Store the picture and commit its record; the asset's id."""
        attestation = decode(generated.attestation, Attestation)
        content = await self._store(job.request, attestation.pixel_digest, generated.png)
        await asyncio.to_thread(self._openings.put, attestation.pixel_digest, job.openings)
        transaction = Transaction(
            chain=self._chain.name,
            signers=(Signer(account=self._section.account, key=self._key.public),),
            valid_until_ms=self._clock_ms() + RECORD_VALID_MS,
            nonce=secrets.token_hex(16),
            actions=(
                RegisterGenerated(
                    request=job.request,
                    request_signature=job.signature,
                    attestation=attestation,
                    attestation_signature=generated.signature,
                    content=content,
                ),
            ),
        )
        height, position = await self._submitter.commit(sign(transaction, [self._key]))
        results = self._chain.final(height).results
        code, detail = results.outcomes[position].code, results.details[position]
        if code != OK and self._recorded(job.id, generated.index) is None:
            raise NodeError(
                NodeCode.GENERATION_FAILED, f"its record was refused, so it is not released: {code}: {detail}"
            )
        return attestation.pixel_digest

    async def _store(self, request: GenerationRequest, asset: str, png: bytes) -> Content:
        """Keep the picture's bytes; if confidential, encrypted, with the key sealed to this org's nodes."""
        if not request.confidential:
            cid = await self._blockstore.aside(self._blockstore.put_file, png)
            return Content(cid=cid, size=len(png), media_type="image/png")
        seed = sealing.new_seed()
        key = sealing.content_key(seed, self._chain.name, asset, request.creator)
        cipher = await asyncio.to_thread(sealing.encrypt, png, key)
        custodians = [node for node in self._chain.genesis.nodes if node.org == org_of(request.creator)]
        own = [node for node in self._chain.genesis.nodes if node.name == self._chain.node]
        return Content(
            cid=await self._blockstore.aside(self._blockstore.put_file, cipher),
            size=len(cipher),
            media_type="image/png",
            sealed_keys=tuple(
                SealedKey(node=node.name, sealed=sealing.seal_to_node(seed, node.key).hex())
                for node in custodians or own
            ),
        )

    async def _end(self, job: Job) -> None:
        self._jobs.update(job)
        self._progress.pop(job.id, None)
        await self._tell()

    async def _fail(self, job: Job, code: str, detail: str) -> None:
        log.error("generation_failed", generation=job.id, code=code, detail=detail)
        await self._end(replace(job, state=FAILED, code=code, detail=detail))


def _has(job: Job, index: int) -> bool:
    return any(picture.index == index for picture in job.pictures)


def settings_of(openings: Openings) -> Settings:
    """The generator's settings in openings. GENERATION_INVALID names the one that is out of range."""
    try:
        return msgspec.convert({field: getattr(openings, field).value for field in SETTING_FIELDS}, Settings)
    except msgspec.ValidationError as error:
        raise NodeError(NodeCode.GENERATION_INVALID, f"{error}; see docs/use.md for the ranges") from None
