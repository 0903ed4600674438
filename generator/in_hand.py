"""One generation that a pulling worker has: from its lease to its last recorded picture, whatever becomes of the node.

The node may be away for a while: pictures are made on, and what is to be said is said again, with growing pauses, until
the node answers. What the ledger takes twice is only taken once, so repeating is always right.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import msgspec

from generator.errors import GeneratorCode, GeneratorError
from generator.making import MakingThread
from generator.patience import AWAY, patiently
from generator.protocol import Failed, Generate, Generated, Marks, Ready, StepProgress
from generator.settings import Settings
from ledger import crypto
from ledger.actions import Content, RegisterGenerated
from ledger.encoding import decode, encode
from ledger.errors import Code
from ledger.generation import Attestation
from remarque.api.generation import RUNNING
from remarque.api.work import MadePicture, Work, WorkRefusal
from remarque.async_client import AsyncClient
from remarque.errors import NodeCode, RemarqueError

log = logging.getLogger("generator.pulling")

REPORT_SECONDS = 0.5
"""How often it is told how far a picture is, at most."""
AGAIN_SECONDS = 1.0
SIGNED_MAX = 3
"""How often a record is signed because the one before expired."""
OF_THE_GENERATION = (
    GeneratorCode.SETTINGS_INVALID.name,
    GeneratorCode.SIZE_MISSED.name,
    GeneratorCode.OUT_OF_MEMORY.name,
    NodeCode.GENERATION_CANCELLED.name,
    NodeCode.CONTENT_MISSING.name,
)
"""Why a generation fails whoever works on it. Everything else is this worker's fault, or may be."""
SILENCE_SECONDS_MAX = 600.0
"""How long the thread may say nothing, as a node waits for its own worker."""


class WorkInHand:
    """Does one generation and says what becomes of it."""

    def __init__(self, client: AsyncClient, making: MakingThread, work: Work, chain: str) -> None:
        """`chain`: the name of the node's."""
        self._chain = chain
        self._client = client
        self._making = making
        self._work = work
        self._job = work.lease
        """What the thread calls it: work that is taken a second time is other work."""
        self._at: StepProgress | None = None
        self._over = False
        """Whether the node has settled it, or given it to another."""

    async def do(self) -> bool:
        """Make and record all pictures that are not known yet, and end the work; False if this worker is unable to do
        what others may. Cancelled, it gives the work back.

        TimeoutError if the thread says nothing any more: then nothing but a new process helps.
        """
        reporting = asyncio.create_task(self._keep_reporting())
        try:
            ending = await self._made()
        except asyncio.CancelledError:
            await self._end("", "")
            raise
        finally:
            reporting.cancel()
            await asyncio.wait([reporting])
        unable = bool(ending[0]) and ending[0] not in OF_THE_GENERATION
        await self._end(*ending, unable=unable)
        return self._over or not unable

    async def _made(self) -> tuple[str, str]:
        """Code and detail that the work ends with; both empty if it has gone well, or was withdrawn."""
        try:
            return await self._make()
        except RemarqueError as error:
            self._over = self._over or error.code == NodeCode.WORK_LOST.name
            return error.code, error.detail
        except GeneratorError as error:
            return error.code.name, error.detail

    async def _end(self, code: str, detail: str, *, unable: bool = False) -> None:
        if self._over:
            log.info("generation %s is over here", self._work.request.id)
            return
        try:
            standing = await self._client.end_work(
                self._work.lease, code=code[:64], detail=detail[:2_000], unable=unable
            )
            log.info("generation %s is left as %s %s", self._work.request.id, standing.state, code)
        except (RemarqueError, *AWAY) as error:
            log.warning("generation %s is left to the end of its lease: %s", self._work.request.id, error)

    async def _make(self) -> tuple[str, str]:
        order = await self._order()
        left = set(range(order.settings.index, self._work.request.count))
        self._making.ask(order)
        try:
            while left and not self._over:
                async with asyncio.timeout(SILENCE_SECONDS_MAX):
                    said = await self._making.next()
                if isinstance(said, Ready) or said.job != self._job:
                    continue
                if isinstance(said, Failed):
                    left.clear()
                    return ("", "") if said.code == GeneratorCode.CANCELLED.name else (said.code, said.message)
                if isinstance(said, Generated):
                    left.discard(said.index)
                    await self._record(said)
                else:
                    self._at = said
        finally:
            if left:
                self._making.cancel(self._job)
        return "", ""

    async def _order(self) -> Generate:
        self._check()
        work = self._work
        try:
            values = {field: opening.value for field, opening in work.openings.given().items()}
            settings = msgspec.convert(values, Settings)
        except msgspec.ValidationError as error:
            raise GeneratorError(
                GeneratorCode.SETTINGS_INVALID, f"{error}; node and worker are of two versions"
            ) from None
        source, source_file, mask_file = await self._files()
        return Generate(
            job=self._job,
            count=work.request.count - work.first,
            settings=msgspec.structs.replace(settings, index=work.first),
            request=work.request.id,
            model=work.request.model,
            confidential=work.request.confidential,
            marks=Marks(
                watermark_key=bytes.fromhex(work.marks.watermark_key),
                label=work.marks.label,
                provider=work.marks.provider,
                system=work.marks.system,
                version=work.marks.version,
                manifest=work.marks.manifest,
            ),
            source=source,
            source_file=source_file,
            mask_file=mask_file,
            adapters=work.request.adapters,
        )

    def _check(self) -> None:
        """WORK_FALSE unless the node asks for what the creator signed: an attestation says that it was made."""
        request, told = self._work.request, self._work.source
        source = "" if isinstance(request.source, msgspec.UnsetType) else request.source.asset
        signed = encode(request)
        for holds, fault in (
            (request.chain == self._chain, f"the request is for {request.chain}, not for {self._chain}"),
            (
                crypto.verify(request.key, crypto.GENERATION_REQUEST, signed, self._work.signature),
                "the creator's signature does not verify",
            ),
            (not self._work.openings.misfits(request.commitments), "the settings do not open the commitments"),
            (
                source == ("" if isinstance(told, msgspec.UnsetType) else told.asset),
                "the source is not the one of the request",
            ),
        ):
            if not holds:
                raise GeneratorError(GeneratorCode.WORK_FALSE, f"{fault}; look at the node, nothing is made for it")

    async def _files(self) -> tuple[str, bytes, bytes]:
        """The source's id, its file and that of the mask; empty where there is none."""
        source = self._work.source
        if isinstance(source, msgspec.UnsetType):
            return "", b"", b""
        cid = source.cid
        return source.asset, await patiently(lambda: self._client.content(cid)), self._work.mask

    async def _record(self, made: Generated) -> None:
        """Have a picture stored and record it, unless it is recorded or refused already."""
        if made.index in self._work.known:
            return
        said = decode(made.attestation, Attestation)
        picture = MadePicture(lease=self._work.lease, file=made.png, attestation=said, signature=made.signature)
        refused = None
        try:
            content = await patiently(lambda: self._client.give_picture(picture))
            await self._register(picture, content)
            log.info("recorded picture %d of generation %s", made.index, said.request)
        except RemarqueError as error:
            if error.code != Code.REQUEST_USED.name:  # else a record of it stands
                if error.receipt is None:
                    raise
                refused = WorkRefusal(index=made.index, code=error.code, detail=error.detail[:2_000])
        standing = await patiently(lambda: self._client.report_work(self._work.lease, refused=refused))
        self._over = standing.state != RUNNING

    async def _register(self, made: MadePicture, content: Content) -> None:
        """Have a record committed; signed anew only when the transaction before can be committed no more."""
        record = RegisterGenerated(
            request=self._work.request,
            request_signature=self._work.signature,
            attestation=made.attestation,
            attestation_signature=made.signature,
            content=content,
        )
        for attempt in range(1, SIGNED_MAX + 1):
            signed = await patiently(lambda: self._client.sign(record))
            try:
                await patiently(partial(self._client.send, signed))
                return
            except RemarqueError as error:
                if error.code != Code.EXPIRED.name or attempt == SIGNED_MAX:
                    raise
                log.warning("a record expired before it was committed; is this machine's clock behind? %s", error)
                await asyncio.sleep(attempt * AGAIN_SECONDS)

    async def _keep_reporting(self) -> None:
        """Say every half second how far the picture is, or else, four times in a lease, that work goes on."""
        told: StepProgress | None = None
        silent_ms = 0.0
        while not self._over:
            await asyncio.sleep(REPORT_SECONDS)
            silent_ms += REPORT_SECONDS * 1_000
            if self._at != told or silent_ms >= self._work.lasts_ms / 4:
                told, silent_ms = self._at, 0.0
                if not await self._reported(told):
                    self._making.cancel(self._job)

    async def _reported(self, at: StepProgress | None) -> bool:
        """Say how far it is; whether to go on."""
        try:
            standing = await self._client.report_work(
                self._work.lease,
                index=None if at is None else at.index,
                step=None if at is None else at.step,
                steps=None if at is None else at.steps,
            )
        except RemarqueError as error:
            log.warning("not reported: %s", error)
            self._over = self._over or error.code == NodeCode.WORK_LOST.name
        except AWAY as error:
            log.warning("not reported, the node is away: %s", error)
        else:
            self._over = self._over or standing.state != RUNNING
            return not (self._over or standing.withdrawn)
        return not self._over
