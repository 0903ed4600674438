"""The training set is drawn, not downloaded, and its captions tell the truth."""

from __future__ import annotations

from statistics import mean

from PIL import ImageStat

from bench.painted.scenes import draw_scene

SCENES = [draw_scene(seed) for seed in range(400)]


def brightness_of(word: str) -> float:
    return mean(ImageStat.Stat(scene.image.convert("L")).mean[0] for scene in SCENES if word in scene.caption)


def test_a_seed_always_draws_the_same_scene() -> None:
    again = draw_scene(5)

    assert (again.caption, again.image.tobytes()) == (SCENES[5].caption, SCENES[5].image.tobytes())


def test_scenes_are_pictures_of_128_pixels_with_a_caption() -> None:
    assert {scene.image.size for scene in SCENES} == {(128, 128)}
    assert {scene.image.mode for scene in SCENES} == {"RGB"}
    assert all(scene.caption for scene in SCENES)
    assert len({scene.caption for scene in SCENES}) > 390


def test_nights_are_dark_and_noons_are_bright() -> None:
    assert brightness_of("at night") + 60 < brightness_of("at noon")
