"""What each witness of a picture says reaches the answer, and where they contradict each other it says so."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from credentialed import CredentialedStudio, a_label
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from recorded_pictures import ALICE, CARLA, RecordedPictures, file_of

from ledger.generation import WithheldSetting
from node.decoding.lanes import Decoders, LookedFor
from node.decoding.process import ForkingProcess
from node.verification.likenesses import Likenesses
from pictures.credentials.embedding import with_manifest
from pictures.embedded import stripped
from pictures.fingerprint import image_code
from pictures.labels import Label, labelled
from pictures.opening import open_picture
from pictures.source_types import SourceType
from pictures.watermark import MarkedPixels, embed
from remarque.api.verification import Verification

KEY = bytes(range(32))
MARK, OTHER_MARK = 0x5BD1A3C07E, 0x0123456789
LABEL = a_label()


def a_picture(seed: int) -> Image.Image:
    """Shapes of many sizes, as photographs have."""
    found = Image.new("L", (384, 288))
    for step in range(5):
        side = 5 << step
        noise = np.random.default_rng([seed, step]).integers(0, 256, (side, side), np.uint8)
        found = Image.blend(found, Image.fromarray(noise).resize(found.size, Image.Resampling.BICUBIC), 0.5)
    return found.convert("RGB")


def marked(image: Image.Image, number: int) -> Image.Image:
    found = embed(np.asarray(image), number, KEY)
    assert isinstance(found, MarkedPixels)
    return Image.fromarray(found.rgb)


ORIGINAL = marked(a_picture(1), MARK)
LABELLED = labelled(file_of(ORIGINAL), Label(SourceType.TRAINED))
"""What a generator released and attests."""


@pytest.fixture(scope="module")
def studio() -> CredentialedStudio:
    """Somebody who answers for what they sign, and is no member."""
    return CredentialedStudio(org="darkroom")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, forking: ForkingProcess) -> RecordedPictures:
    path = tmp_path_factory.mktemp("pictures")
    found = RecordedPictures(path, ORIGINAL, Decoders(forking), data=LABELLED, mark=f"{MARK:010x}", manifest=LABEL)
    found.declared(file_of(marked(a_picture(2), OTHER_MARK)), mark=f"{OTHER_MARK:010x}", source_type="digitalCapture")
    return found


def said(pictures: RecordedPictures, studio: CredentialedStudio, data: bytes, *, known: bool = True) -> Verification:
    return pictures.verified(data, LookedFor(studio.root if known else "", KEY), taken_in=2)


def judged(found: Verification) -> tuple[str, str, tuple[str, ...]]:
    return found.verdict, found.origin.verdict, found.origin.contradictions


def signed(studio: CredentialedStudio, data: bytes, source: SourceType) -> bytes:
    """A file with a manifest of somebody who says where it comes from."""
    return studio.sealed(data, source=source, made_with=None, image_code=image_code(open_picture(data))).data


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


def test_the_file_that_was_released_is_the_recorded_one_with_a_manifest_before_it(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    sealed = studio.sealed(LABELLED, label=LABEL, image_code=image_code(open_picture(LABELLED)))

    found = said(pictures, studio, sealed.data)

    assert judged(found) == ("exact_file", "ai_attested", ())
    assert found.credentials
    assert (found.credentials.state, found.credentials.says, found.credentials.manifest) == ("trusted", "ai", LABEL)
    assert found.watermark
    assert (found.watermark.mark, found.watermark.recorded) == (f"{MARK:010x}", True)
    assert found.watermark.chance_exponent >= 8
    assert found.labels
    assert found.labels.source_type == "trainedAlgorithmicMedia"
    assert judged(said(pictures, studio, sealed.data, known=False)) == ("exact_file", "ai_attested", ())


def test_a_copy_without_anything_beside_its_pixels_is_known_by_them(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    assert judged(said(pictures, studio, stripped(LABELLED))) == ("same_pixels", "ai_attested", ())
    assert judged(said(pictures, studio, jpeg(ORIGINAL))) == ("near_duplicate", "ai_attested", ())


@pytest.mark.parametrize(
    ("copy", "verdict"),
    [
        ("crop", "part"),
        ("turned", "near_duplicate"),
        ("mirrored", "near_duplicate"),
        ("within a page", "part"),
        ("altered", "altered"),
    ],
)
def test_what_was_done_to_a_copy_is_told(
    pictures: RecordedPictures, studio: CredentialedStudio, copy: str, verdict: str
) -> None:
    page, altered = Image.new("RGB", (700, 800), "white"), ORIGINAL.copy()
    page.paste(ORIGINAL, (150, 200))
    altered.paste(a_picture(5).crop((0, 0, 110, 110)), (120, 90))
    copies = {
        "crop": ORIGINAL.crop((40, 30, 340, 260)),
        "turned": ORIGINAL.rotate(90, expand=True),
        "mirrored": ORIGINAL.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "within a page": page,
        "altered": altered,
    }

    found = said(pictures, studio, jpeg(copies[copy]))

    assert (found.verdict, found.matches[0].asset) == (verdict, pictures.asset)
    compared = found.matches[0].compared
    assert compared
    assert compared.place.mirrored is (copy == "mirrored")
    assert abs(compared.place.rotation_centi) in (range(8_900, 9_101) if copy == "turned" else range(100))
    assert (len(compared.altered) > 0) is (copy == "altered")
    assert found.origin.verdict == ("ai_attested_altered" if copy == "altered" else "ai_attested")
    if copy == "crop":
        assert 0.55 < compared.place.part_of_recorded_ppm / 1e6 < 0.7
    if copy == "within a page":
        assert 0.15 < compared.place.part_of_brought_ppm / 1e6 < 0.25


@pytest.mark.parametrize(("known", "verdict"), [(True, "contradicted"), (False, "ai_attested")])
def test_a_manifest_that_says_a_camera_took_it_is_told_beside_the_attestation(
    pictures: RecordedPictures, studio: CredentialedStudio, known: bool, verdict: str
) -> None:
    found = said(pictures, studio, signed(studio, jpeg(ORIGINAL), SourceType.CAPTURED), known=known)

    assert judged(found) == ("near_duplicate", verdict, ("credentials_say_human",))
    assert found.credentials
    assert (found.credentials.state, found.credentials.says) == ("trusted" if known else "valid", "captured")
    assert "say that a camera or a person made it" in found.wording


def test_a_manifest_of_another_file_takes_nothing_away_and_is_named(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    store = studio.sealed(file_of(a_picture(8)), image_code=image_code(open_picture(file_of(a_picture(8))))).store

    found = said(pictures, studio, with_manifest(file_of(ORIGINAL), store))

    assert judged(found)[1:] == ("ai_attested", ("credentials_broken",))
    assert found.credentials
    assert "assertion.dataHash.mismatch" in found.credentials.failures


def test_a_watermark_that_was_carried_over_is_told(pictures: RecordedPictures, studio: CredentialedStudio) -> None:
    carried = jpeg(marked(a_picture(1), OTHER_MARK))

    found = said(pictures, studio, carried)

    assert judged(found) == ("near_duplicate", "ai_attested", ("watermark_of_another",))
    assert found.matches[0].asset == pictures.asset


def test_a_watermark_alone_leads_to_its_record_and_says_that_it_is_alone(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    found = said(pictures, studio, jpeg(marked(a_picture(7), MARK)))

    assert judged(found) == ("watermark", "ai_by_watermark", ())
    assert [(one.asset, one.relation) for one in found.matches] == [(pictures.asset, "watermark")]
    assert not found.matches[0].compared


def test_a_watermark_that_no_record_names_is_told(pictures: RecordedPictures, studio: CredentialedStudio) -> None:
    found = said(pictures, studio, jpeg(marked(a_picture(9), 77)))

    assert judged(found) == ("not_recorded", "unknown", ("watermark_unknown",))
    assert found.watermark
    assert not found.watermark.recorded


def test_whoever_lacks_the_key_reads_no_watermark(pictures: RecordedPictures) -> None:
    assert not pictures.verified(jpeg(ORIGINAL), LookedFor("", bytes(32)), taken_in=2).watermark


def test_one_frame_of_an_animation_does_not_make_it_the_recorded_picture(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    out = io.BytesIO()
    other = a_picture(4)
    ORIGINAL.save(out, "PNG", save_all=True, append_images=[other], duration=[1, 60_000])

    found = said(pictures, studio, out.getvalue())

    assert judged(found) == ("one_of_several", "ai_attested_altered", ("altered",))
    assert [(one.asset, one.frame) for one in found.matches] == [(pictures.asset, 1)]
    assert [(one.number, one.role, one.duration_ms) for one in found.pictures] == [
        (1, "frame", 1),
        (2, "frame", 60_000),
    ]


def test_what_a_registrant_declares_counts_as_declared(pictures: RecordedPictures, studio: CredentialedStudio) -> None:
    plain = said(pictures, studio, jpeg(a_picture(2)))
    denied = said(pictures, studio, labelled(file_of(a_picture(2)), Label(SourceType.TRAINED)))

    assert judged(plain) == ("near_duplicate", "human_declared", ())
    assert judged(denied) == ("near_duplicate", "ai_declared", ("record_says_human",))


def test_a_strangers_manifest_about_what_is_not_recorded_is_told_for_what_it_is(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    file = signed(studio, file_of(a_picture(11)), SourceType.TRAINED)

    assert judged(said(pictures, studio, file)) == ("not_recorded", "ai_by_credentials", ())
    assert judged(said(pictures, studio, file, known=False)) == ("not_recorded", "ai_declared", ())


def test_a_stranger_is_told_whose_certificate_it_is_by_its_organisation_alone(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    file = signed(studio, file_of(a_picture(11)), SourceType.TRAINED)

    told = pictures.verified(file, LookedFor(studio.root, KEY), member=False)
    known = pictures.verified(file, LookedFor(studio.root, KEY), member=True)

    assert told.credentials
    assert known.credentials
    assert (told.credentials.signer, known.credentials.signer) == ("darkroom", "darkroom, node1.darkroom")
    assert ALICE not in str(told)


def test_prompts_that_a_file_holds_are_named_and_not_repeated(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    info, out = PngInfo(), io.BytesIO()
    info.add_text("parameters", "a secret wish\nSteps: 20, Seed: 7")
    a_picture(12).save(out, "PNG", pnginfo=info)

    found = said(pictures, studio, out.getvalue())

    assert found.labels
    assert (found.labels.system, found.labels.settings) == ("AUTOMATIC1111", ("text parameters",))
    assert judged(found) == ("not_recorded", "ai_declared", ())
    assert "secret" not in str(found)


def test_the_label_of_a_manifest_leads_to_its_record_which_the_pixels_confirm(
    pictures: RecordedPictures, studio: CredentialedStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> list[str]:
        return []

    monkeypatch.setattr(Likenesses, "near", nothing)
    crop = stripped_of_mark(ORIGINAL.crop((50, 40, 330, 250)))
    sealed = studio.sealed(crop, label=LABEL, image_code=image_code(open_picture(crop))).data

    assert said(pictures, studio, crop).verdict == "not_recorded"
    assert said(pictures, studio, sealed).verdict == "part"


def stripped_of_mark(image: Image.Image) -> bytes:
    """A crop in which the watermark is not read, for it is not where it was."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return out.getvalue()


def test_a_trusted_manifest_over_a_broken_parent_counts_as_anybodys_word(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    data = file_of(a_picture(13))
    code = image_code(open_picture(data))
    broken = with_manifest(data, studio.sealed(file_of(a_picture(14)), image_code=code).store)

    found = said(pictures, studio, studio.sealed(data, parent=broken, image_code=code).data)

    assert found.credentials
    assert found.credentials.state == "trusted"
    assert [one.state for one in found.credentials.ingredients] == ["invalid"]
    assert judged(found) == ("not_recorded", "ai_declared", ())


def test_what_a_member_signs_is_a_members_word(pictures: RecordedPictures) -> None:
    member = CredentialedStudio(org="agency")
    human = signed(member, jpeg(ORIGINAL), SourceType.CAPTURED)
    alone = signed(member, file_of(a_picture(11)), SourceType.CAPTURED)

    assert judged(said(pictures, member, human)) == ("near_duplicate", "ai_attested", ("credentials_say_human",))
    assert judged(said(pictures, member, alone)) == ("not_recorded", "human_declared", ())


def test_what_stands_around_a_recorded_picture_counts_as_altered(
    pictures: RecordedPictures, studio: CredentialedStudio
) -> None:
    page = a_picture(21).resize((1_100, 900), Image.Resampling.BICUBIC)
    page.paste(ORIGINAL, (330, 260))

    found = said(pictures, studio, jpeg(page))

    assert judged(found) == ("part", "ai_attested_altered", ("altered",))


def own(path: Path, decoders: Decoders) -> RecordedPictures:
    """Recorded pictures that a test adds to."""
    return RecordedPictures(path, ORIGINAL, decoders, data=LABELLED, mark=f"{MARK:010x}", manifest=LABEL)


def test_declared_copies_of_a_crop_crowd_no_attestation_out(
    tmp_path: Path, decoders: Decoders, studio: CredentialedStudio
) -> None:
    recorded = own(tmp_path, decoders)
    crop = np.asarray(ORIGINAL.crop((40, 30, 340, 260))).astype(np.int16)
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(-2, 3, crop.shape)
        copy = Image.fromarray(np.clip(crop + noise, 0, 255).astype(np.uint8))
        recorded.declared(file_of(copy), source_type="digitalCapture")

    found = recorded.verified(jpeg(Image.fromarray(crop.astype(np.uint8))), LookedFor(studio.root, KEY), taken_in=21)

    assert found.matches[0].asset == recorded.asset
    assert found.origin.verdict == "ai_attested"


def test_a_record_that_names_the_mark_of_an_attested_picture_does_not_make_it_its_own(
    tmp_path: Path, decoders: Decoders, studio: CredentialedStudio
) -> None:
    recorded = own(tmp_path, decoders)
    leaked = jpeg(marked(a_picture(31), MARK))
    recorded.declared(leaked, mark=f"{MARK:010x}", source_type="digitalCapture")

    found = recorded.verified(leaked, LookedFor(studio.root, KEY), taken_in=2)

    assert judged(found) == ("exact_file", "ai_by_watermark", ("record_says_human",))


def test_a_record_whose_content_is_another_picture_confirms_nothing(
    tmp_path: Path, decoders: Decoders, studio: CredentialedStudio
) -> None:
    recorded = own(tmp_path, decoders)
    other = file_of(a_picture(41))
    recorded.declared(other, pixel_digest="ab" * 32, file_digest="cd" * 32)

    found = recorded.verified(jpeg(a_picture(41)), LookedFor(studio.root, KEY), taken_in=1)

    assert [(one.asset, one.relation) for one in found.matches] == [("ab" * 32, "candidate")]


def test_the_very_file_is_never_called_altered_because_another_was_recorded_before(
    tmp_path: Path, decoders: Decoders, studio: CredentialedStudio
) -> None:
    recorded = own(tmp_path, decoders)
    before, after = a_picture(51), a_picture(51)
    before.paste(a_picture(52).crop((0, 0, 110, 110)), (120, 90))
    first, second = recorded.declared(file_of(before)), recorded.declared(file_of(after))

    found = recorded.verified(file_of(after), LookedFor(studio.root, KEY), taken_in=3)

    assert [one.asset for one in found.matches] == [first, second]
    assert judged(found) == ("exact_file", "recorded", ())


def test_a_hidden_frame_does_not_speak_for_what_viewers_see(
    tmp_path: Path, decoders: Decoders, studio: CredentialedStudio
) -> None:
    recorded, photograph, out = own(tmp_path, decoders), a_picture(61), io.BytesIO()
    recorded.declared(file_of(photograph), source_type="digitalCapture")
    recorded.declared(file_of(a_picture(62)))
    photograph.save(out, "PNG", save_all=True, append_images=[ORIGINAL], duration=[5_000, 1])
    silent = io.BytesIO()
    a_picture(62).save(silent, "PNG", save_all=True, append_images=[ORIGINAL], duration=[5_000, 1])

    found = recorded.verified(out.getvalue(), LookedFor(studio.root, KEY), taken_in=3)
    unsaid = recorded.verified(silent.getvalue(), LookedFor(studio.root, KEY), taken_in=3)

    assert judged(found)[1:] == ("human_declared", ("altered",))
    assert sorted(one.relation for one in found.matches) == ["near_duplicate", "one_of_several"]
    assert f"{CARLA} declares it" in unsaid.wording
    assert ALICE not in unsaid.wording.partition("declares it")[0]


def test_a_stranger_is_given_no_receipt_that_names_who_may_read_the_prompt(tmp_path: Path, decoders: Decoders) -> None:
    """A receipt holds the whole request. Whoever withholds settings from all names nobody."""
    told, hidden = WithheldSetting(field="prompt", readers=(CARLA,)), WithheldSetting(field="seed")
    gallery = RecordedPictures(tmp_path, a_picture(1), decoders, request={"withheld": (told, hidden)})
    gallery.generated(file_of(a_picture(2)), 1, {"withheld": (hidden,), "nonce": "1" * 32})

    def receipts(seed: int, *, member: bool) -> list[bool]:
        found = gallery.verified(file_of(a_picture(seed)), member=member)
        return [match.receipt is not None for match in found.matches if match.relation == "exact_file"]

    assert (receipts(1, member=True), receipts(1, member=False)) == ([True], [False])
    assert receipts(2, member=False) == [True]
