"""Working for a node: an account with the role `generator` takes generations from it and gives pictures back."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from ledger.actions import Content
from remarque.api.work import (
    AskWork,
    MadePicture,
    PictureTaken,
    Work,
    WorkEnd,
    WorkFound,
    WorkProgress,
    WorkRefusal,
    WorkStanding,
)
from remarque.requesting import value_of
from remarque.submitting import SubmitMethods


class WorkMethods(SubmitMethods):
    """What a generator on another machine does. `generator.pulling` does all of it in order."""

    async def take_work(
        self,
        worker: str,
        models: tuple[str, ...],
        *,
        adapters: tuple[str, ...] = (),
        device: str = "cpu",
        wait_seconds: int = 0,
    ) -> Work | None:
        """Take the oldest generation for one of some models, with no other adapters than these, that nobody works on;
        None if there is none in time.

        `worker` is 32 hex digits by chance, the same for as long as this process runs: who has work is given that
        again. NOT_A_WORKER, GENERATOR_ABSENT, ACCOUNT_BUSY.
        """
        asked = AskWork(worker=worker, models=models, adapters=adapters, device=device, wait_seconds=wait_seconds)
        found = (await self._ask("/v1/leases", asked, WorkFound)).work
        return found if isinstance(found, Work) else None

    async def report_work(
        self,
        lease: str,
        *,
        index: int | None = None,
        step: int | None = None,
        steps: int | None = None,
        refused: WorkRefusal | None = None,
    ) -> WorkStanding:
        """Say that work goes on, so that it stays one's own, how far it is, and which record the ledger refused.

        The node looks by itself which pictures are recorded. WORK_LOST if it is no longer one's own.
        """
        told = WorkProgress(
            lease=lease,
            index=UNSET if index is None else index,
            step=UNSET if step is None else step,
            steps=UNSET if steps is None else steps,
            refused=UNSET if refused is None else refused,
        )
        return await self._ask("/v1/leases/progress", told, WorkStanding)

    async def give_picture(self, made: MadePicture) -> Content:
        """Have the node store a picture that was made; what its record has to say of the file.

        It is held to its attestation. WORK_LOST, GENERATION_CANCELLED, ATTESTATION_INVALID, REQUEST_USED, and what a
        picture that is stored may be refused with.
        """
        body = msgspec.msgpack.encode(made)
        taken = await self.request("POST", "/v1/leases/pictures", body, media_type="application/octet-stream")
        return value_of(taken, PictureTaken).content

    async def end_work(self, lease: str, *, code: str = "", detail: str = "", unable: bool = False) -> WorkStanding:
        """Do no more of a generation: it is done, or fails with a code, or goes on with another worker, if there is no
        code or the worker is `unable` to do what others may. WORK_LOST.
        """
        ended = WorkEnd(lease=lease, code=code or UNSET, detail=detail or UNSET, unable=unable)
        return await self._ask("/v1/leases/end", ended, WorkStanding)
