"""Who works on which job, and until when: durable, so that a node killed at any moment gives no job to two workers.

A job has one lease or none, and a worker one. A lease ends when its worker says so, or when its worker was not heard of
for as long as it lasts; whoever shows it later is refused. What a worker had recorded by then stays recorded.
"""

from __future__ import annotations

import secrets
import sqlite3

import msgspec
from msgspec.structs import replace

from node.generation.heard import Served
from node.generation.jobs import Job, JobStore
from remarque.api.generation import QUEUED, RUNNING

NEVER_MS = 2**62
"""When the lease of the node's own worker ends: never, for that one ends with its node or is heard to end."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A job that one worker has, for a time."""

    generation: str
    token: str
    """32 random bytes as hex, which the worker shows."""
    account: str
    worker: str
    until_ms: int


class Leases:
    """The leases of a queue's jobs. Every method is one transaction with the jobs it changes."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._database = jobs.database

    def grant(self, account: str, worker: str, served: Served, until_ms: int) -> tuple[Job, Lease] | None:
        """Give a worker the oldest job that it can do and nobody works on; None if there is none.

        One that has a job is given that again: the answer may have been lost.
        """
        with self._database.writing() as database:
            held = self._held(account, worker)
            if held is not None:
                database.execute("UPDATE leases SET until_ms = ? WHERE token = ?", (until_ms, held.token))
                return self._job(held), replace(held, until_ms=until_ms)
            for job in self._jobs.unleased():
                if served.has(job.request):
                    return self._granted(database, job, account, worker, until_ms)
        return None

    def _granted(
        self, database: sqlite3.Connection, job: Job, account: str, worker: str, until_ms: int
    ) -> tuple[Job, Lease]:
        taken = replace(job, state=RUNNING, attempts=job.attempts + 1)
        lease = Lease(generation=job.id, token=secrets.token_hex(32), account=account, worker=worker, until_ms=until_ms)
        self._jobs.write(database, taken)
        row = (lease.generation, lease.token, lease.account, lease.worker, lease.until_ms)
        database.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", row)
        return taken, lease

    def find(self, token: str) -> Lease | None:
        """A lease by what its worker shows."""
        return self._found("token = ?", token)

    def of_job(self, generation: str) -> Lease | None:
        """The lease of a job that somebody works on."""
        return self._found("generation = ?", generation)

    def count(self, account: str) -> int:
        """How many jobs the workers of an account have."""
        [(found,)] = self._database.rows("SELECT COUNT(*) FROM leases WHERE account = ?", account)
        return int(found)

    def renew(self, lease: Lease, until_ms: int) -> None:
        """Let a lease last longer."""
        with self._database.writing() as database:
            database.execute("UPDATE leases SET until_ms = ? WHERE token = ?", (until_ms, lease.token))

    def give_back(self, lease: Lease, *, counted: bool) -> None:
        """End a lease and let its job wait for another worker. Not `counted`: as if it had not been begun."""
        with self._database.writing() as database:
            job = self._job(lease)
            left = max(job.attempts - (not counted), 0)
            database.execute("DELETE FROM leases WHERE token = ?", (lease.token,))
            self._jobs.write(database, replace(job, state=QUEUED, attempts=left))

    def lapsed(self, now_ms: int) -> list[Lease]:
        """Leases whose time is over."""
        return self._all("until_ms < ?", now_ms)

    def begin(self, until_ms: int) -> None:
        """After a start: the node's own worker is gone and its job waits, uncounted; other workers could not reach the
        node for a while, so their leases last at least until then.
        """
        for lease in self._all("until_ms = ?", NEVER_MS):
            self.give_back(lease, counted=False)
        with self._database.writing() as database:
            database.execute("UPDATE leases SET until_ms = MAX(until_ms, ?)", (until_ms,))

    def _job(self, lease: Lease) -> Job:
        [(value,)] = self._database.rows("SELECT value FROM jobs WHERE generation = ?", lease.generation)
        return self._jobs.read(value)

    def _held(self, account: str, worker: str) -> Lease | None:
        return self._found("account = ? AND worker = ?", account, worker)

    def _found(self, where: str, *values: object) -> Lease | None:
        found = self._all(where, *values)
        return found[0] if found else None

    def _all(self, where: str, *values: object) -> list[Lease]:
        query = f"SELECT generation, token, account, worker, until_ms FROM leases WHERE {where}"  # noqa: S608, ours
        return [
            Lease(generation=generation, token=token, account=account, worker=worker, until_ms=until_ms)
            for generation, token, account, worker, until_ms in self._database.rows(query, *values)
        ]
