"""The durable queue of generations: each change is on disk before it is told to anyone.

Jobs hold prompts in clear, so they are encrypted on the disk, and what was asked is erased once a job has ended. Who
works on a job holds a lease of it (`leases.py`), in the same file, so that both change together or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.generation import GenerationRequest, Openings
from node.content.at_rest import AtRest
from node.storage.erasable import Erasable
from remarque.api.generation import DONE, FAILED, QUEUED, GeneratedPicture, RefusedPicture
from remarque.errors import NodeCode


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

    @property
    def ended(self) -> bool:
        return self.state in (DONE, FAILED)

    @property
    def known(self) -> tuple[int, ...]:
        """The pictures of which it is known what became of them, by index."""
        return tuple(sorted([one.index for one in self.pictures] + [one.index for one in self.refused]))

    def has(self, index: int) -> bool:
        """Whether it is known what became of a picture."""
        return index in self.known

    @property
    def complete(self) -> bool:
        """Whether that is known of all that were asked for."""
        return len(self.known) >= self.request.count

    def first_unknown(self, batch: int) -> int:
        """Where to go on: the first picture of the first batch of which something is missing. All were made: the count.

        Pictures that are computed together are made together again, so that they are the same ones.
        """
        starts = range(0, self.request.count, batch)
        missing = (one for one in starts if not all(map(self.has, range(one, min(one + batch, self.request.count)))))
        return next(missing, self.request.count)

    def with_known(self, *found: GeneratedPicture | RefusedPicture) -> Job:
        """The job once it is known what became of some pictures. What was known before stays."""
        job = self
        for one in found:
            if job.has(one.index):
                continue
            if isinstance(one, GeneratedPicture):
                job = replace(job, pictures=tuple(sorted((*job.pictures, one), key=lambda each: each.index)))
            else:
                job = replace(job, refused=tuple(sorted((*job.refused, one), key=lambda each: each.index)))
        return job


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
CREATE TABLE IF NOT EXISTS masks (generation TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS waiting ON jobs (ended, number);
CREATE TABLE IF NOT EXISTS leases (
    generation TEXT PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    worker TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    UNIQUE (account, worker)
);
"""


class JobStore:
    """Jobs on disk, by id and in order."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        """`path`: the file; it is made if it is not there."""
        self.database = Erasable(path, SCHEMA)
        self._at_rest = at_rest

    def add(self, request: GenerationRequest, signature: str, openings: Openings, mask: bytes = b"") -> Job:
        """Queue a generation; the same request again is the job it already is. `mask`: a file; empty for none."""
        known = self.get(request.id)
        if known is not None:
            return known
        [(last,)] = self.database.rows("SELECT COALESCE(MAX(number), 0) FROM jobs")
        job = Job(request=request, signature=signature, openings=openings, number=last + 1)
        with self.database.writing() as database:
            row = (job.id, job.number, self._written(job))
            database.execute("INSERT INTO jobs VALUES (?, ?, 0, 0, ?)", row)
            if mask:
                database.execute("INSERT INTO masks VALUES (?, ?)", (job.id, self._at_rest.seal(mask)))
        return job

    def get(self, generation: str) -> Job | None:
        """A job by its id."""
        rows = self.database.rows("SELECT value FROM jobs WHERE generation = ?", generation)
        return self.read(rows[0][0]) if rows else None

    def mask(self, generation: str) -> bytes:
        """The mask of a job that has not ended; empty for none."""
        rows = self.database.rows("SELECT value FROM masks WHERE generation = ?", generation)
        return self._at_rest.open(rows[0][0]) if rows else b""

    def change(self, generation: str, change: Callable[[Job], Job]) -> Job:
        """Keep a job's new condition, made of what is on disk now, and return it. One that has ended stays as it is."""
        with self.database.writing() as database:
            query = "SELECT value FROM jobs WHERE generation = ?"
            before = self.read(database.execute(query, (generation,)).fetchone()[0])
            after = before if before.ended else change(before)
            if after != before:
                self.write(database, after)
        return after

    def write(self, database: sqlite3.Connection, job: Job) -> None:
        """Write a job within a transaction. One that has ended leaves the queue and its lease is over; what it was
        asked in clear is erased.
        """
        kept = replace(job, openings=Openings()) if job.ended else job
        row = (self._written(kept), job.ended, job.id)
        database.execute("UPDATE jobs SET value = ?, ended = ? WHERE generation = ?", row)
        if job.ended:
            database.execute("DELETE FROM leases WHERE generation = ?", (job.id,))
            database.execute("DELETE FROM masks WHERE generation = ?", (job.id,))

    def withdraw(self, generation: str) -> None:
        """Keep that a job was withdrawn, apart from its condition, which whoever works on it writes."""
        with self.database.writing() as database:
            database.execute("UPDATE jobs SET withdrawn = 1 WHERE generation = ?", (generation,))

    def withdrawn(self, generation: str) -> bool:
        """Whether a job that has not ended was withdrawn."""
        query = "SELECT 1 FROM jobs WHERE generation = ? AND withdrawn AND NOT ended"
        return bool(self.database.rows(query, generation))

    def unended(self) -> list[str]:
        """Ids of jobs that have not ended."""
        return [generation for (generation,) in self.database.rows("SELECT generation FROM jobs WHERE ended = 0")]

    def unleased(self) -> list[Job]:
        """Jobs that have not ended and nobody works on, the oldest first."""
        query = "SELECT value FROM jobs WHERE ended = 0 AND generation NOT IN (SELECT generation FROM leases)"
        return [self.read(value) for (value,) in self.database.rows(query + " ORDER BY number")]

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        [(count,)] = self.database.rows("SELECT COUNT(*) FROM jobs WHERE ended = 0")
        return int(count)

    def read(self, value: bytes) -> Job:
        """A job as it is kept."""
        return msgspec.json.decode(self._at_rest.open(value), type=Job)

    def _written(self, job: Job) -> bytes:
        return self._at_rest.seal(msgspec.json.encode(job))

    def close(self) -> None:
        self.database.close()


def end_left(path: Path, at_rest: AtRest) -> None:
    """End the jobs of a node that generates no more, so that nothing is kept in clear of what it was asked."""
    if not path.exists():
        return
    jobs, code = JobStore(path, at_rest), NodeCode.GENERATOR_ABSENT.name
    detail = "this node has no generator any more; ask another"
    try:
        for generation in jobs.unended():
            jobs.change(generation, lambda job: replace(job, state=FAILED, code=code, detail=detail))
    finally:
        jobs.close()
