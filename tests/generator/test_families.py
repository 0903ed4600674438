"""Every family of pipelines makes what it is asked for, and what would have no part in its pictures is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from tiny_models import TINY, written

from generator.errors import GeneratorCode, GeneratorError
from generator.families import FAMILIES, Family, family_of
from generator.pipeline import Pipeline, Settings

pytestmark = pytest.mark.usefixtures("one_thread")

GUIDED = {
    "flux": "true_cfg_scale",
    "flux_guided": "guidance_scale",
    "hunyuan_dit": "guidance_scale",
    "hunyuan_image": "",
    "hunyuan_image_distilled": "distilled_guidance_scale",
    "hunyuan_image_guider": "guider",
    "qwen_image": "true_cfg_scale",
    "stable_diffusion": "guidance_scale",
    "stable_diffusion_3": "guidance_scale",
    "stable_diffusion_xl": "guidance_scale",
    "z_image": "guidance_scale",
}
LEARNED = {"flux_guided", "hunyuan_image_distilled"}
ASKED = Settings(prompt="a red boat at the sea", seed=7, steps=2, width=64, height=96, guidance_centi=450)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("tiny")
    return {name: written(name, root) for name in TINY}


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path]) -> dict[str, Pipeline]:
    return {name: Pipeline(folder) for name, folder in folders.items()}


@pytest.fixture(params=sorted(TINY))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pipeline(loaded: dict[str, Pipeline], name: str) -> Pipeline:
    return loaded[name]


def asked(pipeline: Pipeline, **changes: Any) -> Settings:
    """Settings that this model takes."""
    return replace(ASKED, guidance_centi=450 if pipeline.family.guided_by else 0, **changes)


def made(pipeline: Pipeline, settings: Settings) -> bytes:
    return pipeline.generate(settings, lambda step, steps: None).tobytes()


def unchecked(pipeline: Pipeline, settings: Settings, **arguments: Any) -> bytes:
    """What the pipeline makes if it is called with whatever would be refused."""
    found: bytes = pipeline._pipe(**pipeline._arguments([settings]), **arguments).images[0].convert("RGB").tobytes()
    return found


def refusal(pipeline: Pipeline, settings: Settings) -> GeneratorError:
    with pytest.raises(GeneratorError) as found:
        pipeline.generate(settings, lambda step, steps: pytest.fail("a step was made"))
    return found.value


def test_the_table_names_what_guides_each_family(pipeline: Pipeline, name: str) -> None:
    assert (pipeline.family.guided_by, pipeline.family.learned) == (GUIDED[name], name in LEARNED)
    assert type(pipeline._pipe).__name__ in FAMILIES


def test_a_picture_has_the_size_asked_for_and_comes_again_by_its_seed(pipeline: Pipeline) -> None:
    first = pipeline.generate(asked(pipeline), lambda step, steps: None)

    assert (first.size, first.mode) == ((64, 96), "RGB")
    assert made(pipeline, asked(pipeline)) == first.tobytes()
    assert made(pipeline, asked(pipeline, seed=8)) != first.tobytes()
    assert made(pipeline, asked(pipeline, seed=6, index=1)) == first.tobytes()


def test_guidance_changes_the_picture_where_the_table_says_so_and_is_refused_elsewhere(pipeline: Pipeline) -> None:
    settings = asked(pipeline)

    if pipeline.family.guided_by:
        assert made(pipeline, replace(settings, guidance_centi=900)) != made(pipeline, settings)
        assert made(pipeline, replace(settings, guidance_centi=0)) != made(pipeline, settings)
    else:
        assert "guidance 0" in refusal(pipeline, replace(settings, guidance_centi=450)).detail


def test_too_little_guidance_to_have_a_part_is_refused(pipeline: Pipeline) -> None:
    little = asked(pipeline)
    little = replace(little, guidance_centi=50)
    counts = pipeline.family.learned or pipeline.family.off_to_centi == 0

    if counts:
        assert made(pipeline, little) != made(pipeline, replace(little, guidance_centi=0))
    else:
        assert refusal(pipeline, little).detail.startswith("guidance: ")
    if not counts and pipeline.family.guided_by.endswith("_scale"):
        assert unchecked(pipeline, little) == unchecked(pipeline, replace(little, guidance_centi=0))


def test_a_negative_prompt_changes_the_picture_where_the_table_says_so_and_is_refused_elsewhere(
    pipeline: Pipeline,
) -> None:
    settings = asked(pipeline)

    if pipeline.family.contrasts(settings):
        assert made(pipeline, replace(settings, negative_prompt="house")) != made(pipeline, settings)
    else:
        assert refusal(pipeline, replace(settings, negative_prompt="house")).detail.startswith("negative_prompt: ")
        assert unchecked(pipeline, settings, negative_prompt=["house"]) == unchecked(pipeline, settings)


def test_a_negative_prompt_without_guidance_is_refused(pipeline: Pipeline) -> None:
    error = refusal(pipeline, replace(asked(pipeline, negative_prompt="house"), guidance_centi=0))

    assert (error.code, error.detail.partition(":")[0]) == (GeneratorCode.SETTINGS_INVALID, "negative_prompt")


def test_a_side_that_the_model_does_not_make_is_refused_before_a_step(pipeline: Pipeline) -> None:
    multiple = pipeline.family.side_multiple
    if multiple > 8:
        error = refusal(pipeline, asked(pipeline, width=64 + 8))

        assert (error.code, error.detail.partition(":")[0]) == (GeneratorCode.SETTINGS_INVALID, "width")
        assert "ask for " in error.detail
    else:
        assert pipeline.generate(asked(pipeline, width=64 + 8), lambda step, steps: None).size == (72, 96)


def test_a_prompt_that_the_model_does_not_read_to_its_end_is_refused(pipeline: Pipeline) -> None:
    long = " ".join(["xyz" * 30] * 21)
    settings = asked(pipeline, prompt=long)

    assert refusal(pipeline, settings).detail.startswith("prompt: this model reads ")
    assert unchecked(pipeline, settings) == unchecked(pipeline, replace(settings, prompt=long[:-1] + "a"))
    if pipeline.family.contrasts(settings):
        negative = asked(pipeline, negative_prompt=long)
        assert refusal(pipeline, negative).detail.startswith("negative_prompt: this model reads ")


def test_a_prompt_is_long_enough_if_one_encoder_reads_it_to_its_end(loaded: dict[str, Pipeline]) -> None:
    letters = " ".join("abcdefghij" * 5)
    both, clip = loaded["flux"], loaded["stable_diffusion_xl"]

    assert made(both, asked(both, prompt=letters)) != made(both, asked(both, prompt=letters[:-1] + "k"))
    assert "this model reads 77 tokens" in refusal(clip, asked(clip, prompt=letters)).detail


def test_two_pictures_are_made_together(pipeline: Pipeline) -> None:
    settings = asked(pipeline, batch=2)
    pair = pipeline.generate_batch([settings, replace(settings, index=1)], lambda step, steps: None)

    assert [image.size for image in pair] == [(64, 96), (64, 96)]
    assert pair[0].tobytes() != pair[1].tobytes()


def test_what_ends_a_step_ends_the_run_and_the_next_is_as_if_nothing_had_been(pipeline: Pipeline) -> None:
    settings, seen = asked(pipeline), list[int]()
    before = made(pipeline, settings)

    class Withdrawn(Exception):
        pass

    def on_step(step: int, steps: int) -> None:
        seen.append(step)
        raise Withdrawn

    with pytest.raises(Withdrawn):
        pipeline.generate(settings, on_step)

    assert seen == [1]
    assert made(pipeline, settings) == before


def test_pictures_of_other_settings_are_not_made_together(loaded: dict[str, Pipeline]) -> None:
    pipeline = loaded["z_image"]
    settings = asked(pipeline)

    with pytest.raises(GeneratorError, match="SETTINGS_INVALID: pictures that are computed together differ in"):
        pipeline.generate_batch([settings, replace(settings, guidance_centi=900)], lambda step, steps: None)


def test_a_picture_of_another_size_is_not_given_out(
    loaded: dict[str, Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = loaded["hunyuan_dit"]
    other = SimpleNamespace(images=[Image.new("RGB", (1024, 1024))])
    monkeypatch.setattr(type(pipeline._pipe), "__call__", lambda self, **_: other)

    with pytest.raises(GeneratorError, match="SIZE_MISSED: asked for 64 x 96, made 1024 x 1024"):
        made(pipeline, asked(pipeline))


def test_a_pipeline_that_no_entry_is_for_is_judged_by_its_signature_and_configuration() -> None:
    def learned(prompt: str, distilled_guidance_scale: float, negative_prompt: str) -> None: ...
    def contrasted(prompt: str, guidance_scale: float, negative_prompt: str, use_resolution_binning: bool) -> None: ...
    def truly(prompt: str, guidance_scale: float, true_cfg_scale: float, negative_prompt: str) -> None: ...
    def bare(prompt: str, guidance_scale: float) -> None: ...

    def stranger(call: Any, **config: Any) -> Any:
        kind = type("StrangePipeline", (), {"__call__": staticmethod(call)})
        pipe = kind()
        pipe.transformer, pipe.vae_scale_factor = SimpleNamespace(config=SimpleNamespace(**config)), 16
        return pipe

    assert family_of(stranger(learned, guidance_embeds=True)) == Family(
        "distilled_guidance_scale", learned=True, side_multiple=16
    )
    assert family_of(stranger(contrasted)) == Family(
        "guidance_scale", side_multiple=16, fixed={"use_resolution_binning": False}
    )
    assert family_of(stranger(truly)) == Family("true_cfg_scale", side_multiple=16, needs_negative=True)
    assert family_of(stranger(bare)) == Family("", side_multiple=16)


def test_a_model_computes_in_the_numbers_that_it_was_loaded_in(folders: dict[str, Path]) -> None:
    short = Pipeline(folders["z_image"], "bfloat16")
    settings = asked(short, precision="bfloat16")

    assert short._pipe.transformer.dtype is torch.bfloat16
    assert made(short, settings) == made(short, settings)
    assert "precision: float32 is asked for" in refusal(short, replace(settings, precision="float32")).detail
