"""A worker with work in hand: what it does when its node is away, refuses, withdraws, or gave the work to another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from consortium import a_digest, key_of
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image

from generator import in_hand, patience
from generator.attest import Attester, attest
from generator.in_hand import WorkInHand
from generator.protocol import Failed, Generate, Generated, StepProgress
from ledger import crypto
from ledger.actions import Content
from ledger.encoding import encode
from ledger.generation import GenerationRequest, Opening, Openings, PictureSource
from remarque.api.work import Work, WorkMarks, WorkSource, WorkStanding
from remarque.errors import RemarqueError

GEN = "gen@studio"
SETTINGS: dict[str, str | int] = {
    "prompt": "a boat", "negative_prompt": "", "seed": 7, "steps": 3, "guidance_centi": 0, "width": 128, "height": 128,
}  # fmt: skip
RUNNING = WorkStanding(state="running", withdrawn=False, known=())


def a_work(count: int = 1, settings: dict[str, str | int] = SETTINGS, source: str = "", **changes: Any) -> Work:
    key = key_of("bob@agency")
    openings = Openings(**{field: Opening(salt="ab" * 16, value=value) for field, value in settings.items()})
    request = GenerationRequest(
        chain="test", creator="bob@agency", key=key.public, generator="studio",
        model=a_digest("model"), count=count, confidential=False, commitments=openings.commitments(),
        source=PictureSource(asset=source) if source else UNSET, valid_until_ms=1, nonce="00" * 16,
    )  # fmt: skip
    signature = key.sign(crypto.GENERATION_REQUEST, encode(request))
    marks = WorkMarks(watermark_key="", label=False, provider="", system="", version="", manifest=False)
    parts: dict[str, Any] = {
        "lease": "ab" * 32, "lasts_ms": 1_000, "request": request, "signature": signature, "openings": openings,
        "marks": marks, "known": (), "first": 0,
        "source": WorkSource(asset=source, cid="bafksource") if source else UNSET,
    }  # fmt: skip
    return Work(**(parts | changes))


class Maker:
    """What makes pictures: at each order it says what is prepared, and that it was cancelled when it is."""

    def __init__(self, says: Callable[[Generate], Iterable[Any]]) -> None:
        self._says = says
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self.orders: list[Generate] = []
        self.cancelled: list[str] = []

    def ask(self, order: Generate) -> None:
        self.orders.append(order)
        for one in self._says(order):
            self._said.put_nowait(one)

    def cancel(self, job: str) -> None:
        self.cancelled.append(job)
        self._said.put_nowait(Failed(job, "CANCELLED", "withdrawn"))

    async def next(self) -> Any:
        return await self._said.get()


class Node:
    """A node whose answers are prepared by what is asked: values, or refusals that are raised. The last one stays."""

    def __init__(self, **answers: list[Any]) -> None:
        self._answers: dict[str, list[Any]] = {
            "give_picture": [Content(cid="bafk", size=1, media_type="image/png")], "sign": ["signed"], "send": ["OK"],
            "report_work": [RUNNING], "end_work": [RUNNING],
        } | answers  # fmt: skip
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def answer(*given: Any, **named: Any) -> Any:
            self.asked.append((name, named))
            prepared = self._answers[name]
            found = prepared.pop(0) if len(prepared) > 1 else prepared[0]
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    def asks(self, name: str) -> list[dict[str, Any]]:
        return [named for one, named in self.asked if one == name]


def pictures(order: Generate) -> list[Generated]:
    image = Image.new("RGB", (128, 128), "red")
    attester = Attester(GEN, "test", key_of(GEN))
    first = order.settings.index
    return [attest(image, index, order, attester) for index in range(first, first + order.count)]


def refused(code: str, status: int = 422, *, final: bool = False) -> RemarqueError:
    return RemarqueError(code, "no", status, cast(Any, SimpleNamespace()) if final else None)


def done(node: Node, maker: Maker, work: Work) -> bool:
    """Whether the worker was able to do it."""
    return asyncio.run(asyncio.wait_for(WorkInHand(cast(Any, node), cast(Any, maker), work, "test").do(), 20))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(in_hand, "REPORT_SECONDS", 0.001)
    monkeypatch.setattr(in_hand, "AGAIN_SECONDS", 0.0)


def test_a_node_that_is_away_or_busy_is_asked_again_and_nothing_is_made_twice() -> None:
    away = [ConnectionError("away"), refused("ACCOUNT_BUSY", 429), refused("NO_LEADER", 503)]
    node = Node(give_picture=[*away, Content(cid="bafk", size=1, media_type="image/png")], send=[*away, "OK"])
    maker = Maker(pictures)

    done(node, maker, a_work(2))

    assert [len(maker.orders), len(node.asks("give_picture")), len(node.asks("sign"))] == [1, 5, 2]
    assert node.asks("end_work") == [{"code": "", "detail": "", "unable": False}]
    assert maker.cancelled == []


def test_work_that_another_began_is_gone_on_with_where_something_is_missing() -> None:
    node, maker = Node(), Maker(pictures)

    done(node, maker, a_work(4, known=(0, 1, 3), first=2))

    assert [(order.settings.index, order.count) for order in maker.orders] == [(2, 2)]
    assert len(node.asks("give_picture")) == 1


def test_a_record_that_the_ledger_refuses_is_told_and_one_that_stands_is_not() -> None:
    node = Node(send=[refused("ASSET_EXISTS", final=True), refused("REQUEST_USED", final=True)])

    done(node, Maker(pictures), a_work(2))

    told = [named["refused"] for named in node.asks("report_work") if "refused" in named]
    assert [None if one is None else (one.index, one.code) for one in told] == [(0, "ASSET_EXISTS"), None]


def test_a_transaction_that_is_too_old_is_signed_anew() -> None:
    node = Node(send=[refused("EXPIRED"), "OK"])

    done(node, Maker(pictures), a_work())

    assert (len(node.asks("sign")), len(node.asks("give_picture"))) == (2, 1)


@pytest.mark.parametrize("code", ["ATTESTATION_INVALID", "IMAGE_UNREADABLE"])
def test_what_the_node_refuses_for_good_leaves_the_work_to_others(code: str) -> None:
    node, maker = Node(give_picture=[refused(code)]), Maker(pictures)

    assert not done(node, maker, a_work(2))

    assert node.asks("end_work") == [{"code": code, "detail": "no", "unable": True}]
    assert maker.cancelled == ["ab" * 32]


@pytest.mark.parametrize("lie", ["chain", "signature", "openings", "source"])
def test_nothing_is_made_that_the_creator_did_not_sign(lie: str) -> None:
    work, other = a_work(), Openings(prompt=Opening(salt="ab" * 16, value="not what was asked"))
    lies: dict[str, Any] = {
        "chain": {"request": replace(work.request, chain="another-00000000")},
        "signature": {"signature": "00" * 64},
        "openings": {"openings": replace(work.openings, prompt=other.prompt)},
        "source": {"source": WorkSource(asset=a_digest("another"), cid="bafk")},
    }
    node, maker = Node(), Maker(pictures)

    assert not done(node, maker, replace(work, **lies[lie]))

    assert (maker.orders, node.asks("give_picture")) == ([], [])
    assert (node.asks("end_work")[0]["code"], node.asks("end_work")[0]["unable"]) == ("WORK_FALSE", True)


@pytest.mark.parametrize("code", ["MODEL_MISMATCH", "MODEL_UNREADABLE", "GENERATION_FAILED"])
def test_a_fault_of_the_worker_fails_no_generation(code: str) -> None:
    """Else one machine with a spoilt model would fail the whole queue, while others could do it."""
    node = Node()

    assert not done(node, Maker(lambda order: [Failed(order.job, code, "m1 should have another digest")]), a_work())
    assert node.asks("end_work")[0]["unable"]


def test_a_worker_whose_clock_is_behind_gives_up_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    node = Node(send=[refused("EXPIRED")] * 99)

    assert not done(node, Maker(pictures), a_work())

    assert (len(node.asks("sign")), node.asks("end_work")[0]["unable"]) == (in_hand.SIGNED_MAX, True)
    assert "clock behind" in caplog.text


def test_what_cannot_be_made_ends_the_work_with_its_reason() -> None:
    node = Node()

    done(node, Maker(lambda order: [Failed(order.job, "SETTINGS_INVALID", "guidance")]), a_work())
    done(node, Maker(pictures), a_work(settings=SETTINGS | {"width": 7}))

    first, second = node.asks("end_work")
    assert first == {"code": "SETTINGS_INVALID", "detail": "guidance", "unable": False}
    assert (second["code"], "width" in second["detail"]) == ("SETTINGS_INVALID", True)


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (WorkStanding(state="running", withdrawn=True, known=()), [{"code": "", "detail": "", "unable": False}]),
        (WorkStanding(state="failed", withdrawn=False, known=()), []),
        (refused("WORK_LOST", 409), []),
    ],
    ids=["withdrawn", "ended", "lost"],
)
def test_work_that_is_no_longer_wanted_is_given_up_at_the_next_step(answer: Any, ends: list[Any]) -> None:
    node = Node(report_work=[RUNNING, answer])
    maker = Maker(lambda order: [StepProgress(order.job, 0, 1, 3)])

    done(node, maker, a_work())

    assert set(maker.cancelled) == {"ab" * 32}
    assert node.asks("end_work") == ends
    assert node.asks("report_work")[0] == {"index": 0, "step": 1, "steps": 3}


def test_while_nothing_is_to_be_said_the_node_still_hears_four_times_in_a_lease() -> None:
    node = Node(report_work=[RUNNING] * 3 + [WorkStanding(state="failed", withdrawn=False, known=())])
    maker = Maker(lambda order: [])

    done(node, maker, a_work(lasts_ms=40))

    assert node.asks("report_work") == [{"index": None, "step": None, "steps": None}] * 4


def test_a_worker_that_is_told_to_end_gives_its_work_back_at_once() -> None:
    node, maker = Node(), Maker(lambda order: [])

    async def story() -> None:
        doing = asyncio.create_task(WorkInHand(cast(Any, node), cast(Any, maker), a_work(), "test").do())
        while not maker.orders:
            await asyncio.sleep(0)
        doing.cancel()
        await asyncio.wait([doing], timeout=20)
        assert doing.cancelled()

    asyncio.run(story())
    assert node.asks("end_work") == [{"code": "", "detail": "", "unable": False}]
    assert maker.cancelled == ["ab" * 32]


def test_what_a_thread_still_says_of_other_work_is_passed_over() -> None:
    node = Node()
    old = Failed("cd" * 32, "CANCELLED", "of the work before")

    done(node, Maker(lambda order: [old, *pictures(order)]), a_work())

    assert len(node.asks("give_picture")) == 1


def test_a_thread_that_says_nothing_any_more_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_hand, "SILENCE_SECONDS_MAX", 0.01)
    node = Node()

    with pytest.raises(TimeoutError):
        done(node, Maker(lambda order: []), a_work())

    assert node.asks("end_work") == [], "so that its lease lapses and the attempt counts"


def test_the_source_is_fetched_from_the_node_and_the_mask_comes_with_the_work() -> None:
    node, maker = Node(content=[b"source"]), Maker(pictures)

    done(node, maker, a_work(source=a_digest("source"), mask=b"mask"))
    done(node, maker, a_work())

    files = [(order.source, order.source_file, order.mask_file) for order in maker.orders]
    assert files == [(a_digest("source"), b"source", b"mask"), ("", b"", b"")]
