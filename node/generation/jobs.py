"""The durable queue of generations: each change is on disk before it is told to anyone.

Jobs hold prompts in clear, so those of confidential pictures are encrypted on the disk.
"""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec

from ledger.generation import GenerationRequest, Openings
from node.content.at_rest import AtRest
from node.storage.raft_log_store import open_database
from remarque.api.generation import DONE, FAILED, QUEUED, GeneratedPicture, RefusedPicture


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One generation: what was asked, and how far it is."""

    request: GenerationRequest
    signature: str
    openings: Openings
    number: int
    """Place in the queue, ever growing."""
    state: str = QUEUED
    attempts: int = 0
    pictures: tuple[GeneratedPicture, ...] = ()
    refused: tuple[RefusedPicture, ...] = ()
    code: str = ""
    detail: str = ""

    @property
    def id(self) -> str:
        return self.request.id

    def has(self, index: int) -> bool:
        """Whether it is known what became of a picture."""
        return index in {one.index for one in self.pictures} | {one.index for one in self.refused}

    @property
    def complete(self) -> bool:
        """Whether that is known of all that were asked for."""
        return len(self.pictures) + len(self.refused) >= self.request.count


class JobStore:
    """Jobs on disk, by id and in order."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        self._db = open_database(path)
        self._at_rest = at_rest
        self._waiting: list[str] = []
        last = 0
        for _, value in self._db.iterator(prefix=b"j"):
            last = max(last, self._read(value).number)
        self._next = last + 1
        for _, value in self._db.iterator(prefix=b"q"):
            self._waiting.append(value.decode())

    def add(self, request: GenerationRequest, signature: str, openings: Openings) -> Job:
        """Queue a generation; the same request again is the job it already is."""
        known = self.get(request.id)
        if known is not None:
            return known
        job = Job(request=request, signature=signature, openings=openings, number=self._next)
        self._next += 1
        with self._db.write_batch(sync=True) as batch:
            batch.put(b"j" + job.id.encode(), self._written(job))
            batch.put(b"q" + struct.pack(">Q", job.number), job.id.encode())
        self._waiting.append(job.id)
        return job

    def get(self, generation: str) -> Job | None:
        """A job by its id."""
        value = self._db.get(b"j" + generation.encode())
        return None if value is None else self._read(value)

    def update(self, job: Job) -> None:
        """Keep a job's new condition; one that has ended leaves the queue."""
        with self._db.write_batch(sync=True) as batch:
            batch.put(b"j" + job.id.encode(), self._written(job))
            if job.state in (DONE, FAILED):
                batch.delete(b"q" + struct.pack(">Q", job.number))
                batch.delete(b"w" + job.id.encode())
        if job.state in (DONE, FAILED) and job.id in self._waiting:
            self._waiting.remove(job.id)

    def withdraw(self, generation: str) -> None:
        """Keep that a job was withdrawn, apart from its condition, which whoever works on it writes."""
        self._db.put(b"w" + generation.encode(), b"", sync=True)

    def withdrawn(self, generation: str) -> bool:
        """Whether a job that has not ended was withdrawn."""
        return self._db.get(b"w" + generation.encode()) is not None

    def next(self) -> Job | None:
        """The oldest job that has not ended."""
        return self.get(self._waiting[0]) if self._waiting else None

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return len(self._waiting)

    def _written(self, job: Job) -> bytes:
        data = msgspec.json.encode(job)
        return self._at_rest.seal(data) if job.request.confidential else data

    def _read(self, value: bytes) -> Job:
        return msgspec.json.decode(self._at_rest.open(value), type=Job)

    def close(self) -> None:
        self._db.close()
