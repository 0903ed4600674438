"""Verdicts on a regenerated picture."""

from __future__ import annotations

import io

from PIL import Image

from bench.painted.scenes import draw_scene
from generator.regenerate import Comparison, as_png, compare
from pictures.marking import Layers, mark

KEY = bytes(range(32))


def a_file(image: Image.Image, container: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, container)
    return file.getvalue()


def test_equal_pixels_are_identical_whatever_the_container() -> None:
    image = draw_scene(3).image

    assert compare(a_file(image), a_file(image, "TIFF")) == Comparison("identical", 0, 0, 0)


def test_rounding_in_a_few_pixels_is_equivalent() -> None:
    image = draw_scene(3).image
    rounded = image.copy()
    for x in range(10):
        red, green, blue = rounded.crop((x, 0, x + 1, 1)).tobytes()
        rounded.putpixel((x, 0), (red ^ 1, green, blue ^ 1))
    found = compare(a_file(image), a_file(rounded))

    assert (found.verdict, found.pixels_different, found.max_difference) == ("equivalent", 10, 1)


def test_another_picture_is_different() -> None:
    assert compare(a_file(draw_scene(3).image), a_file(draw_scene(4).image)).verdict == "different"


def test_a_changed_patch_is_different_although_most_pixels_are_equal() -> None:
    image = draw_scene(3).image
    forged = image.copy()
    forged.paste((255, 0, 255), (40, 40, 80, 80))

    assert compare(a_file(image), a_file(forged)).verdict == "different"


def test_a_watermark_is_equivalent_and_not_mistaken_for_what_somebody_painted() -> None:
    image = draw_scene(3).image
    marked = mark(image, "PNG", Layers(KEY), "urn:c2pa:a")
    forged = image.copy()
    forged.paste((255, 0, 255), (40, 40, 80, 80))

    assert marked.watermark is not None
    assert compare(marked.data, as_png(image), marked=True).verdict == "equivalent"
    assert compare(a_file(forged), as_png(image), marked=True).verdict == "different"
    assert compare(marked.data, as_png(draw_scene(4).image), marked=True).verdict == "different"


def test_another_size_is_different() -> None:
    image = draw_scene(3).image
    found = compare(a_file(image), a_file(image.resize((64, 64))))

    assert (found.verdict, found.pixels_different) == ("different", 128 * 128)
