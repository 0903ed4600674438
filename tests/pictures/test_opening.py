"""What of a file is its picture: colours as they look, all frames of an animation, and what stands beside."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from bench.painted.scenes import draw_scene
from pictures import opening
from pictures.containers import jxl
from pictures.describing import describe
from pictures.errors import PictureError
from pictures.fingerprint import distance, image_code, reduced_code
from pictures.looking import file_pixel_digest, look
from pictures.opening import FORMATS, formats, open_frames, open_picture
from pictures.picture import pixel_digest
from pictures.reduction import REDUCED_SIDE_MAX, reduce

LOSSY_LEVELS = 12
"""A mean difference of 255 that encoding may cause, and another picture not."""


def a_scene(seed: int = 3, side: int = 128) -> Image.Image:
    return draw_scene(seed).image.resize((side, side * 3 // 4))


def saved(image: Image.Image, container: str, **options: Any) -> bytes:
    formats()
    out = io.BytesIO()
    image.save(out, container, **options)
    return out.getvalue()


def animated(container: str, durations: list[int], **options: Any) -> bytes:
    first, *rest = (a_scene(seed) for seed in range(len(durations)))
    return saved(first, container, save_all=True, append_images=rest, duration=durations, **options)


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG with a chunk behind its header."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk + data[33:]


def a_matrix_profile(*columns: tuple[float, float, float], curve: float = 2.2) -> bytes:
    """An ICC profile of RGB: where red, green and blue lie, and one exponent. Source: ICC.1:2010, 8.3 and 9.2."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249),
        **{
            name: b"XYZ " + bytes(4) + fixed(*xyz)
            for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
        },
        **{
            name: b"curv" + bytes(4) + struct.pack(">IH", 1, round(curve * 256)) + bytes(2)
            for name in (b"rTRC", b"gTRC", b"bTRC")
        },
    }
    table, bodies, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    size = at + len(bodies)
    head = struct.pack(">I4sI", size, bytes(4), 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    return head + fixed(0.9642, 1.0, 0.8249) + bytes(128 - 80) + table + bodies


RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139)
"""Of sRGB, as profiles have them."""
SWAPPED = a_matrix_profile(BLUE, GREEN, RED)
"""Under it, red is blue."""


def shown(data: bytes) -> Image.Image:
    picture = open_picture(data)
    return picture.shown(picture.box)


def gap(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("container", FORMATS)
def test_every_format_is_read_as_it_looks(container: str) -> None:
    scene = a_scene()

    found = describe(saved(scene, container))

    assert (found.width, found.height) == scene.size
    assert gap(shown(saved(scene, container)), scene) < LOSSY_LEVELS


def test_a_profile_that_swaps_colours_makes_another_picture_of_the_same_numbers() -> None:
    plain, swapped = saved(a_scene(), "PNG"), saved(a_scene(), "PNG", icc_profile=SWAPPED)
    red, green, blue = a_scene().split()

    assert open_picture(plain).image.tobytes() == open_picture(swapped).image.tobytes()
    assert describe(plain).pixel_digest != describe(swapped).pixel_digest
    assert gap(shown(swapped), Image.merge("RGB", (blue, green, red))) < 4


def test_a_profile_that_is_srgb_in_other_words_changes_nothing() -> None:
    others = [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()]

    assert {describe(saved(a_scene(), "PNG", icc_profile=each)).pixel_digest for each in others} == {
        describe(saved(a_scene(), "PNG")).pixel_digest
    }


def test_a_profile_that_nobody_can_use_changes_no_looks_yet_is_told_apart() -> None:
    broken = SWAPPED[:132] + bytes(len(SWAPPED) - 132)
    found = saved(a_scene(), "PNG", icc_profile=broken)

    assert gap(shown(found), a_scene()) == 0
    assert describe(found).pixel_digest != describe(saved(a_scene(), "PNG")).pixel_digest


@pytest.mark.parametrize("container", ["JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_profiles_are_followed_in_other_containers(container: str) -> None:
    red, green, blue = a_scene().split()

    assert gap(shown(saved(a_scene(), container, icc_profile=SWAPPED)), Image.merge("RGB", (blue, green, red))) < 16


def test_a_png_that_states_a_gamma_looks_as_browsers_show_it() -> None:
    plain = saved(Image.new("RGB", (64, 64), (128, 128, 128)), "PNG")
    usual, dark = (with_chunk(plain, b"gAMA", struct.pack(">I", gamma)) for gamma in (45_455, 100_000))

    assert shown(usual).getpixel((0, 0)) == (128, 128, 128)
    assert shown(dark).getpixel((0, 0)) == (188, 188, 188)
    assert describe(usual).pixel_digest == describe(plain).pixel_digest != describe(dark).pixel_digest


@pytest.mark.parametrize("kind", [b"cICP", b"cHRM"])
def test_a_png_with_other_primaries_is_told_apart(kind: bytes) -> None:
    body = bytes((9, 16, 0, 1)) if kind == b"cICP" else struct.pack(">8I", *[30_000] * 8)
    plain = saved(a_scene(), "PNG")

    assert describe(with_chunk(plain, kind, body)).pixel_digest != describe(plain).pixel_digest


def test_inks_are_shown_by_their_profile_or_as_before() -> None:
    inks = a_scene().convert("CMYK")

    assert gap(shown(saved(inks, "TIFF")), inks.convert("RGB")) == 0
    assert gap(shown(saved(inks, "TIFF", icc_profile=SWAPPED)), inks.convert("RGB")) == 0  # it is for RGB


@pytest.mark.parametrize("container", ["PNG", "WEBP", "GIF", "AVIF"])
def test_the_frame_that_stands_longest_is_what_a_file_is_found_by(container: str) -> None:
    data = animated(container, [10, 60_000], **({"lossless": True} if container == "WEBP" else {}))

    seen = look(data)

    assert (seen.main.number, [other.number for other in seen.others], seen.count) == (2, [1], 2)
    assert gap(shown(data), a_scene(1)) < LOSSY_LEVELS
    assert seen.pixel_digest not in (seen.main.pixel_digest, seen.others[0].pixel_digest)


def test_an_animation_is_no_picture_that_is_one_of_its_frames() -> None:
    still, data = saved(a_scene(0), "PNG"), animated("PNG", [1, 60_000])

    assert look(data).others[0].pixel_digest == describe(still).pixel_digest
    assert describe(data).pixel_digest != describe(still).pixel_digest
    assert describe(animated("PNG", [1, 60_000])).pixel_digest == describe(data).pixel_digest
    assert describe(animated("PNG", [60_000, 1])).pixel_digest != describe(data).pixel_digest


def test_a_picture_that_only_old_viewers_show_stands_beside() -> None:
    data = animated("PNG", [100, 100, 100], default_image=True)

    seen = look(data)

    assert [(other.number, other.role) for other in seen.others] == [(1, "hidden"), (3, "frame")]
    assert seen.main.number == 2
    assert file_pixel_digest(data) == seen.pixel_digest


@pytest.mark.parametrize(("container", "role"), [("MPO", "beside"), ("TIFF", "page"), ("HEIF", "beside")])
def test_further_pictures_are_looked_at_and_do_not_change_what_the_file_is(container: str, role: str) -> None:
    two = saved(a_scene(0), container, save_all=True, append_images=[a_scene(1)])
    one = saved(a_scene(0), "JPEG" if container == "MPO" else container)

    seen = look(two)

    assert [(other.number, other.role) for other in seen.others] == [(2, role)]
    assert distance(seen.others[0].code, image_code(open_picture(saved(a_scene(1), "PNG")))) < 40
    assert seen.pixel_digest == describe(one).pixel_digest


def test_what_stands_beside_and_cannot_be_read_is_counted() -> None:
    data = saved(a_scene(0), "MPO", save_all=True, append_images=[a_scene(1)])
    second = data.index(b"\xff\xd8\xff", 100)

    seen = look(data[: second + 200] + bytes(len(data) - second - 200))

    assert (seen.count, seen.others) == (2, ())


def test_all_frames_together_are_bounded() -> None:
    data = animated("GIF", [100] * 4)
    pixels = a_scene().width * a_scene().height

    assert len(list(open_frames(data, 4 * pixels))) == 4
    with pytest.raises(PictureError, match=r"IMAGE_TOO_LARGE: 4 frames of 128 x 96 pixels"):
        list(open_frames(data, 4 * pixels - 1))


def test_a_file_of_too_many_pictures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "FRAMES_MAX", 3)

    with pytest.raises(PictureError, match=r"IMAGE_TOO_LARGE: 4 pictures in one file, at most 3"):
        list(open_frames(animated("GIF", [100] * 4)))


def test_a_large_picture_beside_a_small_one_is_left_to_who_has_room_for_it() -> None:
    data = saved(a_scene(0), "MPO", save_all=True, append_images=[a_scene(1, 256)])
    enough_for_the_first = a_scene().width * a_scene().height

    with pytest.raises(PictureError, match="IMAGE_TOO_LARGE"):
        list(open_frames(data, enough_for_the_first))


@pytest.mark.parametrize(
    ("tag", "value"),
    [(50706, b"\x01\x04\0\0"), (262, struct.pack("<HH", 32803, 0)), (262, struct.pack("<HH", 34892, 0))],
)
def test_a_cameras_raw_file_is_not_taken_for_its_preview(tag: int, value: bytes) -> None:
    tiff = bytearray(saved(a_scene(), "TIFF"))
    (start,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, start)
    kind = 1 if tag == 50706 else 3
    further = struct.pack("<H", 1) + struct.pack("<HHI", tag, kind, 4 // kind if kind == 1 else 1) + value + bytes(4)
    tiff[start + 2 + 12 * count : start + 6 + 12 * count] = struct.pack("<I", len(tiff))

    with pytest.raises(PictureError, match="IMAGE_UNREADABLE: a camera's raw file"):
        describe(bytes(tiff) + further)


def test_sixteen_bits_are_read_as_eight() -> None:
    sixteen = Image.frombytes("I;16", (64, 32), struct.pack("<2048H", *(at * 32 for at in range(2048))))

    assert shown(saved(sixteen, "TIFF")).getpixel((63, 31)) == (255, 255, 255)


@pytest.mark.parametrize("sides", [(1, 1), (8, 8), (256, 264), (640, 480), (1920, 1080), (2048, 3000), (513, 7)])
@pytest.mark.parametrize("boxed", [False, True])
def test_the_sides_of_a_jpeg_xl_are_known_before_it_is_decoded(sides: tuple[int, int], boxed: bool) -> None:
    data = saved(Image.new("RGB", sides), "JXL", effort=1, use_container=boxed)

    assert jxl.header(data) == (*sides, True)


def test_a_jpeg_xl_that_announces_too_much_never_reaches_its_decoder() -> None:
    small = int.from_bytes(saved(Image.new("RGB", (64, 64)), "JXL")[2:10], "little")
    assert small & 1
    height = 40_000  # in four bits fewer than 30, by the form of 18
    packed = 0 | 2 << 1 | (height - 1) << 3 | 1 << 21 | 1 << 24  # square, everything else as usual

    with pytest.raises(PictureError, match="IMAGE_TOO_LARGE: 40000 x 40000"):
        describe(jxl.CODESTREAM + packed.to_bytes(16, "little"))


def test_a_jpeg_xl_that_moves_is_refused_and_not_read_as_its_first_frame() -> None:
    packed = 1 | 7 << 1 | 1 << 6 | 0 << 9 | 1 << 10 | 1 << 15  # 64 pixels square; further fields, with an animation

    with pytest.raises(PictureError, match="IMAGE_UNREADABLE: a JPEG XL file with an animation"):
        describe(jxl.CODESTREAM + packed.to_bytes(16, "little"))


@pytest.mark.parametrize("sides", [(3000, 2000), (513, 4001), (5000, 500), (700, 700), (100, 60)])
def test_a_reduction_is_as_good_as_the_picture(sides: tuple[int, int]) -> None:
    picture = open_picture(saved(draw_scene(5).image.resize(sides, Image.Resampling.BICUBIC), "PNG"))

    reduced = reduce(picture)

    assert max(reduced.rgb.shape[:2]) == min(max(sides), REDUCED_SIDE_MAX)
    assert (reduced.width, reduced.height) == sides
    size = reduced.rgb.shape[1], reduced.rgb.shape[0]
    exactly = picture.shown(picture.box).resize(size, Image.Resampling.BOX)
    assert gap(Image.fromarray(reduced.rgb), exactly) < 5
    if min(sides) > 32:
        assert distance(reduced_code(reduced), reduced_code(reduce(open_picture(saved(exactly, "PNG"))))) <= 10


def test_a_reduction_does_not_depend_on_the_strips_it_is_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = open_picture(saved(draw_scene(5).image.resize((2100, 1500)), "PNG"))
    whole = reduce(picture).rgb.tobytes()

    monkeypatch.setattr("pictures.picture.PART_PIXELS", 2100 * 7)

    assert reduce(picture).rgb.tobytes() == whole


def test_transparency_is_shown_on_white_after_the_profile() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 32, 64))

    found = shown(saved(clear, "PNG", icc_profile=SWAPPED))

    assert found.getpixel((63, 0)) == (255, 255, 255)
    assert ImageStat.Stat(found.crop((0, 0, 32, 64))).mean[2] > 250


def test_what_identifies_a_picture_is_the_same_with_and_without_looking_at_others() -> None:
    data = saved(a_scene(), "PNG")

    assert look(data).pixel_digest == file_pixel_digest(data) == pixel_digest(open_picture(data))
