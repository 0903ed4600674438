"""Pictures made of others, whole or in part: every family that can does what is asked, and the rest is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image, ImageChops, ImageDraw

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_models import TINY, written

from generator.errors import GeneratorError
from generator.models import default_model_folder
from generator.pipeline import Pipeline, Settings
from generator.redrawing import REDRAWN, Source, open_source
from generator.regenerate import as_png
from pictures.opening import open_picture
from pictures.picture import pixel_digest

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = (64, 96)
ASKED = Settings(prompt="a red boat", seed=7, steps=4, width=64, height=96, guidance_centi=0, strength_centi=50)
ABLE = ("flux", "qwen_image", "stable_diffusion", "stable_diffusion_3", "stable_diffusion_xl", "z_image")
UNABLE = ("hunyuan_dit", "hunyuan_image")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def default() -> Pipeline:
    return Pipeline(default_model_folder())


def drawn(size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture that something can be seen in."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    ImageDraw.Draw(image).ellipse((10, 20, 50, 60), fill=(200, 40, 30))
    return image


def masked(size: tuple[int, int] = SIZE) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((16, 16, 47, 47), fill=255)
    return mask


def made(pipeline: Pipeline, settings: Settings, source: Source | None) -> Image.Image:
    return pipeline.generate(settings, lambda step, steps: None, source)


def changed(first: Image.Image, second: Image.Image, where: Image.Image) -> int:
    """Pixels that differ where a mask is white."""
    gap = Image.composite(ImageChops.difference(first, second), Image.new("RGB", first.size), where)
    return sum(gap.convert("L").histogram()[1:])


@pytest.mark.parametrize("name", ABLE)
def test_every_family_that_redraws_does_so_alike_and_by_strength(name: str, folder: Path) -> None:
    pipeline = Pipeline(written(name, folder))
    source, part = Source(drawn()), Source(drawn(), masked())
    outside = ImageChops.invert(masked())
    seen: list[tuple[int, int]] = []

    first = pipeline.generate(ASKED, lambda step, steps: seen.append((step, steps)), source)
    inside = made(pipeline, ASKED, part)

    done = 3 if name == "stable_diffusion" else 2  # its sampler evaluates the model once more
    assert seen == [(step, done) for step in range(1, done + 1)]
    assert first.tobytes() == made(pipeline, ASKED, source).tobytes()
    assert first.tobytes() != made(pipeline, replace(ASKED, strength_centi=99), source).tobytes()
    assert first.tobytes() != made(pipeline, ASKED, Source(ImageChops.invert(drawn()))).tobytes()
    assert inside.tobytes() == made(pipeline, ASKED, part).tobytes()
    assert changed(inside, drawn(), outside) == 0
    assert changed(inside, drawn(), masked()) > 500


@pytest.mark.parametrize("name", UNABLE)
def test_a_model_that_draws_from_nothing_only_says_so(name: str, folder: Path) -> None:
    pipeline = Pipeline(written(name, folder))
    guidance = 450 if pipeline.family.guided_by else 0

    with pytest.raises(GeneratorError, match=r"source: HunyuanDiTPipeline|source: HunyuanImagePipeline"):
        made(pipeline, replace(ASKED, guidance_centi=guidance), Source(drawn()))


def test_the_default_model_redraws_a_whole_and_a_part(default: Pipeline) -> None:
    size = (128, 128)
    settings = replace(ASKED, width=128, height=128, guidance_centi=500, steps=6)
    whole, part = Source(drawn(size)), Source(drawn(size), masked(size))

    weak, strong = (made(default, replace(settings, strength_centi=centi), whole) for centi in (34, 90))
    inside = made(default, replace(settings, strength_centi=100), part)

    full = Image.new("L", size, 255)
    assert changed(weak, drawn(size), full) > 0
    assert sum(ImageChops.difference(weak, drawn(size)).convert("L").histogram()[32:]) < sum(
        ImageChops.difference(strong, drawn(size)).convert("L").histogram()[32:]
    )
    assert inside.tobytes() == made(default, replace(settings, strength_centi=100), part).tobytes()
    assert changed(inside, drawn(size), ImageChops.invert(masked(size))) == 0
    assert changed(inside, drawn(size), masked(size)) > 500


def test_surroundings_guide_what_is_drawn_within_them(default: Pipeline) -> None:
    size = (128, 128)
    settings = replace(ASKED, width=128, height=128, guidance_centi=500, steps=6, strength_centi=100)

    dark, bright = (
        made(default, settings, Source(Image.new("RGB", size, grey), masked(size)))
        for grey in ((20, 20, 20), (235, 235, 235))
    )

    assert changed(dark, bright, masked(size)) > 500


def test_pictures_of_a_batch_have_the_same_source(default: Pipeline) -> None:
    settings = replace(ASKED, width=128, height=128, guidance_centi=500, batch=2)
    pair = [settings, replace(settings, index=1)]

    first, second = default.generate_batch(pair, lambda step, steps: None, Source(drawn((128, 128))))

    assert first.tobytes() != second.tobytes()


REFUSED: list[tuple[str, dict[str, Any], Source | None]] = [
    ("strength: it is how much of a source", {}, None),
    ("strength: it is how much of a source", {"strength_centi": 0}, Source(drawn())),
    (r"strength: at 1\.0 nothing of the source", {"strength_centi": 100}, Source(drawn())),
    ("strength: it leaves none of 4 steps; ask for 5", {"strength_centi": 20}, Source(drawn())),
]


@pytest.mark.parametrize(("text", "changes", "source"), REFUSED)
def test_what_would_have_no_part_is_refused_by_name(
    default: Pipeline, text: str, changes: dict[str, Any], source: Source | None
) -> None:
    with pytest.raises(GeneratorError, match=f"SETTINGS_INVALID: {text}"):
        made(default, replace(ASKED, guidance_centi=500, **changes), source)


# Files


def png(image: Image.Image) -> bytes:
    return as_png(image)


def opened(source: bytes, mask: bytes = b"", **changes: Any) -> Source:
    """A source whose files are those that are named, unless changes say otherwise."""
    named = {"asset": pixel_digest(open_picture(source)), "committed": hashlib.sha256(mask).hexdigest() if mask else ""}
    named |= changes
    return open_source(source, named["asset"], mask, replace(ASKED, mask=named["committed"]))


def test_a_source_covers_the_size_that_is_asked_for_and_loses_what_is_beyond() -> None:
    wide = Image.new("RGB", (384, 192), (0, 0, 255))
    wide.paste((255, 0, 0), (128, 0, 256, 192))

    found = opened(png(wide)).image

    assert found.size == SIZE
    assert found.getpixel((32, 48)) == (255, 0, 0)
    assert found.getchannel("R").getextrema()[0] > 230


def test_a_source_of_the_size_keeps_its_pixels_and_a_mask_has_two_levels() -> None:
    soft = masked().point([100] * 255 + [200])
    found = opened(png(drawn()), png(soft))

    assert found.image.tobytes() == drawn().tobytes()
    assert found.mask is not None
    assert found.mask.tobytes() == masked().tobytes()


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "mask", "changes"),
    [
        ("its pixels are not those of asset", b"", {"asset": "ab" * 32}),
        ("mask: it is not the file", png(masked()), {"committed": "ab" * 32}),
        ("mask: it is not the file", png(masked()), {"committed": ""}),
        ("mask: it is not the file", b"", {"committed": "ab" * 32}),
        ("mask: it is no PNG of one channel", png(drawn()), {}),
        ("mask: it is no PNG of one channel", jpeg(masked()), {}),
        ("mask: .* with 8 bits or 1 bit a pixel", png(Image.new("I;16", SIZE, 65_535)), {}),
        ("mask: it has 32 x 96 pixels; give it 64 x 96", png(masked((32, 96))), {}),
        ("mask: nothing of it is white", png(Image.new("L", SIZE, 0)), {}),
        ("source or mask: IMAGE_TOO_LARGE", png(Image.new("L", (640, 960), 255)), {}),
        ("source or mask: IMAGE_UNREADABLE", b"nothing", {}),
    ],
)
def test_a_source_and_a_mask_are_held_to_what_is_said_of_them(text: str, mask: bytes, changes: dict[str, Any]) -> None:
    with pytest.raises(GeneratorError, match=text):
        opened(png(drawn()), mask, **changes)


def test_each_redrawing_family_is_one_of_those_that_are_tried(folder: Path) -> None:
    tried = {type(TINY[name](folder)).__name__ for name in ABLE}

    assert tried == REDRAWN
