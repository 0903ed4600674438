"""Pictures from strangers: what is refused, what counts as the same pixels, what survives re-encoding."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageOps, ImageStat, PngImagePlugin

from bench.painted.scenes import draw_scene
from pictures import looking, opening, picture
from pictures.comparing import Seen, compare
from pictures.describing import describe
from pictures.errors import PictureCode, PictureError
from pictures.fingerprint import DISTANCE_CANDIDATE, code_bits, distance, image_code
from pictures.opening import PICTURE_SIDE_MAX, open_picture, without_texts
from pictures.picture import Picture, pixel_digest
from pictures.reduction import reduce
from pictures.windows import bits_apart

PNG = b"\x89PNG\r\n\x1a\n"


def a_scene(seed: int = 1) -> Image.Image:
    return draw_scene(seed).image


def saved(image: Image.Image, container: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, container, **options)
    return file.getvalue()


def a_png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def small(picture: Picture) -> bytes:
    return reduce(picture).rgb.tobytes()


def nearest(recorded: Seen, copy: Picture) -> int:
    """Bits between what is kept of a recorded picture and the nearest code that a copy is looked up by."""
    return int(bits_apart(Seen(reduce(copy)).asked_codes, recorded.codes).min())


def refusal_of(data: bytes) -> PictureCode:
    with pytest.raises(PictureError) as refused:
        open_picture(data)
    assert str(refused.value).startswith(refused.value.code.name)
    return refused.value.code


@pytest.mark.parametrize(
    "data",
    [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"],
)
def test_bytes_that_are_no_picture_are_unreadable(data: bytes) -> None:
    assert refusal_of(data) is PictureCode.IMAGE_UNREADABLE


@pytest.mark.parametrize("container", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_unreadable(container: str, part: float) -> None:
    data = saved(a_scene(), container)

    assert refusal_of(data[: int(len(data) * part)]) is PictureCode.IMAGE_UNREADABLE


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (13_000, 10_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    assert refusal_of(a_png_header(width, height)) is PictureCode.IMAGE_TOO_LARGE


def test_a_file_over_the_limit_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PICTURE_BYTES_MAX", 100)

    assert refusal_of(saved(a_scene(), "PNG")) is PictureCode.IMAGE_TOO_LARGE


def test_a_format_that_is_not_listed_is_unreadable() -> None:
    assert refusal_of(saved(a_scene(), "PPM")) is PictureCode.IMAGE_UNREADABLE


def test_flipped_bytes_never_raise_anything_but_a_refusal() -> None:
    for container in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        data = saved(a_scene(), container)
        for position in range(0, len(data), max(1, len(data) // 60)):
            damaged = data[:position] + bytes([data[position] ^ 0x5A]) + data[position + 1 :]
            try:
                open_picture(damaged)
            except PictureError:
                pass


@pytest.mark.parametrize(
    ("container", "options"),
    [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("WEBP", {"lossless": True})],
)
def test_the_same_pixels_in_another_lossless_container_have_the_same_digest(
    container: str, options: dict[str, Any]
) -> None:
    image = a_scene()

    assert pixel_digest(open_picture(saved(image, container, **options))) == pixel_digest(
        open_picture(saved(image, "PNG"))
    )


def test_the_pixel_digest_is_what_its_definition_says() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(1, 2, 3), (4, 5, 6)])

    expected = hashlib.sha256(b"remarque/pixels/v1" + bytes([0, 0, 0, 2, 0, 0, 0, 1, 3, 1, 2, 3, 4, 5, 6])).hexdigest()

    assert pixel_digest(open_picture(saved(image, "PNG"))) == expected


def test_one_changed_pixel_changes_the_digest() -> None:
    image = a_scene()
    before = pixel_digest(open_picture(saved(image, "PNG")))
    red, green, blue = image.crop((5, 5, 6, 6)).tobytes()
    image.putpixel((5, 5), (red ^ 1, green, blue))

    assert pixel_digest(open_picture(saved(image, "PNG"))) != before


def test_full_opacity_does_not_count_but_real_transparency_does() -> None:
    plain, opaque, glassy = a_scene(), a_scene().convert("RGBA"), a_scene().convert("RGBA")
    glassy.putalpha(128)
    digests = [pixel_digest(open_picture(saved(each, "PNG"))) for each in (plain, opaque, glassy)]

    assert digests[0] == digests[1] != digests[2]


def test_the_colour_under_full_transparency_does_not_count() -> None:
    hidden = [Image.new("RGBA", (8, 8), (level, level, level, 0)) for level in (10, 200)]

    assert len({pixel_digest(open_picture(saved(each, "PNG"))) for each in hidden}) == 1


def test_a_picture_is_turned_upright_before_anything_is_measured() -> None:
    upright, exif = a_scene(), Image.Exif()
    exif[0x0112] = 6
    turned = saved(upright.rotate(90, expand=True), "PNG", exif=exif.tobytes())

    assert pixel_digest(open_picture(turned)) == pixel_digest(open_picture(saved(upright, "PNG")))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("rows", [1, 7, 1_000])
def test_parts_of_a_picture_are_parts_of_what_exif_makes_of_it(
    orientation: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PART_PIXELS", rows * 50)
    image, exif = a_scene(orientation).resize((50, 37)), Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, "PNG", exif=exif.tobytes())
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    opened = open_picture(data)

    assert (opened.width, opened.height) == upright.size
    assert opened.image.tobytes() == upright.tobytes()
    for box in (*picture.strips(opened.box), (3, 5, 30, 31)):
        assert opened.part(box).tobytes() == upright.crop(box).tobytes()
    assert pixel_digest(opened) == pixel_digest(open_picture(saved(upright, "PNG")))
    assert small(opened) == small(open_picture(saved(upright, "PNG")))


@pytest.mark.parametrize("orientation", [1, 6])
def test_codes_are_those_of_the_whole_picture_whatever_is_measured_together(
    orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bordered, exif = Image.new("RGB", (180, 150), "white"), Image.Exif()
    bordered.paste(a_scene(3).resize((120, 100)), (40, 20))
    exif[0x0112] = orientation
    opened = open_picture(saved(bordered, "PNG", exif=exif.tobytes()))
    whole = (image_code(opened), small(opened))

    monkeypatch.setattr(picture, "PART_PIXELS", 1)

    assert (image_code(opened), small(opened)) == whole


def test_a_large_jpeg_may_come_smaller_where_that_is_enough() -> None:
    data = saved(a_scene(2).resize((3_000, 2_000), Image.Resampling.BICUBIC), "JPEG", quality=95)
    whole, smaller = open_picture(data), open_picture(data, enough=512)

    assert whole.width > smaller.width >= 512
    assert smaller.height >= 500
    one, other = (Image.fromarray(reduce(each).rgb).resize((64, 42), Image.Resampling.BOX) for each in (whole, smaller))
    assert max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 1


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": Image.Exif().tobytes()}])
def test_a_webp_is_refused_by_the_sides_it_announces(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "WEBP_PIXELS_MAX", 49 * 30)
    monkeypatch.setattr(Image, "open", None)

    with pytest.raises(PictureError, match="IMAGE_TOO_LARGE: 50 x 30 pixels"):
        open_picture(saved(Image.new("RGB", (50, 30), "teal"), "WEBP", **options))


def test_of_an_animation_the_first_picture_counts() -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    film = saved(first, "GIF", save_all=True, append_images=[second])

    assert pixel_digest(open_picture(film)) == pixel_digest(open_picture(saved(first, "PNG")))


def test_grey_palette_and_sixteen_bit_pictures_are_read() -> None:
    grey = Image.linear_gradient("L")
    wide = Image.frombytes("I;16", (1, 2), struct.pack("<HH", 0x1234, 0xFF00))

    for data in (saved(grey, "PNG"), saved(a_scene().quantize(16), "PNG"), saved(a_scene().convert("CMYK"), "JPEG")):
        assert open_picture(data).image.mode == "RGB"
    assert open_picture(saved(wide, "PNG")).image.tobytes() == bytes([0x12] * 3 + [0xFF] * 3)


def copies(image: Image.Image) -> dict[str, bytes]:
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return {
        "jpeg 30": saved(image, "JPEG", quality=30),
        "jpeg 60": saved(image, "JPEG", quality=60),
        "jpeg 95": saved(image, "JPEG", quality=95),
        "webp 50": saved(image, "WEBP", quality=50),
        "half size": saved(half, "PNG"),
    }


@pytest.mark.parametrize("seed", range(12))
def test_a_re_encoded_picture_is_recognised_and_another_one_is_not(seed: int) -> None:
    image = a_scene(seed).resize((512, 512), Image.Resampling.BICUBIC)
    original, other = open_picture(saved(image, "PNG")), open_picture(saved(a_scene(seed + 100), "PNG"))

    recorded = Seen(reduce(original))
    for name, data in copies(image).items():
        copy = open_picture(data)
        assert nearest(recorded, copy) <= DISTANCE_CANDIDATE, name
        found = compare(Seen(reduce(copy)), recorded)
        assert found is not None, name
        assert found.alterations.regions == (), name
    assert nearest(recorded, other) > DISTANCE_CANDIDATE
    assert compare(Seen(reduce(other)), recorded) is None


@pytest.mark.parametrize(
    "code", ["", "ISCC:", "EED4GQZQ", "ISCC:GAD4KFWZCKQIGX7WD7N4ZVVSGDPMA6JTCY4KF7KVNGGXMPLQ54BPNNQ"]
)
def test_text_that_is_no_image_code_is_refused(code: str) -> None:
    with pytest.raises(PictureError, match="IMAGE_CODE_INVALID"):
        distance(code, code)


def is_plain(code: str) -> bool:
    """Whether the published vectors leave a code out, because any other plain picture has it too."""
    quarters = code_bits(code).to_bytes(32, "big")
    return any(int.from_bytes(quarters[at : at + 8], "big").bit_count() < 8 for at in range(0, 32, 8))


def test_image_codes_equal_the_published_vectors() -> None:
    folder = os.environ.get("REMARQUE_CONFORMANCE")
    if not folder:
        pytest.skip("REMARQUE_CONFORMANCE does not name the folder of published test data")
    cases = json.loads((Path(folder) / "iscc" / "iscc-iep0020-c2pa_vectors.json").read_text())["soft_binding"]
    embedded = {name: case for name, case in cases.items() if "bytes_b64" in case["inputs"]}
    assert embedded

    for name, case in embedded.items():
        code = image_code(open_picture(base64.b64decode(case["inputs"]["bytes_b64"])))
        published = [unit for unit in case["outputs"]["units"] if unit.startswith("ISCC:EED")]
        assert published == ([] if is_plain(code) else [code]), name


def test_fingerprints_are_taken_without_torch() -> None:
    modules = ("protocol", "models", "regenerate", "pipeline", "worker")
    program = f"import sys, pictures.fingerprint, {', '.join(f'generator.{name}' for name in modules)};"
    program += "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_phones_picture_with_a_second_one_inside_is_read_as_the_first() -> None:
    opened = open_picture(saved(a_scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))]))

    assert (opened.format, opened.width, opened.height) == ("JPEG", *a_scene().size)


@pytest.mark.parametrize("packed", [True, False])
def test_long_texts_in_a_png_change_nothing_of_its_pixels(packed: bool) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("workflow", "{}" * (4 << 20), zip=packed)
    texts.add_itxt("prompt", "x" * (1 << 20), zip=packed)
    with_texts, plain = saved(a_scene(), "PNG", pnginfo=texts), saved(a_scene(), "PNG")

    assert pixel_digest(open_picture(with_texts)) == pixel_digest(open_picture(plain))
    assert without_texts(with_texts) == without_texts(plain) == plain


@given(st.binary(max_size=200))
def test_chunks_that_are_none_are_left_as_they_are(rest: bytes) -> None:
    assert len(without_texts(PNG + rest)) <= len(PNG + rest)
    assert without_texts(b"GIF89a" + rest) == b"GIF89a" + rest


def test_a_picture_of_one_long_row_is_refused_before_it_is_decoded() -> None:
    assert refusal_of(a_png_header(PICTURE_SIDE_MAX + 1, 1)) is PictureCode.IMAGE_TOO_LARGE


def big_endian(grey: Image.Image) -> Image.Image:
    """A grey picture of 16 bits, its bytes exchanged."""
    raw = bytearray(grey.tobytes())
    raw[0::2], raw[1::2] = raw[1::2], raw[0::2]
    return Image.frombytes("I;16B", grey.size, bytes(raw))


@pytest.mark.parametrize("orientation", [1, 6])
def test_sixteen_bits_are_the_same_pixels_whichever_byte_comes_first(orientation: int) -> None:
    little = Image.frombytes("I;16", (64, 48), bytes(range(256)) * 24)
    one, other = (saved(image, "TIFF", tiffinfo={0x0112: orientation}) for image in (little, big_endian(little)))

    assert open_picture(other).decoded.mode == "I;16B"
    assert describe(one).pixel_digest == describe(other).pixel_digest
    assert describe(one).image_code == describe(other).image_code


def xmp_that_turns(way: int) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="{way}"/></x:xmpmeta>'.encode()


@pytest.mark.parametrize(
    ("container", "options"),
    [
        ("JPEG", {"xmp": xmp_that_turns(6)}),
        ("WEBP", {"xmp": xmp_that_turns(6)}),
        ("TIFF", {"tiffinfo": {700: xmp_that_turns(6)}}),
        ("TIFF", {"tiffinfo": {700: xmp_that_turns(6)}, "compression": "tiff_lzw"}),
    ],
)
def test_only_exif_turns_a_picture(container: str, options: dict[str, Any]) -> None:
    image = a_scene().resize((50, 37))

    found = open_picture(saved(image, container, **options))

    assert (found.width, found.height, found.orientation) == (50, 37, 1)
    assert pixel_digest(found) == pixel_digest(open_picture(saved(image, container)))


def test_exif_that_says_nothing_of_the_way_up_does_not_let_xmp_say_it() -> None:
    exif = Image.Exif()
    exif[0x013B] = "Alice"

    found = open_picture(saved(a_scene().resize((50, 37)), "JPEG", exif=exif, xmp=xmp_that_turns(6)))

    assert (found.width, found.orientation) == (50, 1)


def test_whatever_measuring_raises_says_that_the_picture_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> str:
        raise ValueError("no such mode")

    monkeypatch.setattr(looking, "pixel_digest", failing)

    with pytest.raises(PictureError, match="IMAGE_UNREADABLE: ValueError: no such mode"):
        describe(saved(a_scene(), "PNG"))
