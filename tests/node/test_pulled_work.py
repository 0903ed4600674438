"""Generators on other machines pull work from their node: what they are told, what they bring, and who is refused."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from asgi import answer_of
from attested import MODEL, openings
from consortium import ROLES, a_digest, a_genesis, key_of
from msgspec import convert
from msgspec.structs import replace
from PIL import Image
from written_chain import WrittenChain

from generator.attest import Attester, attest
from generator.protocol import Generate, Generated, Marks
from ledger import actions, crypto
from ledger.encoding import decode, encode
from ledger.execution.generated import RECORDED_WITHIN_MS
from ledger.generation import Attestation, GenerationRequest, Openings, PictureSource
from ledger.genesis import GenesisAccount
from node.api.app import make_app
from node.api.member import Member
from node.api.work import work_routes
from node.content.at_rest import AtRest
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.decoding.lanes import Decoders
from node.generation.asking import settings_of
from node.generation.heard import HeardWorkers, Served
from node.generation.jobs import JOBS, Job, JobStore, end_left
from node.generation.leases import NEVER_MS
from node.generation.marking import Marking
from node.generation.pulled import ACCOUNT_WORKERS_MAX, PulledWork
from node.generation.queue import ATTEMPTS_MAX, JobQueue
from node.generation.recording import Recorder
from node.generation.service import GenerationService
from node.ground.config import GeneratorSection
from remarque.api.work import GIVEN_PICTURE_BYTES_MAX, AskWork, MadePicture, Work, WorkSource

GEN, OTHER, BOB = "gen@studio", "gpu@studio", "bob@agency"
STRANGERS = ("", BOB, "alice@studio", "gen@agency")
LEASE_MS = 10_000
SERVED = Served((MODEL,))
W1, W2 = "01" * 16, "02" * 16
KEY = bytes(range(32))


def the_genesis() -> Any:
    roles = ROLES | {OTHER: ("generator",), "gen@agency": ("generator",)}
    accounts = (GenesisAccount(name=name, key=key_of(name).public, roles=own) for name, own in sorted(roles.items()))
    return a_genesis(accounts=tuple(accounts))


class House:
    """A node's queue with the face for workers, on a chain whose blocks are written by hand, and a clock."""

    def __init__(self, path: Path, decoders: Decoders) -> None:
        self.written = WrittenChain(path / "chain", the_genesis())
        self.chain = self.written.chain
        model = actions.RegisterModel(model=MODEL, name="m", version="1", licence="")
        self.written.block(self.written.ask(model))
        self.now_ms = 1_700_000_000_000
        self.store = Blockstore(path / "content")
        self.at_rest = AtRest(key_of("node1"))
        self.openings = OpeningStore(path / "openings", self.at_rest)
        self.path, self.decoders = path, decoders
        self.begin()

    def begin(self) -> None:
        """Start the node's generator, as after a kill."""
        clock = lambda: self.now_ms  # noqa: E731
        layers = SimpleNamespace(layers=("watermark", "label"), provider="Nord")
        marking = Marking(cast(Any, layers), KEY, lambda: False, self.chain)
        recorder = Recorder(self.chain, self.store, self.openings, marking)
        self.queue = JobQueue(JobStore(self.path / JOBS, self.at_rest), recorder, clock)
        self.heard = HeardWorkers(clock)
        self.pulled = PulledWork(self.queue, self.heard, recorder, marking, self.chain, self.decoders.members, LEASE_MS)
        section = GeneratorSection(local=False, lease_seconds=LEASE_MS // 1_000)
        self.service = GenerationService(section, self.chain, self.queue, None, self.heard, self.pulled)

    def asked_for(self, nonce: int = 1, mask: bytes = b"", **changes: Any) -> Job:
        """A generation that was asked of the node."""
        creator = key_of(BOB)
        request = GenerationRequest(
            chain=self.chain.name,
            creator=BOB,
            key=creator.public,
            generator="studio",
            model=MODEL,
            count=2,
            confidential=False,
            commitments=openings().commitments(),
            valid_until_ms=self.now_ms + 60_000,
            nonce=f"{nonce:032x}",
        )
        request = replace(request, **changes)
        signature = creator.sign(crypto.GENERATION_REQUEST, encode(request))
        return self.queue.add(request, signature, openings(), mask)

    def job(self, generation: str) -> Job:
        found = self.queue.jobs.get(generation)
        assert found is not None
        return found

    async def say(self, account: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """What a worker is answered."""
        room = cast(Any, SimpleNamespace(check_room=lambda: None))
        member = Member(account, lambda: True)
        app = make_app("0", [work_routes(self.pulled, room, cast(Any, lambda: member))])
        return await answer_of(app, "POST", f"/v1/leases{path}", body)

    async def told(self, account: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        return await self.say(account, path, encode(body))

    async def take(self, account: str = GEN, worker: str = W1, **more: Any) -> Work | None:
        asked = {"worker": worker, "models": [MODEL], "device": "cpu"} | more
        status, found = await self.told(account, "", **asked)
        assert status == 200, found
        return convert(found["work"], Work) if "work" in found else None

    async def taken(self, account: str = GEN, worker: str = W1) -> Work:
        found = await self.take(account, worker)
        assert found is not None
        return found

    async def bring(self, made: MadePicture, account: str = GEN) -> tuple[int, dict[str, Any]]:
        return await self.say(account, "/pictures", msgspec.msgpack.encode(made))

    def record(self, work: Work, made: MadePicture, content: Any, account: str = GEN) -> str:
        """Have a picture recorded by whoever made it; the outcome's code."""
        ask = actions.RegisterGenerated(
            request=work.request,
            request_signature=work.signature,
            attestation=made.attestation,
            attestation_signature=made.signature,
            content=convert(content, actions.Content),
        )
        height = self.written.block(self.written.ask(ask, signer=account))
        code: str = self.chain.finals.at(height).results.outcomes[0].code
        return code

    def close(self) -> None:
        self.queue.jobs.close()
        self.openings.close()
        self.written.close()


@pytest.fixture
def house(tmp_path: Path, decoders: Decoders) -> Iterator[House]:
    found = House(tmp_path, decoders)
    yield found
    found.close()


def picture_of(house: House, work: Work, index: int = 0, account: str = GEN, **changed: Any) -> MadePicture:
    """What a worker makes of its work, attested, unless a change breaks it."""
    job = house.job(work.request.id)
    marks = Marks(watermark_key=bytes.fromhex(work.marks.watermark_key), label=work.marks.label)
    order = Generate(job.id, 1, settings_of(job.openings), job.id, work.request.model, work.request.confidential, marks)
    image = Image.effect_noise((128, 128), 60 + index).convert("RGB").resize((128, 128))
    made: Generated = attest(image, index, order, Attester(account, house.chain.name, key_of(account)))
    said = replace(decode(made.attestation, Attestation), **{"time_ms": house.now_ms, **changed})
    signature = key_of(account).sign(crypto.ATTESTATION, encode(said))
    return MadePicture(lease=work.lease, file=made.png, attestation=said, signature=signature)


async def recorded(house: House, work: Work, index: int, account: str = GEN) -> None:
    made = picture_of(house, work, index, account)
    status, taken = await house.bring(made, account)
    assert status == 200, taken
    assert house.record(work, made, taken["content"], account) == "OK"


def test_a_worker_takes_a_job_brings_its_pictures_records_them_and_it_is_done(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        work = await house.taken()
        assert (work.request, work.openings.value("prompt"), work.marks.watermark_key) == (
            job.request, "a lighthouse", KEY.hex(),
        )  # fmt: skip
        assert house.queue.progress.describe(house.job(job.id)).state == "running"
        status, standing = await house.told(GEN, "/progress", lease=work.lease, index=0, step=3, steps=20)
        assert (status, standing) == (200, {"state": "running", "withdrawn": False, "known": []})
        assert house.queue.progress.describe(house.job(job.id)).step == 3
        await recorded(house, work, 0)
        _, standing = await house.told(GEN, "/progress", lease=work.lease)
        assert standing["known"] == [0]
        await recorded(house, work, 1)
        _, standing = await house.told(GEN, "/end", lease=work.lease)
        assert (standing["state"], standing["known"]) == ("done", [0, 1])

    asyncio.run(story())
    done = house.job(job.id)
    assert [one.index for one in done.pictures] == [0, 1]
    record = house.chain.ledger().asset(done.pictures[0].asset)
    assert (record.registrant, record.creator, house.service.made(record)) == (GEN, BOB, True)
    assert house.openings.get(job.id).value("prompt") == "a lighthouse"
    assert house.store.file(done.pictures[0].cid).startswith(b"\x89PNG")


def test_a_confidential_picture_is_encrypted_before_it_is_stored(house: House) -> None:
    house.asked_for(confidential=True)

    async def story() -> None:
        work = await house.taken()
        made = picture_of(house, work)
        _, taken = await house.bring(made)
        content = convert(taken["content"], actions.Content)
        assert [key.node for key in content.sealed_keys] == ["node2"]
        assert house.store.file(content.cid) != made.file
        assert house.record(work, made, taken["content"]) == "OK"

    asyncio.run(story())
    for file in house.path.rglob("*"):
        assert not file.is_file() or b"\x89PNG" not in file.read_bytes(), file


def test_nobody_but_generators_of_the_nodes_org_are_given_work(house: House) -> None:
    house.asked_for()

    async def story() -> None:
        work = await house.taken()
        said = encode({"lease": work.lease})
        bodies = {
            "": encode({"worker": W2, "models": [MODEL], "device": "cpu"}),
            "/progress": said,
            "/pictures": msgspec.msgpack.encode(picture_of(house, work)),
            "/end": said,
        }
        for path, body in bodies.items():
            for account in STRANGERS:
                status, found = await house.say(account, path, body)
                assert (status, found["code"]) == (403, "NOT_A_WORKER"), (path, account)

    asyncio.run(story())


def test_a_lease_is_its_accounts_alone_and_over_once_it_was_not_heard_of(house: House) -> None:
    job = house.asked_for()

    async def lost(account: str, work: Work) -> None:
        made = msgspec.msgpack.encode(picture_of(house, work, account=account))
        for answered in (
            await house.told(account, "/progress", lease=work.lease),
            await house.told(account, "/end", lease=work.lease, code="MINE"),
            await house.say(account, "/pictures", made),
        ):
            assert (answered[0], answered[1]["code"]) == (409, "WORK_LOST")

    async def story() -> None:
        work = await house.taken()
        await lost(OTHER, work)
        await lost(GEN, msgspec.structs.replace(work, lease="00" * 32))
        for _ in range(2):
            house.now_ms += LEASE_MS
            assert (await house.told(GEN, "/progress", lease=work.lease))[0] == 200
        house.now_ms += LEASE_MS + 1
        await lost(GEN, work)
        assert await house.take(OTHER, W2) is None, "it is not yet given back"
        await house.queue.sweep([])
        assert (await house.taken(OTHER, W2)).request == job.request
        await lost(GEN, work)

    asyncio.run(story())


def test_what_a_lost_worker_had_recorded_stays_and_another_goes_on_behind_it(house: House) -> None:
    job = house.asked_for(count=3)

    async def story() -> None:
        work = await house.taken()
        await recorded(house, work, 0)  # and is killed before it says so
        house.now_ms += LEASE_MS + 1
        await house.queue.sweep([])
        other = await house.taken(OTHER, W2)
        assert other.known == (0,)
        status, found = await house.bring(picture_of(house, other, 0, OTHER), OTHER)
        assert (status, found["code"]) == (422, "REQUEST_USED")
        for index in (1, 2):
            await recorded(house, other, index, OTHER)
        _, standing = await house.told(OTHER, "/progress", lease=other.lease)
        assert standing["state"] == "done"

    asyncio.run(story())
    made = [house.chain.ledger().asset(one.asset).registrant for one in house.job(job.id).pictures]
    assert made == [GEN, OTHER, OTHER]


def test_a_job_of_which_all_is_recorded_is_done_though_its_worker_is_lost(house: House) -> None:
    job = house.asked_for(count=1)

    async def story() -> None:
        await recorded(house, await house.taken(), 0)
        house.now_ms += LEASE_MS + 1
        await house.queue.sweep([])

    asyncio.run(story())
    assert house.job(job.id).state == "done"


def test_a_job_whose_workers_are_lost_again_and_again_fails(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        for attempt in range(ATTEMPTS_MAX):
            await house.taken(worker=f"{attempt:032x}")
            house.now_ms += LEASE_MS + 1
            await house.queue.sweep([])

    asyncio.run(story())
    failed = house.job(job.id)
    assert (failed.state, failed.code, failed.attempts) == ("failed", "GENERATION_FAILED", ATTEMPTS_MAX)


def test_a_worker_that_stops_in_good_order_costs_no_attempt(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        for number in range(ATTEMPTS_MAX + 1):
            work = await house.taken(worker=f"{number:032x}")
            _, standing = await house.told(GEN, "/end", lease=work.lease)
            assert standing["state"] == "queued"

    asyncio.run(story())
    assert house.job(job.id).attempts == 0


def test_a_worker_that_cannot_do_a_job_ends_it_with_its_reason(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        work = await house.taken()
        await house.told(GEN, "/end", lease=work.lease, code="SETTINGS_INVALID", detail="guidance has no part")

    asyncio.run(story())
    failed = house.job(job.id)
    assert (failed.code, failed.detail) == ("GENERATION_FAILED", "SETTINGS_INVALID: guidance has no part")


def test_what_a_worker_is_unable_to_do_goes_on_with_others_until_three_were(house: House) -> None:
    job = house.asked_for()

    async def story() -> list[str]:
        states = []
        for number in range(ATTEMPTS_MAX):
            work = await house.taken(worker=f"{number:032x}")
            said = {"code": "MODEL_MISMATCH", "detail": "m1", "unable": True}
            states.append((await house.told(GEN, "/end", lease=work.lease, **said))[1]["state"])
        return states

    assert asyncio.run(story()) == ["queued"] * (ATTEMPTS_MAX - 1) + ["failed"]
    failed = house.job(job.id)
    assert (failed.code, failed.detail) == ("GENERATION_FAILED", "the worker ended 3 times: MODEL_MISMATCH: m1")


def test_a_refused_record_is_told_and_the_other_pictures_go_on(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        work = await house.taken()
        refused = {"index": 0, "code": "ASSET_EXISTS", "detail": "it is recorded"}
        await house.told(GEN, "/progress", lease=work.lease, refused=refused)
        status, found = await house.told(GEN, "/progress", lease=work.lease, refused=refused | {"index": 2})
        assert (status, found["code"]) == (400, "REQUEST_MALFORMED")
        await recorded(house, work, 1)
        await house.told(GEN, "/end", lease=work.lease)

    asyncio.run(story())
    done = house.job(job.id)
    assert (done.state, [one.detail for one in done.refused]) == ("done", ["ASSET_EXISTS: it is recorded"])


@pytest.mark.parametrize("code", ["INSUFFICIENT_FUNDS", "POLICY_DENIED", "no code at all"])
def test_what_would_be_refused_of_every_picture_ends_the_job_at_the_first(house: House, code: str) -> None:
    job = house.asked_for(count=3)

    async def story() -> None:
        work = await house.taken()
        await recorded(house, work, 0)
        refused = {"index": 1, "code": code, "detail": "no more money"}
        _, standing = await house.told(GEN, "/progress", lease=work.lease, refused=refused)
        assert standing["state"] == "failed"
        assert (await house.told(GEN, "/progress", lease=work.lease))[0] != 200

    asyncio.run(story())
    done = house.job(job.id)
    assert (done.code, done.detail) == (code if code.isupper() else "GENERATION_FAILED", "no more money")
    assert [one.index for one in done.pictures] == [0]
    assert done.openings == Openings()


def test_a_job_ends_at_once_when_settings_of_it_are_erased_on_the_chain(house: House) -> None:
    job = house.asked_for(count=3, mask=b"white")

    async def story() -> Work:
        work = await house.taken()
        await recorded(house, work, 0)
        erasing = actions.EraseSettings(request=job.id, fields=("prompt",))
        house.written.block(house.written.ask(erasing, signer=BOB))
        house.service.end_erased()
        return work

    work = asyncio.run(story())
    done = house.job(job.id)
    assert (done.code, done.openings) == ("GENERATION_CANCELLED", Openings())
    assert work.mask == b"white"
    assert house.queue.jobs.mask(job.id) == b""
    assert house.queue.leases.find(work.lease) is None


def test_a_node_that_generates_no_more_keeps_nothing_that_it_was_asked(house: House) -> None:
    job = house.asked_for(mask=b"white")
    house.queue.jobs.close()

    end_left(house.path / JOBS, house.at_rest)

    house.begin()
    done = house.job(job.id)
    assert (done.code, done.openings, house.queue.jobs.mask(job.id)) == ("GENERATOR_ABSENT", Openings(), b"")


def test_a_job_that_can_be_recorded_no_more_ends_though_no_worker_is_heard_of(house: House) -> None:
    job = house.asked_for()

    house.now_ms = job.request.valid_until_ms + RECORDED_WITHIN_MS
    asyncio.run(house.queue.sweep([]))
    assert house.job(job.id).state == "queued"
    house.now_ms += 1
    asyncio.run(house.queue.sweep([]))
    assert house.job(job.id).code == "GENERATION_FAILED"


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("it is for other", {"chain": "other"}),
    ("it is gpu@studio's", {"generator": OTHER}),
    ("not a key of gen@studio in force", {"key": key_of("eve").public}),
    ("another request", {"request": a_digest("another request")}),
    ("another model", {"model": a_digest("another model")}),
    ("picture 2 was not asked for", {"index": 2}),
    ("another size than was asked", {"width": 64}),
    ("not about a PNG", {"media_type": "image/webp"}),
    ("the file is another one", {"file_digest": a_digest("another file")}),
    ("other pixels", {"pixel_digest": a_digest("other pixels")}),
    ("another image code", {"image_code": "ISCC:" + "A" * 55}),
    ("has not that watermark", {"mark": "94601a6497"}),
    ("of a time to come", {"time_ms": 1_700_000_000_000 + 301_000}),
]


def test_a_picture_that_is_not_what_its_attestation_says_is_not_stored(house: House) -> None:
    house.asked_for()

    async def story() -> None:
        work = await house.taken()
        for fault, change in BROKEN:
            status, found = await house.bring(picture_of(house, work, **change))
            assert (status, found["code"]) == (422, "ATTESTATION_INVALID"), fault
            assert fault in found["detail"]

    asyncio.run(story())
    assert not house.store.uploads._since


def test_a_forged_signature_another_file_and_what_is_no_picture_are_refused(house: House) -> None:
    house.asked_for()

    async def story() -> None:
        work = await house.taken()
        made = picture_of(house, work)
        other = io.BytesIO()
        Image.new("RGB", (128, 128)).save(other, "PNG")
        for change, code in (
            ({"signature": "00" * 64}, "ATTESTATION_INVALID"),
            ({"file": other.getvalue()}, "ATTESTATION_INVALID"),
            ({"file": b"no picture"}, "IMAGE_UNREADABLE"),
        ):
            _, found = await house.bring(replace(made, **change))
            assert found["code"] == code
        for body in (b"", b"\xc1", encode({}), msgspec.msgpack.encode(made)[:-9]):
            status, found = await house.say(GEN, "/pictures", body)
            assert (status, found["code"]) == (400, "REQUEST_MALFORMED")
        large = msgspec.msgpack.encode(replace(made, file=bytes(GIVEN_PICTURE_BYTES_MAX + 1)))
        assert (await house.say(GEN, "/pictures", large))[1]["code"] == "REQUEST_MALFORMED"
        larger = msgspec.msgpack.encode(replace(made, file=bytes(GIVEN_PICTURE_BYTES_MAX + 20_000)))
        assert (await house.say(GEN, "/pictures", larger))[1]["code"] == "BODY_TOO_LARGE"

    asyncio.run(story())
    assert not house.store.uploads._since


def test_a_picture_that_is_brought_twice_waits_once_at_the_cost_of_its_worker(house: House) -> None:
    house.asked_for()

    async def story() -> None:
        work = await house.taken()
        made = picture_of(house, work)
        first, second = await house.bring(made), await house.bring(made)
        assert first == second
        assert {account: len(held) for account, held in house.store.uploads._since.items()} == {GEN: 1}

    asyncio.run(story())


def test_a_withdrawn_job_takes_no_picture_and_ends_once_its_worker_does(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        work = await house.taken()
        await recorded(house, work, 0)
        assert house.service.withdraw(job.id, BOB).state == "running"
        _, standing = await house.told(GEN, "/progress", lease=work.lease)
        assert (standing["state"], standing["withdrawn"]) == ("running", True)
        status, found = await house.bring(picture_of(house, work, 1))
        assert (status, found["code"]) == (409, "GENERATION_CANCELLED")
        _, standing = await house.told(GEN, "/end", lease=work.lease, code="CANCELLED")
        assert standing["state"] == "failed"

    asyncio.run(story())
    ended = house.job(job.id)
    assert (ended.code, [one.index for one in ended.pictures]) == ("GENERATION_CANCELLED", [0])


def test_a_withdrawn_job_ends_though_its_worker_is_lost_and_a_waiting_one_at_once(house: House) -> None:
    job, waiting = house.asked_for(1), house.asked_for(2)

    async def story() -> None:
        await house.taken()
        house.service.withdraw(job.id, BOB)
        house.now_ms += LEASE_MS + 1
        await house.queue.sweep([])

    asyncio.run(story())
    house.service.withdraw(waiting.id, BOB)
    assert {house.job(one.id).code for one in (job, waiting)} == {"GENERATION_CANCELLED"}


def test_a_node_that_was_killed_knows_its_leases_and_its_withdrawals(house: House) -> None:
    job = house.asked_for()

    async def story() -> None:
        work = await house.taken()
        await recorded(house, work, 0)
        house.service.withdraw(job.id, BOB)
        house.now_ms += 100 * LEASE_MS
        house.queue.jobs.close()
        house.begin()
        assert house.service.served == []
        _, standing = await house.told(GEN, "/progress", lease=work.lease)
        assert (standing["withdrawn"], standing["known"]) == (True, [0])
        assert house.service.served == [SERVED], "it is heard of again"
        assert await house.take(OTHER, W2) is None

    asyncio.run(story())


def test_a_node_tells_the_models_of_all_that_it_has_heard_of_lately(house: House) -> None:
    async def story() -> None:
        await house.take(GEN, W1, models=[MODEL])
        await house.take(OTHER, W2, models=[a_digest("another model"), MODEL], adapters=[a_digest("ink")])

    asyncio.run(story())
    assert house.service.served == [SERVED, Served((a_digest("another model"), MODEL), (a_digest("ink"),))]
    house.now_ms += 91_000
    assert house.service.served == []


def test_a_job_that_nobody_has_the_model_for_fails_once_its_request_is_over(house: House) -> None:
    job = house.asked_for(model=a_digest("a model of nobody"))

    async def states() -> AsyncIterator[str]:
        for served, later in (([SERVED], 0), ([], 60_001), ([SERVED], 0)):
            house.now_ms += later
            await house.queue.sweep(served)
            yield house.job(job.id).state

    async def story() -> list[str]:
        return [state async for state in states()]

    assert asyncio.run(story()) == ["queued", "queued", "failed"]
    assert house.job(job.id).code == "MODEL_NOT_LOADED"


def test_a_worker_waits_until_there_is_work_and_no_longer_than_it_says(house: House) -> None:
    @asynccontextmanager
    async def waiting(seconds: int) -> AsyncIterator[asyncio.Task[Work | None]]:
        task = asyncio.create_task(house.take(wait_seconds=seconds))
        while not house.pulled._asking[GEN]:
            await asyncio.sleep(0)
        yield task

    async def story() -> None:
        async with waiting(30) as task:
            job = house.asked_for()
            work = await asyncio.wait_for(task, 20)
            assert work is not None
            assert work.request.id == job.id
        assert await house.take(worker=W2) is None

    asyncio.run(story())
    assert house.pulled._asking.total() == 0


def test_a_worker_that_went_away_while_it_waited_is_given_nothing(house: House) -> None:
    house.asked_for()

    async def gone() -> bool:
        return True

    async def story() -> None:
        asked = AskWork(worker=W1, models=(MODEL,), device="cpu", wait_seconds=30)
        assert await house.pulled.take(asked, GEN, gone) is None
        assert await house.take(OTHER, W2) is not None

    asyncio.run(story())


def test_an_account_has_so_many_workers_and_no_more(house: House) -> None:
    for number in range(ACCOUNT_WORKERS_MAX + 1):
        house.asked_for(number)

    async def story() -> None:
        for number in range(ACCOUNT_WORKERS_MAX):
            await house.taken(worker=f"{number:032x}")
        asked = {"worker": "ff" * 16, "models": [MODEL], "device": "cpu"}
        status, found = await house.told(GEN, "", **asked)
        assert (status, found["code"]) == (429, "ACCOUNT_BUSY")
        assert await house.take(OTHER) is not None

    asyncio.run(story())


def test_the_nodes_own_worker_and_one_that_pulls_share_a_queue(house: House) -> None:
    first, second = house.asked_for(1), house.asked_for(2)

    async def story() -> None:
        own = await house.queue.take(GEN, "own", SERVED, NEVER_MS)
        assert own is not None
        assert (own[0].id, (await house.taken(OTHER, W2)).request.id) == (first.id, second.id)
        house.now_ms += 1_000 * LEASE_MS
        await house.queue.sweep([])
        assert house.queue.leases.of_job(first.id) == own[1]
        house.service.withdraw(first.id, BOB)
        house.queue.jobs.close()
        house.begin()
        assert (await house.taken(OTHER, W2)).request.id == second.id
        assert house.job(first.id).code == "GENERATION_CANCELLED", "though its worker died with the node"

    asyncio.run(story())


def test_a_source_is_named_with_where_its_file_and_its_mask_are(house: House) -> None:
    job = house.asked_for(count=1)

    async def story() -> None:
        await recorded(house, await house.taken(), 0)
        assert await house.take() is None, "all of it is recorded, so it is done"
        [made] = house.job(job.id).pictures
        house.asked_for(2, source=PictureSource(asset=made.asset))
        work = await house.taken()
        assert work.source == WorkSource(asset=made.asset, cid=made.cid)

    asyncio.run(story())
