"""One call makes a file with its marks; record, released file and manifest agree on it."""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
import pytest
from credentialed import CONTAINERS, a_claim, the_studio
from PIL import Image

from bench.painted.scenes import draw_scene
from pictures.credentials.embedding import without_manifest
from pictures.credentials.findings import CredentialState
from pictures.credentials.manifest import seal
from pictures.credentials.reading import read_credentials
from pictures.fingerprint import image_code
from pictures.labels import Label, declared_labels
from pictures.marking import Container, Layers, MarkedFile, mark, watermark_id
from pictures.opening import FORMATS, open_picture
from pictures.picture import pixel_digest
from pictures.source_types import SourceType
from pictures.watermark import PSNR_MIN, read

KEY = bytes(range(32))
NAME = "urn:c2pa:6f2b52c1-8f9b-4a1e-8a47-d8f5b7f3a001"
ALL = Layers(KEY, Label(SourceType.TRAINED, system="model", unique_id=NAME))


def a_picture(side: int = 256) -> Image.Image:
    drawn = np.asarray(draw_scene(3).image.resize((side, side), Image.Resampling.BICUBIC)).astype(float)
    grain = np.random.default_rng(1).normal(0, 4, drawn.shape)
    return Image.fromarray(np.clip(drawn + grain, 0, 255).astype(np.uint8))


def read_from(data: bytes) -> int | None:
    with Image.open(io.BytesIO(data)) as image:
        found = read(np.asarray(image.convert("RGB")), KEY)
    return found.id if found else None


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_marked_file_carries_every_layer_and_its_record_is_what_is_left_without_the_manifest(
    container: Container,
) -> None:
    marked = mark(a_picture(), container, ALL, NAME)
    sealed = seal(
        marked.data, a_claim(label=NAME, image_code=marked.image_code, watermarked=True), the_studio().signing()
    )
    found = read_credentials(sealed.data, the_studio().root)

    assert sealed.rebuilt
    assert hashlib.sha256(without_manifest(sealed.data)).hexdigest() == marked.file_digest
    assert found.state is CredentialState.TRUSTED
    assert found.active is not None
    assert found.active.label == NAME
    assert declared_labels(sealed.data).source_type == "trainedAlgorithmicMedia"
    assert marked.watermark == watermark_id(NAME) == read_from(sealed.data)
    assert marked.psnr >= PSNR_MIN
    if container in FORMATS:
        shown = open_picture(sealed.data)
        assert (pixel_digest(shown), image_code(shown)) == (marked.pixel_digest, marked.image_code)
        assert (shown.width, shown.height) == (marked.width, marked.height)


def test_without_layers_the_file_is_the_picture() -> None:
    marked = mark(a_picture(), "PNG", Layers(), NAME)

    assert marked.watermark is None
    assert math.isinf(marked.psnr)
    assert open_picture(marked.data).image.tobytes() == a_picture().tobytes()
    assert declared_labels(marked.data).source_type == ""


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert mark(a_picture(), "PNG", ALL, NAME) == mark(a_picture(), "PNG", ALL, NAME)


@pytest.mark.parametrize("image", [Image.new("RGB", (40, 300), "teal"), Image.new("RGB", (64, 64), "white")])
def test_a_picture_too_small_or_too_smooth_is_labelled_and_said_to_have_no_watermark(image: Image.Image) -> None:
    marked = mark(image, "PNG", ALL, NAME)

    assert marked.watermark is None
    assert declared_labels(marked.data).source_type == "trainedAlgorithmicMedia"


@pytest.mark.parametrize("container", ["PNG", "WEBP", "AVIF", "TIFF", "JPEG"])
def test_transparency_stays_and_a_watermark_counts_only_if_it_is_read_on_white(container: Container) -> None:
    picture = a_picture()
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    marked = mark(picture, container, ALL, NAME)

    with Image.open(io.BytesIO(marked.data)) as image:
        assert image.has_transparency_data == (container != "JPEG")
        white = Image.new("RGBA", image.size, "white")
        shown = np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))
    found = read(shown, KEY)
    assert (found.id if found else None) == marked.watermark


def test_ids_of_watermarks_have_40_bits_and_follow_from_the_label() -> None:
    ids = {watermark_id(f"urn:c2pa:{number}") for number in range(2_000)}

    assert len(ids) == 2_000
    assert 1 << 39 < max(ids) < 1 << 40
    assert isinstance(mark(a_picture(64), "PNG", Layers(), NAME), MarkedFile)
