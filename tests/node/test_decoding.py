"""Strangers' pictures cost a node what it gives them and no more, and touch nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import platform
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from bench.hostile import hostile_files
from node.decoding import decoding, lanes, process, rehearsal
from node.decoding.asking import (
    ANSWER_BYTES_MAX,
    LENGTH,
    Answer,
    Ask,
    ComparedWith,
    Declined,
    Ended,
    Findable,
    KeptBytes,
    Limits,
    framed,
)
from node.decoding.confinement import CALLS, NICENESS
from node.decoding.decoding import answer_to, facts_of
from node.decoding.lanes import (
    LARGE,
    LARGE_PLACES,
    OPEN_BYTES_MAX,
    OPEN_EACH_MAX,
    OPEN_MAX,
    SMALL,
    SMALL_PLACES,
    Decoders,
    Lane,
    LookedFor,
)
from node.decoding.process import Signs
from node.decoding.rehearsal import KEY
from pictures.credentials.findings import CredentialState
from pictures.opening import FORMATS, PICTURE_PIXELS_MAX, formats
from pictures.watermark import MarkedPixels, embed
from remarque.errors import NodeCode, NodeError

REFUSALS = {NodeCode.IMAGE_UNREADABLE, NodeCode.IMAGE_TOO_LARGE, NodeCode.IMAGE_TOO_COSTLY}
SECONDS_MAX = 20
"""How long a test waits for what comes at once on an idle machine."""


def a_file(kind: str = "PNG", size: tuple[int, int] = (90, 60)) -> bytes:
    formats()
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, kind)
    return out.getvalue()


def saved(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def a_long_one() -> bytes:
    """A JPEG of 3.6 megapixels with so many scans that decoding it takes many seconds."""
    out = io.BytesIO()
    Image.new("RGB", (1_900, 1_900), "teal").save(out, "JPEG", progressive=True)
    data = out.getvalue()
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 9_000 + b"\xff\xd9"


async def refused(work: Coroutine[Any, Any, Any]) -> NodeCode | None:
    """The code that some work is refused with; None if it is not."""
    try:
        await work
    except NodeError as error:
        return error.code
    return None


def forking(decoders: Decoders) -> int:
    """Process id of the process that forks."""
    running = decoders.strangers._process._process
    assert running is not None
    return running.pid


def children_of(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


async def first_child(decoders: Decoders) -> int:
    """A child, once there is one."""
    async with asyncio.timeout(SECONDS_MAX):
        while decoders.strangers._process._process is None or not children_of(forking(decoders)):
            await asyncio.sleep(0)
    return children_of(forking(decoders))[0]


def until_ended(watched: int) -> bool:
    """Whether a process, known by its descriptor, ends before a limit on it would end it."""
    return bool(select.select([watched], [], [], SMALL.processor_seconds / 2)[0])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_child_says_of_a_picture_what_is_so(kind: str, decoders: Decoders) -> None:
    data = a_file(kind)

    found = asyncio.run(decoders.members.facts(data))

    assert found == facts_of(data, PICTURE_PIXELS_MAX)
    assert Findable(asyncio.run(decoders.strangers.kept(data, ""))) == answer_to(Ask("kept", SMALL, len(data)), data)


@pytest.mark.parametrize("copy", ["whole", "window", "features"])
def test_a_child_compares_by_every_step_as_anybody_does(copy: str, decoders: Decoders) -> None:
    image = Image.effect_noise((96, 72), 64).convert("RGB").resize((576, 432), Image.Resampling.BICUBIC)
    copies = {"whole": image.reduce(2), "window": image.crop((58, 44, 518, 388)), "features": image.rotate(21)}
    recorded, brought = saved(image, "PNG"), asyncio.run(decoders.members.facts(saved(copies[copy], "PNG")))

    found = asyncio.run(decoders.members.compared(recorded, brought, ""))
    by_what_is_kept = asyncio.run(
        decoders.members.compared(recorded, brought, "", asyncio.run(decoders.members.kept(recorded, "")))
    )

    here = answer_to(Ask("compared", SMALL, len(recorded), brought=brought.sides), recorded, brought.reduction)
    assert isinstance(here, ComparedWith)
    assert found is not None
    assert here.found is not None
    assert by_what_is_kept == found
    assert (found.step, found.agreement.inliers) == (copy, here.found.agreement.inliers)
    assert found.transform.coefficients == pytest.approx(here.found.transform.coefficients, abs=0.01)


def test_a_child_reads_credentials_and_watermarks(decoders: Decoders) -> None:
    image = Image.effect_noise((96, 72), 64).convert("RGB").resize((576, 432), Image.Resampling.BICUBIC)
    marked = embed(np.asarray(image), 0x5BD1A3C07E, KEY)
    assert isinstance(marked, MarkedPixels)
    looked_for = LookedFor("", KEY)

    bare = saved(Image.fromarray(marked.rgb), "PNG")
    found = asyncio.run(decoders.strangers.facts(rehearsal._signed(bare), looked_for))

    assert found.mark is not None
    assert found.mark.mark == "5bd1a3c07e"
    assert found.credentials.state is CredentialState.VALID
    assert found.bare_digest == hashlib.sha256(bare).hexdigest() != found.file_digest


@pytest.mark.parametrize("mode", ["LAB", "I;16B"])
def test_a_child_reads_the_rarer_kinds_of_pixels_too(mode: str, decoders: Decoders) -> None:
    out = io.BytesIO()
    pixel_bytes = 3 if mode == "LAB" else 2
    Image.frombytes(mode, (128, 64), bytes(range(256)) * (32 * pixel_bytes)).save(out, "TIFF")

    assert asyncio.run(decoders.members.facts(out.getvalue())) == facts_of(out.getvalue(), PICTURE_PIXELS_MAX)


@pytest.mark.parametrize("wanted", ["facts", "kept"])
def test_whatever_measuring_raises_says_that_the_picture_is_unreadable(
    wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> bytes:
        raise ValueError("no such mode")

    monkeypatch.setattr(decoding, "Seen", failing)

    found = answer_to(Ask(wanted, SMALL, 0), a_file())

    assert isinstance(found, Declined)
    assert (found.code, found.detail[:24]) == ("IMAGE_UNREADABLE", "ValueError: no such mode")


def test_a_picture_over_a_small_ones_pixels_is_decoded_in_a_large_ones_place(decoders: Decoders) -> None:
    found = asyncio.run(decoders.strangers.facts(a_file(size=(2_500, 2_000))))

    assert found.width * found.height > SMALL.pixels


def test_hostile_files_are_answered_and_end_nothing(own_decoders: Decoders) -> None:
    files = list(hostile_files())

    async def story() -> dict[str, NodeCode | None]:
        return {name: await refused(own_decoders.strangers.facts(data)) for name, data in files}

    asyncio.run(own_decoders.strangers.facts(a_file()))
    before = forking(own_decoders)
    found = asyncio.run(story())
    after = forking(own_decoders)

    assert len(files) >= 60
    assert {name: code for name, code in found.items() if code not in {None, *REFUSALS}} == {}
    assert before == after
    assert children_of(after) == []


CONFINED = """
import os, socket, sys
from node.decoding.asking import Limits
from node.decoding.confinement import confine
confine(Limits(pixels=1, memory_bytes=400 << 20, processor_seconds=5, seconds=5))
def tried(work):
    try:
        work()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
print({found}, flush=True)
os._exit(0)
"""


def confined(*works: str) -> list[str]:
    """What becomes of some work in a process that has confined itself."""
    found = "*(tried(work) for work in (" + "".join(f"lambda: {work}, " for work in works) + "))"
    program = CONFINED.replace("{found}", found)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return ended.stdout.split()


@pytest.mark.skipif(platform.machine() not in CALLS, reason="no filter of system calls on this architecture")
def test_a_confined_process_computes_and_reaches_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("secret")
    works = {
        "sum(range(1000))": "done",
        "bytearray(100 << 20)": "done",
        f"open({str(kept)!r})": "PermissionError",
        f"open({str(kept)!r}, 'w')": "PermissionError",
        f"os.unlink({str(kept)!r})": "PermissionError",
        f"os.listdir({str(tmp_path)!r})": "PermissionError",
        "socket.socket()": "PermissionError",
        "socket.socketpair()": "PermissionError",
        "__import__('_thread').start_new_thread(int, ())": "done",
        "os.fork()": "PermissionError",
        "os.execv(sys.executable, [sys.executable])": "PermissionError",
        "os.kill(os.getppid(), 0)": "PermissionError",
        "os.memfd_create('x')": "PermissionError",
        "os.dup(1)": "PermissionError",
        "os.setpriority(os.PRIO_PROCESS, 0, 0)": "PermissionError",
    }

    assert dict(zip(works, confined(*works), strict=True)) == works
    assert kept.read_text() == "secret"


def test_limits_hold_without_a_filter_too(tmp_path: Path) -> None:
    without = "import node.decoding.confinement as c; c.CALLS = {}\n"
    program = CONFINED.replace(
        "{found}", f"tried(lambda: bytearray(500 << 20)), tried(lambda: open({str(tmp_path)!r}))"
    )
    ended = subprocess.run([sys.executable, "-c", without + program], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["MemoryError", "OSError"]


def test_the_process_that_forks_is_given_nothing_of_the_node(
    own_decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMARQUE_PASSPHRASE_FILE", "/secret")
    asyncio.run(own_decoders.strangers.facts(a_file()))
    pid = forking(own_decoders)

    environment = Path(f"/proc/{pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd") if name not in "2"]

    names = [line.partition(b"=")[0] for line in environment]
    assert names == [b"PYTHONPATH", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS"]
    assert sorted(link.partition(":")[0] for link in links) == ["/dev/null", "/dev/null", "anon_inode", "socket"]
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"


def test_a_child_has_nothing_open_but_its_own_connection(own_decoders: Decoders) -> None:
    async def story() -> list[str]:
        works = [asyncio.create_task(refused(own_decoders.strangers.facts(a_long_one()))) for _ in range(2)]
        child = await first_child(own_decoders)
        async with asyncio.timeout(SECONDS_MAX):
            while len(found := os.listdir(f"/proc/{child}/fd")) != 4:
                await asyncio.sleep(0)
        links = [os.readlink(f"/proc/{child}/fd/{name}") for name in found]
        own_decoders.close()
        await asyncio.gather(*works)
        return links

    links = asyncio.run(story())

    assert sorted(link.partition(":")[0] for link in links) == ["/dev/null", "/dev/null", "/dev/null", "socket"]


def limited(monkeypatch: pytest.MonkeyPatch, **changes: int) -> None:
    for name in ("SMALL", "LARGE"):
        monkeypatch.setattr(lanes, name, msgspec.structs.replace(getattr(lanes, name), **changes))


@pytest.mark.parametrize("changes", [{"processor_seconds": 1}, {"seconds": 1}])
def test_a_picture_that_takes_too_long_is_refused_and_ended(
    changes: dict[str, int], own_decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, **changes)
    monkeypatch.setattr(process, "GRACE_SECONDS", 60)  # a busy machine may begin the child late

    assert asyncio.run(refused(own_decoders.strangers.facts(a_long_one()))) is NodeCode.IMAGE_TOO_COSTLY
    assert children_of(forking(own_decoders)) == []


def test_a_picture_that_takes_too_much_memory_is_refused(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, memory_bytes=100 << 20)

    found = asyncio.run(refused(decoders.strangers.facts(a_file(size=(8_000, 5_000)))))

    assert found is NodeCode.IMAGE_TOO_COSTLY
    assert asyncio.run(refused(decoders.strangers.facts(a_file()))) is None


def test_who_kills_a_child_ends_one_request_and_no_other(own_decoders: Decoders) -> None:
    async def story() -> list[NodeCode | None]:
        long = asyncio.create_task(refused(own_decoders.strangers.facts(a_long_one())))
        os.kill(await first_child(own_decoders), signal.SIGKILL)
        return [await long, await refused(own_decoders.strangers.facts(a_file()))]

    assert asyncio.run(story()) == [NodeCode.DECODER_FAILED, None]


def test_the_process_that_forks_is_begun_again(own_decoders: Decoders) -> None:
    async def story() -> list[NodeCode | None]:
        long = asyncio.create_task(refused(own_decoders.strangers.facts(a_long_one())))
        with open_pidfd(await first_child(own_decoders)) as child:
            os.kill(forking(own_decoders), signal.SIGKILL)
            found = [await long, await refused(own_decoders.members.facts(a_file()))]
            assert until_ended(child)
        return found

    assert asyncio.run(story()) == [NodeCode.DECODER_FAILED, None]


@contextlib.contextmanager
def open_pidfd(pid: int) -> Any:
    watched = os.pidfd_open(pid)
    try:
        yield watched
    finally:
        os.close(watched)


def test_closing_ends_every_process(own_decoders: Decoders) -> None:
    async def story() -> list[bool]:
        long = asyncio.create_task(refused(own_decoders.strangers.facts(a_long_one())))
        with open_pidfd(await first_child(own_decoders)) as child, open_pidfd(forking(own_decoders)) as parent:
            own_decoders.close()
            assert await long is NodeCode.DECODER_FAILED
            return [until_ended(one) for one in (child, parent)]

    assert asyncio.run(story()) == [True, True]


KILLED = """
import asyncio, sys
from node.decoding.lanes import Decoders
asyncio.run(Decoders().strangers.facts(sys.stdin.buffer.read()))
"""


def test_a_node_that_is_killed_leaves_no_process_behind() -> None:
    def child_of(parent: int) -> int:
        while not (found := children_of(parent)):
            assert running.poll() is None
        return found[0]

    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
        assert running.stdin is not None
        running.stdin.write(a_long_one())
        running.stdin.close()
        parent = child_of(running.pid)
        with open_pidfd(child_of(parent)) as child, open_pidfd(parent) as watched:
            running.kill()
            assert [until_ended(child), until_ended(watched)] == [True, True]


class Slow:
    """In place of the process that forks: small pictures are answered at once, large ones when that is allowed."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.allowed = asyncio.Event()
        self.at_once = 0
        self.most = 0

    async def ask(self, ask: Ask, data: bytes, signs: Signs | None = None) -> Answer:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if data == b"large" and ask.limits is SMALL:
                return Declined("IMAGE_TOO_LARGE", "large")
            if data == b"large":
                self.begun.set()
                await self.allowed.wait()
            await asyncio.sleep(0)
            return Findable(KeptBytes(b"", b""))
        finally:
            self.at_once -= 1


def test_small_pictures_wait_for_no_large_one_and_members_for_no_stranger() -> None:
    async def story() -> int:
        slow = Slow()
        strangers, members = Lane("strangers", slow), Lane("members", slow)  # type: ignore[arg-type]
        flood = [asyncio.create_task(strangers.kept(b"large", "")) for _ in range(OPEN_MAX)]
        async with asyncio.timeout(SECONDS_MAX):
            for _ in range(50):
                await strangers.kept(b"small", "")
            large = asyncio.create_task(members.kept(b"large", ""))
            await members.kept(b"small", "")
            assert not any(one.done() for one in (*flood, large))
            slow.allowed.set()
            await asyncio.gather(*flood, large)
        return slow.most

    assert asyncio.run(story()) <= 2 * (SMALL_PLACES + LARGE_PLACES)


def test_a_lane_is_bounded_in_pictures_and_in_their_bytes(decoders: Decoders) -> None:
    lane = decoders.strangers
    with contextlib.ExitStack() as stack:
        for number in range(OPEN_MAX):
            stack.enter_context(lane.room(1, f"10.0.0.{number // OPEN_EACH_MAX}"))
        with pytest.raises(NodeError, match="OVERLOADED") as full, lane.room(1, "10.0.1.1"):
            pass
        assert full.value.retry_after
    with lane.room(OPEN_BYTES_MAX, "a"), pytest.raises(NodeError, match="OVERLOADED"), lane.room(1, "b"):
        pass
    with lane.room(OPEN_BYTES_MAX, "a"):
        pass


def test_whoever_brings_the_costliest_pictures_leaves_places_to_others(decoders: Decoders) -> None:
    lane = decoders.members
    with contextlib.ExitStack() as stack:
        for _ in range(OPEN_EACH_MAX):
            stack.enter_context(lane.room(1, "nadia@agency"))
        with pytest.raises(NodeError, match="ACCOUNT_BUSY") as busy, lane.room(1, "nadia@agency"):
            pass
        assert busy.value.retry_after
        with lane.room(1, "alice@studio"):
            pass
    with lane.room(1, "nadia@agency"):
        pass


def saying(*parts: bytes) -> Callable[[], socket.socket]:
    """A connection to a child that says this, whatever it is asked."""

    def connected() -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            theirs.sendall(b"".join(parts))
            theirs.shutdown(socket.SHUT_WR)
        return ours

    return connected


def packed(**fields: object) -> bytes:
    data = msgspec.msgpack.encode(fields)
    return LENGTH.pack(len(data)) + data


DECLINED = framed(Declined("IMAGE_UNREADABLE", "so it is"))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (DECLINED, Declined("IMAGE_UNREADABLE", "so it is")),
        (framed(Ended(9)), Ended(9)),
        (b"", Ended(0)),
        (DECLINED[:-1], Ended(0)),
        (DECLINED + b"x", Ended(0)),
        (DECLINED + DECLINED, Ended(0)),
        (LENGTH.pack(ANSWER_BYTES_MAX + 1) + b"x" * 99, Ended(0)),
        (LENGTH.pack(5) + b"\xff" * 5, Ended(0)),
        (packed(kind="declined", code="INTERNAL", detail=""), Ended(0)),
        (packed(kind="declined", code="IMAGE_UNREADABLE", detail="x" * 9_999), Ended(0)),
        (packed(kind="findable", kept={"codes": b"x", "corners": b""}), Ended(0)),
        (packed(kind="ended", signal=9, more=1), Ended(0)),
    ],
)
def test_what_a_child_says_is_held_to_its_form(said: bytes, found: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = process.ForkingProcess()
    monkeypatch.setattr(asked, "_connected", saying(said))

    assert asyncio.run(asked.ask(Ask("facts", SMALL, 3), b"abc")) == found


@pytest.mark.parametrize("changed", [{"reduction": b""}, {"asked_codes": bytes(33)}])
def test_a_reduction_of_another_size_than_is_said_is_none(
    changed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = process.ForkingProcess()
    found = facts_of(a_file(), PICTURE_PIXELS_MAX)
    monkeypatch.setattr(asked, "_connected", saying(framed(msgspec.structs.replace(found, **changed))))

    assert asyncio.run(asked.ask(Ask("facts", SMALL, 3), b"abc")) == Ended(0)


def test_an_answer_over_the_bound_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = process.ForkingProcess()
    monkeypatch.setattr(asked, "_connected", saying(DECLINED))
    monkeypatch.setattr(process, "ANSWER_BYTES_MAX", len(DECLINED) - LENGTH.size - 1)

    assert asyncio.run(asked.ask(Ask("facts", SMALL, 3), b"abc")) == Ended(0)


def test_a_child_that_is_given_no_bytes_ends_by_the_clock(decoders: Decoders) -> None:
    limits = Limits(pixels=1, memory_bytes=LARGE.memory_bytes, processor_seconds=1, seconds=1)

    async def story() -> Answer:
        await decoders.strangers._process.ask(Ask("facts", SMALL, 3), b"abc")  # to begin takes long
        return await decoders.strangers._process.ask(Ask("facts", limits, 100), b"fewer")

    assert asyncio.run(story()) == Ended(signal.SIGALRM)


def test_who_waits_for_a_place_too_long_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "WAIT_SECONDS_MAX", 0.01)

    async def story() -> NodeError:
        slow = Slow()
        lane = Lane("strangers", slow)  # type: ignore[arg-type]
        first = asyncio.create_task(lane.kept(b"large", ""))
        await slow.begun.wait()
        with pytest.raises(NodeError, match="OVERLOADED") as late:
            await lane.kept(b"large", "")
        slow.allowed.set()
        await first
        await lane.kept(b"large", "")
        return late.value

    assert asyncio.run(story()).retry_after
