"""What the default model learns from is composed by a script, and its captions tell the truth."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from statistics import mean

import pytest
from PIL import Image, ImageStat
from tiny_icons import write_icons

from generator.training.compositions import (
    Composition,
    Item,
    ask,
    compose,
    draw,
    draw_scene,
    is_held_out,
)
from generator.training.icons import Icons, repaint
from generator.training.world import BY_NAME, COLOURS, GROUNDS, HOURS, PLACES, WALLS

SEEDS = range(600)


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Icons:
    return Icons(write_icons(tmp_path_factory.mktemp("icons")))


def drawn(icons: Icons, *items: Item, ground: str = "white", hour: str = "noon", small: bool = False) -> Image.Image:
    return draw(random.Random(1), icons, Composition(items, ground, hour, small))


def test_a_seed_always_draws_the_same_scene(icons: Icons) -> None:
    first, again = draw_scene(icons, 5), draw_scene(icons, 5)

    assert (first.caption, first.composition) == (again.caption, again.composition)
    assert first.image.tobytes() == again.image.tobytes()


def test_scenes_are_pictures_of_128_pixels(icons: Icons) -> None:
    scenes = [draw_scene(icons, seed) for seed in range(60)]

    assert {(scene.image.size, scene.image.mode) for scene in scenes} == {((128, 128), "RGB")}


def test_a_caption_names_every_thing_with_its_colour() -> None:
    for seed in SEEDS:
        composition, sentence = ask(seed)
        for item in composition.items:
            assert any(word in sentence for word in BY_NAME[item.thing].words), sentence
            assert item.colour is None or f"{item.colour} " in sentence


def test_a_caption_is_silent_only_about_what_is_drawn_anyway() -> None:
    for seed in SEEDS:
        composition, sentence = ask(seed)
        ground = GROUNDS[composition.ground]
        assert composition.ground == "white" or any(words in sentence for words in ground.words)
        assert composition.hour == "noon" or any(words in sentence for words in HOURS[composition.hour])


def test_things_without_a_place_in_the_caption_stand_from_left_to_right() -> None:
    unplaced = [
        (composition, sentence)
        for composition, sentence in map(ask, SEEDS)
        if not any(word in sentence for words in PLACES.values() for word in words)
    ]

    assert len(unplaced) > 100
    for composition, sentence in unplaced:
        named = [_position(sentence, BY_NAME[item.thing].words) for item in composition.items]
        assert named == sorted(named), sentence
        assert len(composition.items) > 1 or composition.items[0].place == "centre"


def test_things_with_places_are_named_in_any_order() -> None:
    sentences = [
        sentence for _, sentence in map(ask, SEEDS) if "on the left" in sentence and "on the right" in sentence
    ]
    leftmost_first = [sentence.find("on the left") < sentence.find("on the right") for sentence in sentences]

    assert 0.3 < mean(leftmost_first) < 0.7


def _position(sentence: str, words: tuple[str, ...]) -> int:
    return max(found.start() for word in words for found in re.finditer(rf"\b{word}\b", sentence))


def test_held_out_combinations_are_never_learned_from() -> None:
    learned = {ask(seed)[0] for seed in SEEDS}
    kept = {ask(seed, held_out=True)[0] for seed in SEEDS}

    assert not any(is_held_out(composition) for composition in learned)
    assert all(is_held_out(composition) for composition in kept)


def test_whether_a_thing_on_a_ground_is_held_out_does_not_depend_on_the_other_things() -> None:
    kept = next(scene for scene in (ask(seed, held_out=True)[0] for seed in SEEDS) if _is_kept_for_its_ground(scene))
    other = Item("crown" if kept.items[0].thing != "crown" else "robot", "right")

    assert is_held_out(replace(kept, items=(*kept.items, other)))


def _is_kept_for_its_ground(scene: Composition) -> bool:
    (item, *others) = scene.items
    return not others and all(is_held_out(replace(scene, items=(replace(item, place=place),))) for place in PLACES)


def test_no_thing_is_hidden_by_a_wall_of_its_colour() -> None:
    compositions = [compose(random.Random(seed)) for seed in SEEDS]

    assert not any(item.colour == scene.ground for scene in compositions for item in scene.items)


def test_a_thing_stands_where_its_place_says(icons: Icons) -> None:
    thing = "apple"
    for place, third in (("left", 0), ("centre", 1), ("right", 2)):
        image = drawn(icons, Item(thing, place), small=True)
        parts = [image.crop((43 * part, 0, 43 * part + 42, 128)) for part in range(3)]
        spread = [ImageStat.Stat(part.convert("L")).stddev[0] for part in parts]
        assert spread.index(max(spread)) == third


def test_a_thing_alone_is_twice_as_wide_as_a_small_one(icons: Icons) -> None:
    wall = WALLS["white"]
    widths = []
    for small in (False, True):
        image = drawn(icons, Item("apple", "centre"), small=small)
        differing = Image.eval(image.convert("L"), lambda value, plain=wall[0]: 255 if value < plain - 30 else 0)
        left, _, right, _ = differing.getbbox() or (0, 0, 0, 0)
        widths.append(right - left)

    assert widths[0] == pytest.approx(2 * widths[1], abs=3)


def test_nights_are_dark_and_noons_are_bright(icons: Icons) -> None:
    def brightness(hour: str) -> float:
        lands = [name for name, ground in GROUNDS.items() if ground.has_hours]
        pictures = [drawn(icons, Item("pear", "centre"), ground=land, hour=hour, small=True) for land in lands]
        return mean(ImageStat.Stat(picture.convert("L")).mean[0] for picture in pictures)

    assert brightness("night") + 60 < brightness("noon")


@pytest.mark.parametrize("name", COLOURS)
def test_a_painted_thing_has_its_colour_and_keeps_the_rest(name: str) -> None:
    image = Image.new("RGBA", (40, 40), (230, 40, 40, 255))
    image.paste((90, 90, 90, 255), (0, 0, 40, 10))

    painted = repaint(image, COLOURS[name])

    assert painted.getpixel((20, 5)) == (90, 90, 90, 255)
    assert painted.getpixel((20, 30))[:3] == pytest.approx(COLOURS[name], abs=8)
