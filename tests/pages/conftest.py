"""A real node with recorded pictures, and Debian's Chromium to look at its pages."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

from devnet.cluster import Cluster, free_ports
from devnet.story import COLLECTOR, CREATOR, CURRENCY, EDITOR, SECOND_COLLECTOR, STUDIO, plan_of
from generator.models import default_model_folder, model_digest
from ledger.actions import RegisterModel
from ledger.records import Parameters
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.requesting import now_ms

PURPOSE = "fact <b>check</b>"
"""Text that must stay text."""
PROMPT = "a lighthouse on the left by the sea at sunset"


@dataclass(frozen=True)
class Gallery:
    """What the node of the browser tests holds."""

    cluster: Cluster
    declared: str
    """Asset: alice's own picture, minted with 7.5 %, sold for 1,200.00 EUR and resold for 2,000.01."""
    generated: str
    """Asset: a generated picture, sold in the same way."""
    confidential: str
    """Asset: denied to nadia, granted, allowed, revoked, denied again."""
    generated_file: bytes
    prompt: str
    brought: dict[str, bytes]
    """Files that somebody may bring, by name."""

    @property
    def url(self) -> str:
        return self.cluster.url("node1")

    def key_file(self, account: str) -> Path:
        return self.cluster.root / "accounts" / f"{account}.key"


@pytest.fixture(scope="session")
def open_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A bare node of a chain whose reads are open to all."""
    plan = replace(plan_of(1, free_ports(2), generator=False), parameters=Parameters(open_reads=True))
    cluster = Cluster.create(tmp_path_factory.mktemp("open") / "devnet", plan=plan)
    cluster.up()
    yield cluster
    cluster.down()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A node with a generator, and the three pictures' lives on its chain."""
    cluster = Cluster.create(tmp_path_factory.mktemp("gallery") / "devnet", 1, generator=True)
    cluster.up()
    try:
        yield _live(cluster)
    finally:
        cluster.down()


def _live(cluster: Cluster) -> Gallery:
    accounts = (CREATOR, STUDIO, EDITOR, COLLECTOR, SECOND_COLLECTOR)
    members = {name: Client(cluster.url("node1"), name, cluster.key(name)) for name in accounts}
    alice, nadia = members[CREATOR], members[EDITOR]
    model = model_digest(default_model_folder())
    members[STUDIO].submit(RegisterModel(model=model, name="Remarque default", version="1", licence="Apache-2.0"))
    brought = {
        "hills.png": written(hills(), "PNG"),
        "hills.bmp": written(hills(), "BMP"),
        "half.jpg": written(hills().resize((360, 240)), "JPEG", quality=80),
        "stranger.jpg": written(stranger(), "JPEG", quality=80),
        "notes.txt": b"not a picture",
    }
    declared, _ = alice.register(brought["hills.png"])
    generated, confidential = (_generated(alice, model, hidden) for hidden in (False, True))
    for asset in (declared, generated):
        _sell(members, asset)
    _refused(nadia, confidential)
    alice.grant(confidential, EDITOR, now_ms() + 3_600_000)
    nadia.open(confidential, PURPOSE)
    alice.revoke(confidential, EDITOR)
    _refused(nadia, confidential)
    generated_file = alice.picture(generated)
    for member in members.values():
        member.close()
    return Gallery(cluster, declared, generated, confidential, generated_file, PROMPT, brought)


def _generated(alice: Client, model: str, confidential: bool) -> str:
    generation = alice.generate(PROMPT, model=model, seed=20 + confidential, steps=4, confidential=confidential)
    return alice.generation(generation)[0].asset


def _sell(members: dict[str, Client], asset: str) -> None:
    alice, carla, dmitri = members[CREATOR], members[COLLECTOR], members[SECOND_COLLECTOR]
    token, _ = alice.mint(asset, 75_000, {CREATOR: 700_000, STUDIO: 300_000})
    for seller, buyer, price in ((alice, carla, 120_000), (carla, dmitri, 200_001)):
        seller.list_token(token, price, CURRENCY)
        buyer.buy(token, price, CURRENCY)
    with pytest.raises(RemarqueError, match="LISTING_UNKNOWN"):
        carla.buy(token, 1, CURRENCY)


def _refused(nadia: Client, asset: str) -> None:
    with pytest.raises(RemarqueError, match="POLICY_DENIED"):
        nadia.open(asset, PURPOSE)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh tab in Zurich. The test fails if the page asked any other host, or something broke in it."""
    context = chromium.new_context(timezone_id="Europe/Zurich", locale="en-GB", accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    asked: set[str] = set()
    tab.on("request", lambda request: asked.add(request.url.split("/")[2]) if "://" in request.url[:8] else None)
    yield tab
    context.close()
    assert faults == []
    assert len(asked) <= 1, f"the page asked {asked}"


def hills() -> Image.Image:
    """A landscape that nobody else drew."""
    image = Image.new("RGB", (720, 480))
    draw = ImageDraw.Draw(image)
    for row in range(480):
        draw.line((0, row, 720, row), fill=(250 - row // 4, 196 - row // 5, 150 + row // 8))
    draw.ellipse((450, 90, 550, 190), fill=(255, 240, 205))
    for layer, colour in enumerate(((150, 110, 140), (105, 80, 120), (66, 56, 92), (34, 34, 58))):
        ridge = [
            (
                x,
                250
                + 55 * layer
                + int(38 * math.sin(x / (70 + 25 * layer) + 2.1 * layer) + 14 * math.sin(x / 23 + layer)),
            )
            for x in range(0, 721, 4)
        ]
        draw.polygon([(0, 480), *ridge, (720, 480)], fill=colour)
    return image


def stranger() -> Image.Image:
    """A picture that nobody recorded."""
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for place in range(0, 320, 16):
        draw.line((place, 0, 320 - place, 240), fill=(place % 256, 90, 200 - place % 200), width=5)
    draw.ellipse((40, 60, 150, 190), fill=(220, 40, 60))
    return image


def written(image: Image.Image, kind: str, **options: int) -> bytes:
    """The picture's file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
