"""Who works on which job: never two on one, none for ever, and no job is lost, wherever the node is killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from attested import MODEL, a_record, openings
from consortium import a_digest, key_of
from msgspec.structs import replace
from written_chain import GENESIS

from ledger.generation import ModelAdapter
from node.content.at_rest import AtRest
from node.generation.heard import Served
from node.generation.jobs import JOBS, Job, JobStore
from node.generation.leases import NEVER_MS, Lease, Leases
from node.storage.erasable import Erasable
from remarque.api.generation import DONE, FAILED, QUEUED, RUNNING, GeneratedPicture, RefusedPicture

GEN, OTHER = "gen@studio", "gpu@studio"
SOON, LATER = 1_000, 9_000
SERVED = Served((MODEL,))


def a_store(path: Path) -> JobStore:
    return JobStore(path / JOBS, AtRest(key_of("node1")))


def asked_for(jobs: JobStore, nonce: int, **changes: Any) -> Job:
    state = cast(Any, SimpleNamespace(genesis=GENESIS, time_ms=0))
    record = a_record(state, request={"nonce": f"{nonce:032x}"} | changes)
    return jobs.add(record.request, record.request_signature, openings())


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    store = a_store(tmp_path)
    yield store
    store.close()


def granted(leases: Leases, account: str, worker: str, until_ms: int = SOON) -> tuple[Job, Lease]:
    found = leases.grant(account, worker, SERVED, until_ms)
    assert found is not None
    return found


def test_no_two_workers_are_given_one_job_and_the_oldest_goes_first(jobs: JobStore) -> None:
    first, second = asked_for(jobs, 1), asked_for(jobs, 2)
    leases = Leases(jobs)

    taken = [granted(leases, GEN, "a")[0], granted(leases, OTHER, "a")[0]]

    assert [(job.id, job.state, job.attempts) for job in taken] == [(first.id, RUNNING, 1), (second.id, RUNNING, 1)]
    assert leases.grant(GEN, "b", SERVED, SOON) is None


def test_a_worker_is_given_only_what_it_has_the_model_for(jobs: JobStore) -> None:
    asked_for(jobs, 1)
    mine = asked_for(jobs, 2, model=a_digest("another model"))
    leases = Leases(jobs)

    found = leases.grant(GEN, "a", Served((a_digest("another model"),)), SOON)

    assert found is not None
    assert found[0].id == mine.id


def test_a_worker_is_given_only_what_it_has_all_adapters_for(jobs: JobStore) -> None:
    ink, gold = a_digest("ink"), a_digest("gold")
    asked_for(jobs, 1, adapters=tuple(ModelAdapter(model=one, weight_centi=50) for one in (ink, gold)))
    leases = Leases(jobs)

    assert leases.grant(GEN, "a", SERVED, SOON) is None
    assert leases.grant(GEN, "a", Served((MODEL,), (ink,)), SOON) is None
    assert leases.grant(GEN, "a", Served((ink, gold), (MODEL,)), SOON) is None
    assert leases.grant(GEN, "a", Served((MODEL,), (gold, ink)), SOON) is not None


def test_a_worker_that_asks_again_is_given_what_it_has(jobs: JobStore) -> None:
    job = asked_for(jobs, 1)
    asked_for(jobs, 2)
    leases = Leases(jobs)
    _, lease = granted(leases, GEN, "a")

    again, same = granted(leases, GEN, "a", LATER)

    assert (again.id, again.attempts, same.token) == (job.id, 1, lease.token)
    assert leases.find(lease.token) == replace(lease, until_ms=LATER)


def test_a_lease_lapses_unless_it_is_renewed(jobs: JobStore) -> None:
    asked_for(jobs, 1)
    leases = Leases(jobs)
    _, lease = granted(leases, GEN, "a")

    assert (leases.lapsed(SOON), leases.lapsed(SOON + 1)) == ([], [lease])
    leases.renew(lease, LATER)
    assert leases.lapsed(SOON + 1) == []


@pytest.mark.parametrize(("counted", "attempts"), [(True, 1), (False, 0)])
def test_a_job_that_is_given_back_waits_for_another_and_its_lease_is_over(
    jobs: JobStore, counted: bool, attempts: int
) -> None:
    asked_for(jobs, 1)
    leases = Leases(jobs)
    job, lease = granted(leases, GEN, "a")

    leases.give_back(lease, counted=counted)

    assert (leases.find(lease.token), leases.of_job(job.id), leases.count(GEN)) == (None, None, 0)
    waits = jobs.get(job.id)
    assert waits is not None
    assert (waits.state, waits.attempts) == (QUEUED, attempts)
    other, new = granted(leases, OTHER, "b")
    assert (other.id, new.token != lease.token) == (job.id, True)


@pytest.mark.parametrize("state", [DONE, FAILED])
def test_the_lease_of_a_job_that_has_ended_is_over_and_the_job_stays_as_it_ended(jobs: JobStore, state: str) -> None:
    job = asked_for(jobs, 1)
    leases = Leases(jobs)
    _, lease = granted(leases, GEN, "a")

    jobs.change(job.id, lambda now: replace(now, state=state))

    assert leases.find(lease.token) is None
    assert jobs.change(job.id, lambda now: replace(now, state=RUNNING)).state == state
    assert leases.grant(GEN, "a", SERVED, SOON) is None


def test_a_start_ends_the_lease_of_the_nodes_own_worker_and_lets_others_last(tmp_path: Path) -> None:
    jobs = a_store(tmp_path)
    own, pulled, long = asked_for(jobs, 1), asked_for(jobs, 2), asked_for(jobs, 3)
    leases = Leases(jobs)
    granted(leases, GEN, "own", NEVER_MS)
    granted(leases, GEN, "a", SOON)
    granted(leases, GEN, "b", LATER + 1)
    jobs.close()

    jobs = a_store(tmp_path)
    leases = Leases(jobs)
    leases.begin(LATER)

    assert [(job.id, job.attempts) for job in jobs.unleased()] == [(own.id, 0)]
    ends = [leases.of_job(one.id) for one in (pulled, long)]
    assert [one.until_ms for one in ends if one is not None] == [LATER, LATER + 1]
    jobs.close()


class Killed(Exception):
    """The node is killed here."""


class Dying:
    """A database that dies before it does a certain statement."""

    def __init__(self, database: sqlite3.Connection, left: int) -> None:
        self._database = database
        self.left = left

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if self.left == 0:
            raise Killed
        self.left -= 1
        return self._database.execute(*statement)


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("change", ["grant", "give_back", "end"])
def test_killed_between_any_two_writes_a_job_has_one_worker_or_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, after: int
) -> None:
    jobs = a_store(tmp_path)
    job, leases = asked_for(jobs, 1), Leases(jobs)
    lease = None if change == "grant" else granted(leases, GEN, "a")[1]
    writing = Erasable.writing

    @contextmanager
    def dying(self: Erasable) -> Iterator[Any]:
        with writing(self) as database:
            yield Dying(database, after)

    monkeypatch.setattr(Erasable, "writing", dying)
    try:
        if lease is None:
            granted(leases, GEN, "a")
        elif change == "give_back":
            leases.give_back(lease, counted=True)
        else:
            jobs.change(job.id, lambda now: replace(now, state=DONE))
        done = True
    except Killed:
        done = False
    monkeypatch.undo()
    jobs.close()

    jobs = a_store(tmp_path)
    leases, found = Leases(jobs), jobs.get(job.id)
    held = leases.of_job(job.id) is not None
    assert found is not None
    assert held == (found.state == RUNNING), "a job runs if and only if somebody has it"
    assert held == (done == (change == "grant"))
    assert bool(jobs.unleased()) == (found.state == QUEUED)
    jobs.close()


def test_it_is_kept_what_became_of_each_picture_once(jobs: JobStore) -> None:
    job = asked_for(jobs, 1, count=3)
    made = GeneratedPicture(index=2, asset="a", cid="b", transaction="c")
    refused = RefusedPicture(index=0, code="ASSET_EXISTS", detail="")
    for found in (made, refused, replace(made, asset="later"), replace(refused, index=2)):
        job = jobs.change(job.id, lambda now, found=found: now.with_known(found))

    assert (job.pictures, job.refused, job.known, job.complete) == ((made,), (refused,), (0, 2), False)
    assert job.with_known(replace(made, index=1)).complete


@pytest.mark.parametrize(
    ("known", "batch", "first"),
    [((), 1, 0), ((0, 1), 1, 2), ((1, 2), 1, 0), ((0, 1, 2), 4, 0), ((0, 1, 2, 3), 4, 4), ((0, 1, 2), 2, 2)],
)
def test_a_job_goes_on_with_the_first_batch_of_which_something_is_missing(
    jobs: JobStore, known: tuple[int, ...], batch: int, first: int
) -> None:
    job = asked_for(jobs, 1, count=5)
    found = (RefusedPicture(index=index, code="ASSET_EXISTS", detail="") for index in known)

    assert job.with_known(*found).first_unknown(batch) == first
