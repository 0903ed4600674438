"""The durable queue of generations: each change is on disk before it is told to anyone.

Jobs hold prompts in clear, so they are encrypted on the disk, and what was asked is erased once a job has ended.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.generation import GenerationRequest, Openings
from node.content.at_rest import AtRest
from node.storage.erasable import Erasable
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


JOBS = "jobs.sqlite"
"""The file in a data directory."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    generation TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting ON jobs (ended, number);
"""


class JobStore:
    """Jobs on disk, by id and in order."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        """`path`: the file; it is made if it is not there."""
        self._database = Erasable(path, SCHEMA)
        self._at_rest = at_rest

    def add(self, request: GenerationRequest, signature: str, openings: Openings) -> Job:
        """Queue a generation; the same request again is the job it already is."""
        known = self.get(request.id)
        if known is not None:
            return known
        [(last,)] = self._database.rows("SELECT COALESCE(MAX(number), 0) FROM jobs")
        job = Job(request=request, signature=signature, openings=openings, number=last + 1)
        with self._database.writing() as database:
            database.execute("INSERT INTO jobs VALUES (?, ?, 0, 0, ?)", (job.id, job.number, self._written(job)))
        return job

    def get(self, generation: str) -> Job | None:
        """A job by its id."""
        return self._found("SELECT value FROM jobs WHERE generation = ?", generation)

    def update(self, job: Job) -> None:
        """Keep a job's new condition. One that has ended leaves the queue, and what it was asked in clear is erased."""
        ended = job.state in (DONE, FAILED)
        kept = replace(job, openings=Openings()) if ended else job
        with self._database.writing() as database:
            row = (self._written(kept), ended, job.id)
            database.execute("UPDATE jobs SET value = ?, ended = ? WHERE generation = ?", row)

    def withdraw(self, generation: str) -> None:
        """Keep that a job was withdrawn, apart from its condition, which whoever works on it writes."""
        with self._database.writing() as database:
            database.execute("UPDATE jobs SET withdrawn = 1 WHERE generation = ?", (generation,))

    def withdrawn(self, generation: str) -> bool:
        """Whether a job that has not ended was withdrawn."""
        query = "SELECT 1 FROM jobs WHERE generation = ? AND withdrawn AND NOT ended"
        return bool(self._database.rows(query, generation))

    def next(self) -> Job | None:
        """The oldest job that has not ended."""
        return self._found("SELECT value FROM jobs WHERE ended = 0 ORDER BY number LIMIT 1")

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        [(count,)] = self._database.rows("SELECT COUNT(*) FROM jobs WHERE ended = 0")
        return int(count)

    def _found(self, query: str, *values: str) -> Job | None:
        rows = self._database.rows(query, *values)
        return msgspec.json.decode(self._at_rest.open(rows[0][0]), type=Job) if rows else None

    def _written(self, job: Job) -> bytes:
        return self._at_rest.seal(msgspec.json.encode(job))

    def close(self) -> None:
        self._database.close()
