"""Labels are written without touching pixels or anything else, and read out of any bytes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from credentialed import CONTAINERS, a_file
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pictures.containers import isobmff
from pictures.containers.kinds import container_of
from pictures.containers.xmp import packet_of
from pictures.embedded import said_in
from pictures.errors import PictureCode, PictureError
from pictures.labels import TEXT_MAX, DeclaredLabels, Label, declared_labels, labelled
from pictures.source_types import SourceType

LABEL = Label(
    SourceType.TRAINED, "studio <& co>", "Remarque & default", "1", datetime(2026, 11, 22, 8, tzinfo=UTC), "urn:c2pa:1"
)
OWN = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="mine"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def exif(**entries: Any) -> bytes:
    made = Image.Exif()
    made[0x0131], made[0x010F] = "Editor 5", "Maker"
    for tag, text in entries.items():
        made[int(tag.removeprefix("tag"))] = text
    return made.tobytes()


FILES = {
    **{container: (container, {}) for container in CONTAINERS},
    "JPEG with EXIF": ("JPEG", {"exif": exif()}),
    "JPEG, progressive": ("JPEG", {"progressive": True}),
    "JPEG with XMP": ("JPEG", {"xmp": OWN}),
    "WEBP, lossless": ("WEBP", {"lossless": True}),
    "WEBP with EXIF": ("WEBP", {"exif": exif()}),
    "WEBP with XMP": ("WEBP", {"xmp": OWN}),
    "AVIF with EXIF": ("AVIF", {"exif": exif()}),
    "TIFF, packed": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF with XMP": ("TIFF", {"tiffinfo": {700: OWN}}),
}


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("name", FILES)
def test_a_label_is_read_again_and_the_pixels_and_all_else_stay(name: str) -> None:
    container, options = FILES[name]
    before = a_file(container, **options)
    after = labelled(before, LABEL)

    assert (pixels(after) == pixels(before)).all()
    found = declared_labels(after)
    assert (found.source_type, found.system) == ("trainedAlgorithmicMedia", "Remarque & default")
    assert found.says_generated
    packet = packet_of(container, after)
    for text in (b"studio &lt;&amp; co&gt;", b"2026-11-22T08:00:00Z", b"urn:c2pa:1", b"AISystemVersionUsed>1<"):
        assert text in packet
    assert (b"mine" in packet) == ("XMP" in name)
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        assert one.info.get("exif") == other.info.get("exif")
        shown = other.info.get("xmp", other.info.get("XML:com.adobe.xmp", b"")) or other.getxmp()
        assert "trainedAlgorithmicMedia" in str(shown)


@pytest.mark.parametrize("container", [one for one in CONTAINERS if one != "AVIF"])
def test_the_same_label_is_written_once_more_and_another_source_is_refused(container: str) -> None:
    once = labelled(a_file(container), Label(SourceType.CAPTURED))

    assert declared_labels(labelled(once, Label(SourceType.CAPTURED))).source_type == "digitalCapture"
    with pytest.raises(PictureError, match="NOT_LABELLED: the file says that its picture is digitalCapture"):
        labelled(once, LABEL)


def test_a_label_can_be_of_the_source_alone() -> None:
    packet = packet_of("PNG", labelled(a_file(), Label(SourceType.DRAWN)))

    assert b"digitalCreation" in packet
    assert b"AISystem" not in packet
    assert b"CreateDate" not in packet


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", a_file("GIF"), b"II+\0" + bytes(60), b"\x89PNG\r\n\x1a\n", a_file("JPEG", xmp=b"<x>")]
)
def test_what_takes_no_label_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError) as refusal:
        labelled(data, LABEL)
    assert refusal.value.code is PictureCode.NOT_LABELLED


def test_a_packet_too_long_for_a_segment_is_refused() -> None:
    long = OWN.replace(b"mine", b"m" * 65_000)

    with pytest.raises(PictureError, match="65502 bytes of XMP"):
        labelled(a_file("JPEG", xmp=long), LABEL)


@pytest.mark.parametrize(
    "said",
    [
        b"<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/%s</Iptc4xmpExt:DigitalSourceType>",
        b'<a Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/%s"/>',
        b"<a ext:DigitalSourceType = 'http://cv.iptc.org/newscodes/digitalsourcetype/%s'/>",
        b'<ext:DigitalSourceType rdf:resource="http://cv.iptc.org/newscodes/digitalsourcetype/%s"/>',
        b"<ext:DigitalSourceType>\n  %s\n</ext:DigitalSourceType>",
    ],
)
def test_a_source_type_is_read_however_it_is_written(said: bytes) -> None:
    found = declared_labels(a_file("WEBP", xmp=OWN.replace(b"</rdf:RDF>", said % b"digitalCapture" + b"</rdf:RDF>")))

    assert found.source_type == "digitalCapture"
    assert not found.says_generated


def a_png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    return a_file("PNG", pnginfo=info)


@pytest.mark.parametrize(
    ("data", "system", "what"),
    [
        (a_png(parameters="a cat\nSteps: 20, Sampler: Euler, Seed: 7"), "AUTOMATIC1111", "text parameters"),
        (a_png(prompt='{"3": {"class_type": "KSampler"}}', workflow="{}"), "ComfyUI", "text prompt"),
        (a_png(invokeai_metadata="{}"), "InvokeAI", "text invokeai_metadata"),
        (
            a_file("JPEG", exif=exif(tag37510=b"ASCII\0\0\0a cat\nSteps: 20, Sampler: Euler, Seed: 7")),
            "AUTOMATIC1111",
            "comment",
        ),
    ],
)
def test_prompts_that_generators_leave_are_told_and_say_so(data: bytes, system: str, what: str) -> None:
    found = declared_labels(data)

    assert (found.system, found.settings[0].what) == (system, what)
    assert found.says_generated
    assert found.source_type == ""


def test_software_and_camera_are_told() -> None:
    found = declared_labels(a_file("JPEG", exif=exif()))

    assert {(one.what, one.text) for one in found.programs} == {
        ("software", "Editor 5"),
        ("maker of the camera", "Maker"),
    }
    assert not found.says_generated


def test_a_comment_that_is_no_settings_says_nothing() -> None:
    assert declared_labels(a_file("JPEG", exif=exif(tag37510=b"ASCII\0\0\0Steps: up the hill"))).settings == ()


def test_long_texts_are_cut_off() -> None:
    found = declared_labels(a_png(parameters="cat " * 10_000))

    assert len(found.settings[0].text) == TEXT_MAX


@given(st.sampled_from(CONTAINERS), st.integers(0, 2_500), st.binary(max_size=30))
def test_whatever_the_bytes_are_only_refusals_are_raised(container: str, at: int, noise: bytes) -> None:
    whole = _labelled(container)
    for data in (whole[:at], whole[:at] + noise + whole[at + len(noise) :], noise, whole[:12] + noise):
        assert isinstance(declared_labels(data), DeclaredLabels)
        try:
            labelled(data, LABEL)
        except PictureError as error:
            assert error.code is PictureCode.NOT_LABELLED


_made: dict[str, bytes] = {}


def _labelled(container: str) -> bytes:
    if container not in _made:
        _made[container] = labelled(a_file(container, size=48), LABEL)
    return _made[container]


def test_an_avif_whose_items_lie_before_its_meta_box_keeps_its_pixels() -> None:
    """As other writers order them: what grows is behind the items then, and they are not moved."""
    usual = a_file("AVIF")
    _, start, _, end = isobmff.meta_boxes(usual)[b"meta"]
    told = isobmff.moved(usual, start - end, behind=end)
    before = told[:start] + told[end:] + told[start:end]
    after = labelled(before, LABEL)

    assert (pixels(before) == pixels(usual)).all()
    assert (pixels(after) == pixels(usual)).all()
    assert declared_labels(after).source_type == "trainedAlgorithmicMedia"


def test_an_avif_that_has_xmp_is_given_no_second_one() -> None:
    with pytest.raises(PictureError, match="has XMP already"):
        labelled(labelled(a_file("AVIF"), LABEL), LABEL)


def test_what_embedded_tells_of_a_label_is_that_it_is_there() -> None:
    said = list(said_in(container_of(a_file("WEBP")), labelled(a_file("WEBP"), LABEL)))

    assert [one.what for one in said] == ["XMP"]
