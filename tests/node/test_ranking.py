"""No record of a picture hides a stronger or earlier one, and nothing is called proven that is not."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from consortium import registering
from PIL import Image
from recorded_pictures import ALICE, CARLA, RecordedPictures, file_of

from ledger.encoding import encode
from ledger.records import asset_key, file_key
from ledger.state_answer import verify_state_answer
from node.decoding.decoding import facts_of
from node.decoding.lanes import Decoders, Lane
from node.verification.lookup import NEAR_MAX
from node.verification.ranking import Found, fairly
from pictures.opening import PICTURE_PIXELS_MAX
from remarque.errors import NodeCode, NodeError


def a_picture(seed: int) -> Image.Image:
    small = Image.frombytes("RGB", (7, 5), Random(seed).randbytes(105))
    return small.resize((160, 120), Image.Resampling.BICUBIC)


@pytest.fixture
def gallery(tmp_path: Path, decoders: Decoders) -> RecordedPictures:
    return RecordedPictures(tmp_path, a_picture(1), decoders)


@pytest.mark.parametrize("kind", ["JPEG", "one pixel"])
def test_whoever_declares_a_copy_is_told_of_after_the_generator_that_attests_it(
    gallery: RecordedPictures, kind: str
) -> None:
    image = a_picture(1)
    if kind == "one pixel":
        image.putpixel((3, 3), (1, 2, 3))
    copy = file_of(image, "JPEG" if kind == "JPEG" else "PNG")
    hers = gallery.declared(copy)

    found = gallery.verified(copy)

    assert [(one.asset, one.evidence, one.relation) for one in found.matches] == [
        (gallery.asset, "generated", "near_duplicate"),
        (hers, "declared", "exact_file"),
    ]
    assert found.verdict == "near_duplicate"
    assert f"it made the picture for {ALICE}" in found.wording
    assert "2 records of it do not say the same" in found.wording


def test_the_very_file_of_a_generated_picture_says_so(gallery: RecordedPictures) -> None:
    found = gallery.verified(file_of(a_picture(1)))

    assert (found.verdict, [one.relation for one in found.matches]) == ("exact_file", ["exact_file"])
    assert "do not say the same" not in found.wording


def test_what_is_said_of_a_file_is_said_of_its_own_record(gallery: RecordedPictures) -> None:
    """carla's record is earlier, of a picture that differs in one pixel, and attested as well."""
    hers, his = a_picture(5), a_picture(5)
    his.putpixel((3, 3), (1, 2, 3))
    gallery.generated(file_of(hers), 1, {"creator": CARLA})
    gallery.generated(file_of(his), 1)

    found, plain = gallery.verified(file_of(his)), gallery.verified(file_of(hers))

    assert [(one.relation, one.creator) for one in found.matches] == [("near_duplicate", CARLA), ("exact_file", ALICE)]
    assert found.wording.startswith(
        f"This very file is recorded on the chain. A generator attests that it made the picture for {ALICE}."
    )
    assert f"An earlier record, by {CARLA}, is of a picture that this one is like" in found.wording
    assert f"made the picture for {CARLA}." in plain.wording
    assert "earlier record" not in plain.wording


def test_the_record_that_the_words_are_of_is_among_those_told(gallery: RecordedPictures) -> None:
    """However many earlier ones there are of nearly the same picture."""
    for number in range(11):
        near = a_picture(5)
        near.putpixel((number, 3), (1, 2, 3))
        gallery.declared(file_of(near))
    asset = gallery.declared(file_of(a_picture(5)))

    found = gallery.verified(file_of(a_picture(5)))

    assert (found.verdict, found.matches[-1].asset, found.further) == ("exact_file", asset, 2)


def test_records_by_the_hundred_crowd_no_other_out(gallery: RecordedPictures) -> None:
    copy = file_of(a_picture(1), "JPEG")
    code = facts_of(copy, PICTURE_PIXELS_MAX).main.code
    crowd = [registering(f"crowd {number}", image_code=code) for number in range(130)]
    for start in range(0, len(crowd), 10):
        gallery.written.block(*(gallery.written.ask(ask, signer=CARLA) for ask in crowd[start : start + 10]))

    found = gallery.verified(copy)

    assert (found.matches[0].asset, found.matches[0].relation) == (gallery.asset, "near_duplicate")
    assert found.further == 131 - len(found.matches)


def test_orgs_take_turns_among_what_is_declared() -> None:
    def near(asset: str, org: str, distance: int, evidence: str = "declared") -> Found:
        record = SimpleNamespace(id=asset, registrant=f"a@{org}", evidence=evidence, height_recorded=1)
        return Found(record, distance, "candidate")  # type: ignore[arg-type]

    crowd = [near(f"c{number}", "club", 0) for number in range(NEAR_MAX)]
    ordered = fairly([*crowd, near("s", "studio", 9), near("g", "agency", 30, "generated"), near("t", "studio", 3)])

    assert [found.record.id for found in ordered[:5]] == ["g", "c0", "t", "c1", "s"]


def test_what_is_called_proven_is_what_the_proof_says(gallery: RecordedPictures) -> None:
    """carla has named the digest of a file in the record of another picture, so only the pixels are absent."""
    other = file_of(Image.effect_noise((64, 64), 90).convert("RGB"))
    facts = facts_of(other, PICTURE_PIXELS_MAX)
    digest, pixels = facts.file_digest, facts.pixel_digest
    gallery.declared(file_of(a_picture(7)), file_digest=digest)

    found = gallery.verified(other)
    absence = verify_state_answer(encode(found.absence), gallery.written.chain.genesis)

    assert found.verdict == "not_recorded"
    assert [entry.key for entry in absence.entries] == [asset_key(pixels)]
    assert absence.value(asset_key(pixels)) is None
    assert "named this file's digest in the record of another picture" in found.wording
    assert gallery.written.chain.state.get(file_key(digest)) is not None


@pytest.mark.parametrize("code", ["OVERLOADED", "DECODER_FAILED"])
def test_what_could_not_be_compared_now_is_said_and_does_not_weaken_the_answer(
    gallery: RecordedPictures, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    copy = file_of(a_picture(1), "JPEG")
    assert gallery.verified(copy).verdict == "near_duplicate"

    async def failing(*_: object) -> bytes:
        raise NodeError(NodeCode[code], "a picture could not be decoded now", 2)

    monkeypatch.setattr(Lane, "compared", failing)

    with pytest.raises(NodeError, match=code):
        gallery.verified(copy)
