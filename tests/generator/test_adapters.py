"""Adapters (LoRA): all their weights have a part in the picture, and nothing of them stays behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from tiny_adapters import FILE, spoil, write_adapter
from tiny_models import written

from generator.adapters import AdapterFolder
from generator.errors import GeneratorCode, GeneratorError
from generator.models import model_digest
from generator.pipeline import Pipeline, Settings

pytestmark = pytest.mark.usefixtures("one_thread")

TAKES = ("flux", "qwen_image", "stable_diffusion", "stable_diffusion_3", "stable_diffusion_xl", "z_image")
TAKES_NONE = ("hunyuan_dit", "hunyuan_image")
ASKED = Settings(prompt="a red boat at the sea", seed=7, steps=2, width=64, height=64, guidance_centi=0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def pipeline(root: Path) -> Pipeline:
    return Pipeline(written("stable_diffusion", root))


def added(folder: Path, weight_centi: int = 100) -> AdapterFolder:
    return AdapterFolder(model_digest(folder), folder, weight_centi)


def drawn(pipeline: Pipeline, *adapters: AdapterFolder, settings: Settings = ASKED) -> bytes:
    with pipeline.adapted(adapters):
        return pipeline.generate(settings, lambda step, steps: None).tobytes()


def refusal(pipeline: Pipeline, *adapters: AdapterFolder) -> GeneratorError:
    with pytest.raises(GeneratorError) as raised:
        drawn(pipeline, *adapters)
    return raised.value


@pytest.mark.parametrize("family", TAKES)
def test_an_adapter_changes_the_picture_by_its_weight_and_leaves_the_model_as_it_was(root: Path, family: str) -> None:
    pipeline = Pipeline(written(family, root / "families"))
    folder = write_adapter(pipeline._pipe, root / f"{family}_adapter")

    before = drawn(pipeline)
    whole, half = drawn(pipeline, added(folder)), drawn(pipeline, added(folder, 50))

    assert len({before, whole, half}) == 3
    assert drawn(pipeline, added(folder)) == whole
    assert drawn(pipeline) == before


@pytest.mark.parametrize("family", TAKES_NONE)
def test_a_family_that_takes_no_adapter_says_so(root: Path, pipeline: Pipeline, family: str) -> None:
    folder = write_adapter(pipeline._pipe, root / "foreign")
    error = refusal(Pipeline(written(family, root / "families")), added(folder))

    assert error.code is GeneratorCode.SETTINGS_INVALID
    assert "Pipeline takes none" in str(error)


def test_two_adapters_are_added_together_in_any_mixture(root: Path, pipeline: Pipeline) -> None:
    one, other = (added(write_adapter(pipeline._pipe, root / f"mixed{seed}", seed=seed)) for seed in (1, 2))

    pictures = [drawn(pipeline, one), drawn(pipeline, other), drawn(pipeline, one, other)]
    pictures.append(drawn(pipeline, one, AdapterFolder(other.digest, other.folder, 20)))

    assert len({*pictures, drawn(pipeline)}) == 5


@pytest.mark.parametrize(("word", "other"), [("attn2", "attn3"), ("unet.", "transformer."), ("to_q", "to_p")])
def test_matrices_that_have_no_place_in_the_model_are_refused(
    root: Path, pipeline: Pipeline, word: str, other: str
) -> None:
    folder = write_adapter(pipeline._pipe, root / f"spoilt_{other}")
    spoil(folder, word, other)
    before = drawn(pipeline)
    error = refusal(pipeline, added(folder))

    assert error.code is GeneratorCode.SETTINGS_INVALID
    assert "ask the model that it was trained for" in str(error)
    assert drawn(pipeline) == before


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"lora_te_text_model.bogus.lora_zz": torch.zeros(2, 2)}, "lora_te_text_model.bogus.lora_zz is no matrix"),
        (
            {"unet.mid_block.bogus.lora.down.weight": torch.full((2, 2), math.nan)},
            "bogus.lora.down.weight is not finite",
        ),
    ],
)
def test_what_would_be_left_out_or_is_no_number_is_refused(
    root: Path, pipeline: Pipeline, spoilt: dict[str, torch.Tensor], said: str
) -> None:
    folder = write_adapter(pipeline._pipe, root / f"odd{len(said)}")
    save_file(load_file(folder / FILE) | spoilt, folder / FILE)
    error = refusal(pipeline, added(folder))

    assert error.code is GeneratorCode.SETTINGS_INVALID
    assert said in str(error)


def test_matrices_without_their_other_half_are_refused(root: Path, pipeline: Pipeline) -> None:
    folder = write_adapter(pipeline._pipe, root / "half")
    weights = load_file(folder / FILE)
    save_file(
        {name: one for name, one in weights.items() if ".up." not in name and "lora_B" not in name}, folder / FILE
    )

    assert refusal(pipeline, added(folder)).code is GeneratorCode.SETTINGS_INVALID


def test_an_adapter_of_another_models_size_is_refused(root: Path, pipeline: Pipeline) -> None:
    larger = Pipeline(written("stable_diffusion_xl", root / "families"))
    error = refusal(pipeline, added(write_adapter(larger._pipe, root / "larger")))

    assert error.code is GeneratorCode.SETTINGS_INVALID
    assert len(str(error)) < 500


def test_a_folder_that_was_changed_or_holds_no_weights_is_refused(root: Path, pipeline: Pipeline) -> None:
    folder = write_adapter(pipeline._pipe, root / "changed")
    was = added(folder)
    spoil(folder, "to_q", "to_k")
    two = write_adapter(pipeline._pipe, root / "two")
    (two / "other.safetensors").write_bytes((two / FILE).read_bytes())
    junk = root / "junk"
    junk.mkdir()
    (junk / FILE).write_bytes(b"weights, please")

    assert refusal(pipeline, was).code is GeneratorCode.MODEL_MISMATCH
    assert refusal(pipeline, added(two)).code is GeneratorCode.MODEL_UNREADABLE
    assert refusal(pipeline, added(junk)).code is GeneratorCode.MODEL_UNREADABLE


def test_an_adapter_has_its_part_where_pictures_are_redrawn_and_computed_together(
    root: Path, pipeline: Pipeline
) -> None:
    folder = write_adapter(pipeline._pipe, root / "together")
    batch = [replace(ASKED, batch=2, index=index) for index in (0, 1)]

    def both() -> list[bytes]:
        return [one.tobytes() for one in pipeline.generate_batch(batch, lambda step, steps: None)]

    before = both()
    with pipeline.adapted([added(folder)]):
        with_adapter = both()

    assert all(one != other for one, other in zip(before, with_adapter, strict=True))


def test_what_ends_a_run_takes_the_adapters_away(root: Path, pipeline: Pipeline) -> None:
    folder = write_adapter(pipeline._pipe, root / "ended")
    before = drawn(pipeline)

    class Ended(Exception):
        pass

    def stop(step: int, steps: int) -> Any:
        raise Ended

    with pytest.raises(Ended), pipeline.adapted([added(folder)]):
        pipeline.generate(ASKED, stop)

    assert drawn(pipeline) == before
