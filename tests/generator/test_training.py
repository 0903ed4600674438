"""The parts of the default model begin where they should, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_icons import write_icons

from generator.models import model_digest
from generator.pipeline import Pipeline
from generator.settings import Settings
from generator.training import denoiser_training, networks, train
from generator.training.autoencoder import new_vae, work_out
from generator.training.compositions import draw_scene
from generator.training.decoder_training import as_tensor
from generator.training.icons import Icons
from generator.training.judge import Judgement, train_judge
from generator.training.networks import learn_tokenizer, rate_at

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Icons:
    return Icons(write_icons(tmp_path_factory.mktemp("icons")))


def pictures(icons: Icons, seeds: range) -> torch.Tensor:
    return as_tensor(np.stack([np.asarray(draw_scene(icons, seed).image) for seed in seeds]))


def test_an_autoencoder_that_nobody_taught_keeps_the_colours_of_pictures_that_it_never_saw(icons: Icons) -> None:
    vae = new_vae()
    work_out(vae, pictures(icons, range(60)))
    unseen = pictures(icons, range(100, 110))

    with torch.no_grad():
        made = vae.decode(vae.encode(unseen).latents).sample

    assert -10 * ((made - unseen) / 2).square().mean().log10() > 18


def test_a_thing_has_the_same_latents_wherever_it_stands(icons: Icons) -> None:
    vae = new_vae()
    work_out(vae, pictures(icons, range(60)))
    picture = pictures(icons, range(1))

    with torch.no_grad():
        here, there = vae.encoder(picture), vae.encoder(picture.roll(32, dims=3))

    assert torch.allclose(here.roll(4, dims=3), there, atol=1e-5)


def test_latents_are_the_principal_components_of_cells(icons: Icons) -> None:
    vae = new_vae()
    seen = pictures(icons, range(60))
    work_out(vae, seen)

    with torch.no_grad():
        latents = vae.encoder(seen).movedim(1, -1).flatten(0, -2)

    correlations = torch.corrcoef(latents.T) - torch.eye(latents.shape[1])
    assert correlations.abs().max() < 0.02
    assert latents.mean(dim=0).abs().max() < 0.01


def test_the_rate_rises_stays_and_falls() -> None:
    rates = [rate_at(step, 1000) for step in (0, 99, 300, 499, 750, 999)]

    assert rates[0] == 0.01
    assert rates[1:4] == [1, 1, 1]
    assert rates[4] == pytest.approx(0.5)
    assert rates[5] == 0.02


def test_captions_teach_whole_words() -> None:
    tokenizer = learn_tokenizer(["a pineapple in the snow", "a blue car and a pineapple in the snow"], 600)

    assert tokenizer.tokenize("a blue pineapple") == ["a</w>", "blue</w>", "pineapple</w>"]


@pytest.fixture
def icons_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of icons for small runs at a level rate."""
    monkeypatch.setattr(denoiser_training, "BATCH", 2)
    monkeypatch.setattr(networks, "COOL_DOWN", 1e-9)
    (tmp_path / "icons").mkdir()
    return write_icons(tmp_path / "icons")


def a_run(folder: Path, icons: Path, steps: int, *more: str) -> Path:
    arguments = ["--icons", str(icons), "--work", str(folder / "work"), "--out", str(folder / "model")]
    train.main([*arguments, "--scenes", "32", "--steps", str(steps), "--decoder-steps", str(steps), *more])
    return folder / "model"


def weights(model: Path) -> dict[str, str]:
    return {path.parent.name: sha256(path.read_bytes()).hexdigest() for path in model.glob("*/*.safetensors")}


def test_a_run_that_stops_and_goes_on_makes_the_model_of_one_that_does_not(tmp_path: Path, icons_folder: Path) -> None:
    whole = a_run(tmp_path / "whole", icons_folder, 2)
    a_run(tmp_path / "halted", icons_folder, 1)
    halted = a_run(tmp_path / "halted", icons_folder, 2)

    assert len(weights(whole)) == 3
    assert model_digest(whole) == model_digest(halted)


def test_a_run_that_begins_with_a_model_and_makes_no_step_gives_it_back(tmp_path: Path, icons_folder: Path) -> None:
    first = a_run(tmp_path / "first", icons_folder, 1)
    again = a_run(tmp_path / "again", icons_folder, 0, "--begin", str(first))

    assert weights(first) == weights(again)


def test_a_model_says_what_it_can_be_asked_for_and_draws(tmp_path: Path, icons_folder: Path) -> None:
    model = a_run(tmp_path, icons_folder, 1)
    image = Pipeline(model).generate(Settings(prompt="a cat", seed=1, steps=2), lambda step, steps: None)

    assert json.loads((model / "world.json").read_text())["things"]["cat"]["words"] == ["cat", "kitten"]
    assert image.size == (128, 128)


def test_a_judge_learns_to_read_drawings(icons: Icons) -> None:
    judge = train_judge(icons, steps=2, seed=1)

    readings = judge.read([draw_scene(icons, seed).image for seed in range(3)])

    assert len(readings) == 3
    assert all(isinstance(reading, Judgement) for reading in readings)
