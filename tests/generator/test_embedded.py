"""What files say beside their pixels is told of, and left out without touching a pixel."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from bench.hostile import hostile_files
from generator.embedded import said_inside, stripped
from generator.errors import GeneratorCode, GeneratorError
from generator.picture import open_picture, pixel_digest, without_texts
from generator.training.scenes import draw_scene

SECRET = "48 Rue de la Paix"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>{SECRET}</a></x:xmpmeta>'.encode()


def exif(orientation: int = 6) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x013B] = SECRET
    made[0x8825] = {1: "N", 2: (48.0, 51.0, 30.24), 3: "E", 4: (2.0, 17.0, 40.2)}
    made[0x8769] = {0xA431: "SN-4711", 0x829A: 0.01}
    return made.tobytes()


def a_file(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or draw_scene(3).image).save(out, kind, **options)
    return out.getvalue()


def texts() -> PngImagePlugin.PngInfo:
    made = PngImagePlugin.PngInfo()
    made.add_text("prompt", SECRET)
    made.add_text("workflow", SECRET * 90_000, zip=True)
    made.add_itxt("XML:com.adobe.xmp", XMP.decode())
    made.add_itxt("parameters", SECRET, zip=True)
    made.add(b"tIME", b"\7\xea\1\1\1\1\1")
    made.add(b"caBX", SECRET.encode())
    made.add(b"prVt", SECRET.encode())
    return made


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def telling() -> dict[str, bytes]:
    """Files that say all that they can."""
    rgba = draw_scene(3).image.convert("RGBA")
    rgba.putalpha(128)
    jpeg = a_file("JPEG", exif=exif(), comment=SECRET, icc_profile=PROFILE, xmp=XMP, quality=90)
    parts = [b"\xff\xeb\0\x13" + SECRET.encode(), b"\xff\xed\0\x13" + SECRET.encode()]
    webp = a_file("WEBP", exif=exif(), icc_profile=PROFILE, xmp=XMP, lossless=True)
    more = chunk(b"C2PA", SECRET.encode())
    return {
        "PNG": a_file("PNG", exif=exif(), pnginfo=texts(), icc_profile=PROFILE) + SECRET.encode(),
        "PNG of a palette": a_file("PNG", draw_scene(3).image.quantize(16), transparency=3, pnginfo=texts()),
        "PNG with alpha": a_file("PNG", rgba, exif=exif(3)),
        "JPEG": jpeg[:2] + b"".join(parts) + jpeg[2:] + SECRET.encode(),
        "JPEG progressive": a_file("JPEG", exif=exif(8), progressive=True, xmp=XMP),
        "JPEG of CMYK": a_file("JPEG", draw_scene(3).image.convert("CMYK"), exif=exif(1)),
        "JPEG of two": a_file("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))], exif=exif(5)),
        "WEBP": webp[:4] + struct.pack("<I", len(webp) + len(more) - 8) + webp[8:] + more,
        "WEBP lossy": a_file("WEBP", rgba, exif=exif(2), quality=50),
        "WEBP turned by XMP": a_file("WEBP", xmp=XMP.replace(b"<a>", b"<a>tiff:Orientation='6' ")),
    }


@pytest.mark.parametrize("name", telling())
def test_all_that_a_file_says_is_left_out_and_no_pixel_changes(name: str) -> None:
    data = telling()[name]
    assert SECRET.encode() in data or name in ("PNG of a palette", "JPEG of two")

    bare = stripped(data)

    assert said_inside(data)
    assert said_inside(bare) == ()
    assert SECRET.encode() not in bare
    assert b"SN-4711" not in bare
    assert b"MPF\0" not in bare
    assert pixel_digest(open_picture(bare)) == pixel_digest(open_picture(data))
    assert stripped(bare) == bare
    with Image.open(io.BytesIO(without_texts(data))) as before, Image.open(io.BytesIO(bare)) as after:
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        assert after.getexif().get(0x0112, 1) == before.getexif().get(0x0112, 1)
        assert set(after.getexif()) <= {0x0112}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "PNG",
            {
                "where it was taken": "48.85840 N, 2.29450 E",
                "artist": SECRET,
                "serial number of the camera": "SN-4711",
                "text prompt": SECRET,
                "text workflow": SECRET * (2**20 // len(SECRET)) + SECRET[: 2**20 % len(SECRET)],
                "text parameters": SECRET,
                "C2PA": f"{len(SECRET)} bytes",
                "the time of its last change": "7 bytes",
                "a part of its own": f"{len(SECRET)} bytes",
                "EXIF": "3 further entries",
            },
        ),
        ("JPEG", {"where it was taken": "48.85840 N, 2.29450 E", "comment": SECRET, "C2PA": "17 bytes"}),
        ("JPEG of two", {"a second picture": "102 bytes"}),
        ("WEBP", {"where it was taken": "48.85840 N, 2.29450 E", "XMP": f"{len(XMP)} bytes", "C2PA": "17 bytes"}),
    ],
)
def test_what_a_file_says_is_told(name: str, expected: dict[str, str]) -> None:
    said = {one.what: one.text for one in said_inside(telling()[name])}

    assert {what: said.get(what) for what in expected} == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_file_that_says_nothing_is_told_so(kind: str) -> None:
    assert said_inside(a_file(kind)) == ()


def test_what_a_tiff_says_is_told_too() -> None:
    said = {one.what: one.text for one in said_inside(a_file("TIFF", tiffinfo={700: XMP, 315: SECRET}))}

    assert said == {"artist": SECRET, "XMP": XMP.decode()}


def test_a_webps_header_announces_nothing_that_was_left_out() -> None:
    turned, plain = (stripped(a_file("WEBP", exif=exif(way), xmp=XMP)) for way in (6, 1))

    assert (turned[20] & 0x0C, b"EXIF" in turned) == (0x08, True)
    assert (plain[20] & 0x0C, b"EXIF" in plain) == (0, False)


def test_an_animation_stays_one() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        film = a_file(kind, frames[0], save_all=True, append_images=frames[1:])
        with Image.open(io.BytesIO(stripped(film))) as bare:
            assert bare.n_frames == 2


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "BMP"])
def test_a_format_of_which_nothing_is_left_out_is_refused(kind: str) -> None:
    with pytest.raises(GeneratorError, match="NOT_STRIPPED"):
        stripped(a_file(kind))


def test_what_would_change_the_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.embedded._PNG_SHOWN", frozenset())
    data = a_file("PNG", draw_scene(3).image.quantize(16), transparency=3)

    with pytest.raises(GeneratorError, match="pixels would not stay the same"):
        stripped(data)


def test_hostile_files_are_refused_and_nothing_else() -> None:
    codes = set()
    for _, data in hostile_files():
        for work in (said_inside, stripped):
            try:
                work(data)
            except GeneratorError as error:
                codes.add(error.code)

    assert codes <= {GeneratorCode.IMAGE_UNREADABLE, GeneratorCode.IMAGE_TOO_LARGE, GeneratorCode.NOT_STRIPPED}


def test_a_long_text_is_unpacked_as_far_as_it_is_shown() -> None:
    packed = zlib.compress(b"\0" * (1 << 24))
    body = b"zTXt" + b"workflow\0\0" + packed
    plain = a_file("PNG")
    data = plain[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]

    (said,) = said_inside(data)

    assert (said.what, len(said.text)) == ("text workflow", 1 << 20)
