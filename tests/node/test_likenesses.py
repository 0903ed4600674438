"""What is kept of recorded pictures: crops and turned copies are found by it, and it outlives a kill."""

from __future__ import annotations

import asyncio
import io
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from node.content.blockstore import Blockstore
from node.decoding.decoding import facts_of
from node.decoding.lanes import Decoders
from node.verification import likenesses
from node.verification.likenesses import Likenesses
from pictures.looking import file_pixel_digest

COUNT = 5


def a_picture(seed: int) -> Image.Image:
    """Shapes of many sizes, as photographs have."""
    found = Image.new("L", (384, 288))
    for step in range(4):
        side = 6 << step
        noise = Image.frombytes(
            "L", (side, side), bytes((seed * 7919 + at * at * 31 + at * 17) % 251 for at in range(side**2))
        )
        found = Image.blend(found, noise.resize(found.size, Image.Resampling.BICUBIC), 0.5)
    return found.convert("RGB")


def file_of(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@cache
def asset(seed: int) -> str:
    return file_pixel_digest(file_of(a_picture(seed)))


class Shelf:
    """A blockstore with pictures, and what is kept of them."""

    def __init__(self, path: Path, decoders: Decoders) -> None:
        self.path = path
        self.decoders = decoders
        self.store = Blockstore(path / "content")
        self.cids = [self.store.put_file(file_of(a_picture(seed))) for seed in range(COUNT)]

    async def opened(self) -> tuple[Likenesses, asyncio.Task[None]]:
        kept = Likenesses(self.path / "likenesses", self.store, self.decoders.recorded)
        for seed, cid in enumerate(self.cids):
            kept.want(asset(seed), cid)
        running = asyncio.create_task(kept.run())
        async with asyncio.timeout(60):
            while kept.waiting:
                await asyncio.sleep(0.01)
        return kept, running

    async def found(self, image: Image.Image) -> list[str]:
        kept, running = await self.opened()
        running.cancel()
        try:
            return await kept.near(facts_of(file_of(image), 1 << 20))
        finally:
            kept.close()


@pytest.fixture
def shelf(tmp_path: Path, decoders: Decoders) -> Shelf:
    return Shelf(tmp_path, decoders)


@pytest.mark.parametrize("copy", ["crop", "turned", "mirrored", "within another"])
def test_a_copy_whose_code_is_another_is_found_by_windows_or_corners(shelf: Shelf, copy: str) -> None:
    image = a_picture(3)
    page = Image.new("RGB", (600, 700), "white")
    page.paste(image, (90, 150))
    copies = {"crop": image.crop((40, 30, 340, 260)), "turned": image.rotate(90, expand=True), "within another": page}
    copies["mirrored"] = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    assert asyncio.run(shelf.found(copies[copy]))[0] == asset(3)


def test_what_is_kept_is_not_made_again_at_the_next_start(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(shelf.found(a_picture(1)))

    async def failing(data: bytes, pixels: str) -> None:
        raise AssertionError("it was kept")

    monkeypatch.setattr(shelf.decoders.recorded, "kept", failing)

    assert asyncio.run(shelf.found(a_picture(2)))[0] == asset(2)


@pytest.mark.parametrize("name", ["pictures", "windows", "corners"])
def test_what_a_kill_leaves_over_in_one_file_is_made_again(shelf: Shelf, name: str) -> None:
    asyncio.run(shelf.found(a_picture(1)))
    file = shelf.path / "likenesses" / name
    with file.open("r+b") as kept:
        kept.truncate(file.stat().st_size - 10)

    assert asyncio.run(shelf.found(a_picture(COUNT - 1)))[0] == asset(COUNT - 1)
    assert asyncio.run(shelf.found(a_picture(0)))[0] == asset(0)


def test_a_full_disk_leaves_the_files_as_they_were(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likenesses, "AGAIN_SECONDS", 0.01)
    add, failed = likenesses.CornerIndex.add, []

    def full(self: likenesses.CornerIndex, number: int, features: object) -> None:
        if not failed:
            failed.append(number)
            raise OSError(28, "No space left on device")
        add(self, number, features)  # type: ignore[arg-type]

    monkeypatch.setattr(likenesses.CornerIndex, "add", full)

    assert asyncio.run(shelf.found(a_picture(4)))[0] == asset(4)
    assert failed
    assert (
        len({(shelf.path / "likenesses" / name).stat().st_size % COUNT for name in ("pictures", "windows", "corners")})
        == 1
    )


def test_content_that_comes_later_is_taken_then(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likenesses, "AGAIN_SECONDS", 0.01)
    late = file_of(a_picture(9))
    cid = Blockstore(shelf.path / "elsewhere").put_file(late)

    async def story() -> tuple[int, list[str]]:
        kept, running = await shelf.opened()
        kept.want(asset(9), cid)
        waiting = kept.waiting
        await shelf.store.aside(shelf.store.put_file, late)
        async with asyncio.timeout(60):
            while kept.waiting:
                await asyncio.sleep(0.01)
        running.cancel()
        found = await kept.near(facts_of(late, 1 << 20))
        kept.close()
        return waiting, found

    waiting, found = asyncio.run(story())

    assert (waiting, found[0]) == (1, asset(9))


def test_nothing_is_kept_of_content_that_is_another_picture_than_its_record_says(shelf: Shelf) -> None:
    shelf.cids[0] = shelf.cids[1]

    assert asset(0) not in asyncio.run(shelf.found(a_picture(1)))
