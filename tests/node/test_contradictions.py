"""Pictures are made for every combination of what witnesses can say, put through what copies go through, and verified.

Ordinary runs take one of each 40; `make soak` takes all, five copies of each: 4,320 pictures.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from credentialed import CredentialedStudio
from PIL import Image
from recorded_pictures import RecordedPictures, file_of

from node.chain.reading import Reading
from node.decoding.lanes import Decoders, LookedFor
from node.verification.judging import Witnessed, every_case
from node.verification.verifier import Verifier
from pictures.credentials.embedding import with_manifest
from pictures.fingerprint import image_code
from pictures.labels import Label, labelled
from pictures.opening import open_picture
from pictures.source_types import SourceType
from pictures.watermark import MarkedPixels, embed
from remarque.api.verification import Verification

KEY = bytes(range(32))
TABLE = Path(__file__).resolve().parents[2] / "docs" / "verdicts.csv"
RECORDS = ("attested", "declared", "declared_ai", "declared_human")
MARKS = {record: 0x1000000000 + number for number, record in enumerate(RECORDS)}
UNKNOWN_MARK, EVERY = 0x77, 173
SOURCES = {"ai": SourceType.TRAINED, "human": SourceType.CAPTURED}
DECLARED = {"declared": {}, "declared_ai": {"source_type": "trainedAlgorithmicMedia"}}
DECLARED |= {"declared_human": {"source_type": "digitalCapture"}}

Copy = Callable[[Image.Image], bytes]


def saved(kind: str, quality: int = 90, scale: float = 1.0) -> Copy:
    def copy(image: Image.Image) -> bytes:
        out = io.BytesIO()
        sides = round(image.width * scale), round(image.height * scale)
        image.resize(sides, Image.Resampling.LANCZOS).save(out, kind, quality=quality)
        return out.getvalue()

    return copy


COPIES = {
    "as it is": saved("PNG"),
    "JPEG q80": saved("JPEG", 80),
    "JPEG q50": saved("JPEG", 50),
    "WebP q70": saved("WEBP", 70),
    "three quarters": saved("JPEG", 80, 0.75),
}


def a_picture(seed: int) -> Image.Image:
    found = Image.new("L", (512, 384))
    for step in range(5):
        side = 5 << step
        noise = np.random.default_rng([seed, step]).integers(0, 256, (side, side), np.uint8)
        found = Image.blend(found, Image.fromarray(noise).resize(found.size, Image.Resampling.BICUBIC), 0.5)
    return found.convert("RGB")


SOURCE = {record: a_picture(100 + number) for number, record in enumerate((*RECORDS, "nothing"))}


def marked(image: Image.Image, number: int) -> Image.Image:
    found = embed(np.asarray(image), number, KEY)
    assert isinstance(found, MarkedPixels)
    return Image.fromarray(found.rgb)


class Newsroom:
    """Recorded pictures of every kind, signers known and unknown, and a node that verifies."""

    def __init__(self, path: Path, decoders: Decoders) -> None:
        attested = {"mark": f"{MARKS['attested']:010x}"}
        self.recorded = RecordedPictures(path, marked(SOURCE["attested"], MARKS["attested"]), decoders, **attested)
        for record, declared in DECLARED.items():
            data = file_of(marked(SOURCE[record], MARKS[record]))
            self.recorded.declared(data, mark=f"{MARKS[record]:010x}", **declared)
        self.known, self.unknown = CredentialedStudio(org="darkroom"), CredentialedStudio(org="lightroom")

    def brought(self, said: Witnessed, copy: Copy) -> bytes:
        """A file of which the witnesses say so."""
        image = SOURCE[said.record]
        number = self._number(said)
        image = image if number is None else marked(image, number)
        if said.altered:
            image = image.copy()
            image.paste(a_picture(999).crop((0, 0, 120, 90)), (190, 140))
        data = copy(image)
        if said.label != "nothing":
            data = labelled(data, Label(SOURCES[said.label]))
        return self._signed(data, said.credentials)

    def _number(self, said: Witnessed) -> int | None:
        others = {"nothing": None, "unknown": UNKNOWN_MARK, "of_attested": MARKS["attested"]}
        others["of_declared"] = MARKS["declared"]
        if said.mark == "agrees":
            return MARKS[said.record]
        if said.mark == "of_another":
            return MARKS["declared" if said.record != "declared" else "declared_ai"]
        return others[said.mark]

    def _signed(self, data: bytes, credentials: str) -> bytes:
        if credentials == "nothing":
            return data
        studio = self.known if credentials.startswith("trusted") else self.unknown
        says = credentials.removeprefix("trusted_")
        code = image_code(open_picture(data))
        if says == "broken":
            other = saved("JPEG")(a_picture(7)) if data.startswith(b"\xff\xd8") else data
            other = saved("WEBP")(a_picture(7)) if data.startswith(b"RIFF") else other
            other = file_of(a_picture(7)) if data.startswith(b"\x89PNG") else other
            return with_manifest(data, studio.sealed(other, image_code=code).store)
        if says == "silent":
            return studio.sealed(data, parent=data, image_code=code).data
        return studio.sealed(data, source=SOURCES[says], made_with=None, image_code=code).data

    async def verdicts(self, cases: list[tuple[Witnessed, str]]) -> list[Verification]:
        chain = self.recorded.written.chain
        looked_for = LookedFor(self.known.root, KEY)
        verifier = Verifier(
            chain,
            Reading(chain),
            self.recorded.store,
            self.recorded.decoders,
            self.recorded.likenesses,
            lambda: looked_for,
        )
        await verifier.lookup.run()
        brought = (self.brought(said, COPIES[name]) for said, name in cases)
        found = [await verifier.verify(data, "bob@agency", member=True) for data in brought]
        verifier.close()
        return found


@pytest.fixture
def newsroom(tmp_path: Path, decoders: Decoders) -> Newsroom:
    return Newsroom(tmp_path, decoders)


def wrong_ones(newsroom: Newsroom, cases: list[tuple[Witnessed, str]]) -> Counter[str]:
    """What came out otherwise than the table says, and how often."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        table = {tuple(row.values())[:5]: (row["verdict"], row["contradictions"]) for row in csv.DictReader(file)}
    wrong: Counter[str] = Counter()
    for (made, name), found in zip(cases, asyncio.run(newsroom.verdicts(cases)), strict=True):
        said = made
        if made.altered and found.watermark is msgspec.UNSET:
            said = made._replace(mark="nothing")  # what is painted over takes some marks with it
        wanted = table[(*said[:4], "yes" if said.altered else "no")]
        origin = found.origin
        if (origin.verdict, " ".join(origin.contradictions)) != wanted:
            wrong[f"{said} {name}: {origin.verdict} {origin.contradictions}, not {wanted}"] += 1
    return wrong


def test_made_pictures_are_judged_as_the_table_says(newsroom: Newsroom) -> None:
    cases = [(said, name) for said in every_case() for name in COPIES][::EVERY]

    assert wrong_ones(newsroom, cases) == {}


@pytest.mark.soak
def test_every_made_picture_is_judged_as_the_table_says(newsroom: Newsroom) -> None:
    cases = [(said, name) for said in every_case() for name in COPIES]

    assert len(cases) >= 3_500
    assert wrong_ones(newsroom, cases) == {}
