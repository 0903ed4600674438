"""The default model: it follows its prompt, and the same settings give the same picture."""

from __future__ import annotations

from statistics import mean

import pytest
from PIL import Image, ImageStat

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from generator.errors import GeneratorError
from generator.models import default_model_folder, model_digest
from generator.pipeline import Pipeline, Settings
from generator.regenerate import as_png, compare
from generator.settings import INDEX_MAX, SEED_MAX

MODEL_BYTES_MAX = 16_000_000


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(default_model_folder())


def pictures(pipeline: Pipeline, prompt: str, count: int = 4) -> list[Image.Image]:
    batch = [Settings(prompt=prompt, seed=100, steps=8, index=index) for index in range(count)]
    return pipeline.generate_batch(batch, lambda step, steps: None)


def brightness(images: list[Image.Image]) -> float:
    return mean(ImageStat.Stat(image.convert("L")).mean[0] for image in images)


def redness(images: list[Image.Image]) -> float:
    """How much more red than blue."""
    means = [ImageStat.Stat(image).mean for image in images]
    return mean(red - blue for red, _, blue in means)


def test_the_default_model_is_small_and_named_by_its_digest(pipeline: Pipeline) -> None:
    files = [path for path in default_model_folder().rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) <= MODEL_BYTES_MAX
    assert not [path for path in files if path.suffix not in (".json", ".txt", ".safetensors")]
    assert pipeline.digest == model_digest(default_model_folder())


def test_nights_are_darker_than_noons(pipeline: Pipeline) -> None:
    assert brightness(pictures(pipeline, "mountains at night")) + 40 < brightness(
        pictures(pipeline, "mountains at noon")
    )


def test_snow_is_brighter_than_a_forest(pipeline: Pipeline) -> None:
    assert brightness(pictures(pipeline, "snow at noon")) > brightness(pictures(pipeline, "a forest at noon")) + 20


def test_a_red_wall_is_redder_than_a_blue_wall(pipeline: Pipeline) -> None:
    red = pictures(pipeline, "a still life with a green apple on the left, a white table, a red wall")
    blue = pictures(pipeline, "a still life with a green apple on the left, a white table, a blue wall")

    assert redness(red) > redness(blue) + 40


def test_regeneration_gives_the_same_pixels_and_another_seed_another_picture(pipeline: Pipeline) -> None:
    settings = Settings(prompt="the sea at sunset, a white boat on the left", seed=SEED_MAX, steps=6, index=INDEX_MAX)
    other = Settings(prompt=settings.prompt, seed=5, steps=6)
    first, second, third = (
        as_png(pipeline.generate(each, lambda step, steps: None)) for each in (settings, settings, other)
    )

    assert first == second
    assert compare(first, second).verdict == "identical"
    assert compare(first, third).verdict == "different"


def test_every_step_is_reported_and_a_step_can_end_the_generation(pipeline: Pipeline) -> None:
    seen: list[tuple[int, int]] = []

    class Enough(Exception):
        pass

    def on_step(step: int, steps: int) -> None:
        seen.append((step, steps))
        if step == 3:
            raise Enough

    with pytest.raises(Enough):
        pipeline.generate(Settings(prompt="hills", seed=1, steps=5), on_step)
    assert seen == [(1, 5), (2, 5), (3, 5)]


def test_another_size_is_possible(pipeline: Pipeline) -> None:
    image = pipeline.generate(
        Settings(prompt="hills at noon", seed=1, steps=2, width=192, height=64), lambda step, steps: None
    )

    assert image.size == (192, 64)


def test_settings_outside_their_range_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(GeneratorError, match="SETTINGS_INVALID"):
        pipeline.generate(Settings(prompt="hills", seed=-1), lambda step, steps: None)
