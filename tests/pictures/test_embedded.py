"""What files say beside their pixels is told of, and left out without touching a pixel."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from bench.hostile import hostile_files
from bench.painted.scenes import draw_scene
from pictures.containers.entries import ENTRIES_MAX, Directories, read_entries
from pictures.containers.exif import orientation_alone
from pictures.embedded import SaidInside, said_inside, stripped
from pictures.errors import PictureCode, PictureError
from pictures.opening import formats, open_picture, without_texts
from pictures.picture import pixel_digest

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


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def telling() -> dict[str, bytes]:
    """Files that say all that they can."""
    rgba = draw_scene(3).image.convert("RGBA")
    rgba.putalpha(128)
    jpeg = a_file("JPEG", exif=exif(), comment=SECRET, icc_profile=PROFILE, xmp=XMP, quality=90)
    parts = [b"\xff\xeb\0\x13" + SECRET.encode(), b"\xff\xed\0\x13" + SECRET.encode()]
    webp = a_file("WEBP", exif=exif(), icc_profile=PROFILE, xmp=XMP, lossless=True)
    more = riff_chunk(b"C2PA", SECRET.encode())
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
                "EXIF": "1 further entries",
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


SMALL = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
HIDDEN = SECRET.encode()
PNG_HEAD_BYTES, PNG_END_BYTES = 33, 12


def exif_with_a_copy() -> bytes:
    """EXIF with nothing but the way up, and the picture as it was before it was cropped."""
    copy = b"\xff\xd8" + HIDDEN + b"\xff\xd9"
    first = struct.pack(">HHHIHHI", 1, 274, 3, 1, 1, 0, 26)
    second = struct.pack(">HHHIIHHIII", 2, 513, 4, 1, 56, 514, 4, 1, len(copy), 0)
    return b"Exif\0\0MM\0*" + struct.pack(">I", 8) + first + second + copy


def hiding_jpegs() -> dict[str, tuple[bytes, str]]:
    """JPEGs with something in places where few look, and the name under which it is told."""
    plain = a_file("JPEG", SMALL)
    jfif = plain[2:20]
    orientation_1 = b"Exif\0\0" + orientation_alone(1)
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HIDDEN)

    def with_more(more: bytes) -> bytes:
        return plain[:20] + more + plain[20:]

    return {
        "behind the end": (plain + HIDDEN, "behind the picture"),
        "a film behind the end": (plain + b"\0\0\0\x18ftypmp42" + HIDDEN, "behind the picture"),
        "a JFXX copy": (with_more(segment(0xE0, b"JFXX\0\x13\1\1" + HIDDEN)), "a small copy of the picture"),
        "a JFIF copy": (
            plain[:2] + segment(0xE0, jfif[4:16] + b"\1\6" + HIDDEN + b"\0") + plain[20:],
            "a small copy of the picture",
        ),
        "another APP0": (with_more(segment(0xE0, b"Ocad$Rev: " + HIDDEN)), "a part of its own"),
        "behind Adobe's twelve bytes": (
            with_more(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + HIDDEN)),
            "a part of its own",
        ),
        "another APP14": (with_more(segment(0xEE, HIDDEN)), "a part of its own"),
        "no colour profile": (with_more(segment(0xE2, b"ICC_PROFILE\0\1\1" + HIDDEN)), "a part of its own"),
        "behind a colour profile": (
            with_more(segment(0xE2, b"ICC_PROFILE\0\1\1" + PROFILE + HIDDEN)),
            "a part of its own",
        ),
        "the first of two comments": (with_more(segment(0xFE, HIDDEN) + segment(0xFE, b"harmless")), "comment"),
        "XMP behind a stray byte": (with_more(b"\0" + xmp), "XMP"),
        "bytes between segments": (with_more(HIDDEN), "between the parts of the picture"),
        "a comment behind the scan": (plain[:-2] + segment(0xFE, HIDDEN) + plain[-2:], "comment"),
        "a table behind the scan": (
            plain[:-2] + segment(0xDB, b"\3" + HIDDEN.ljust(64)) + plain[-2:],
            "behind the picture",
        ),
        "a copy in EXIF": (with_more(segment(0xE1, exif_with_a_copy())), "a small copy of the picture"),
        "EXIF without entries": (
            with_more(segment(0xE1, b"Exif\0\0MM\0*\0\0\0\0" + HIDDEN)),
            "EXIF that no entry points to",
        ),
        "a second EXIF": (
            with_more(segment(0xE1, orientation_1) + segment(0xE1, b"Exif\0\0" + HIDDEN)),
            "EXIF that no entry points to",
        ),
    }


def hiding_pngs() -> dict[str, tuple[bytes, str]]:
    plain = a_file("PNG", SMALL)
    head, end = plain[:PNG_HEAD_BYTES], plain[-PNG_END_BYTES:]
    pixels = plain[PNG_HEAD_BYTES + 8 : -PNG_END_BYTES - 4]
    film = a_file("PNG", SMALL, save_all=True, append_images=[SMALL.rotate(180)])
    frame_at = film.rindex(b"fdAT")
    frame = film[frame_at + 4 : -PNG_END_BYTES - 4]

    def with_more(kind: bytes, body: bytes) -> bytes:
        return head + png_chunk(kind, body) + plain[PNG_HEAD_BYTES:]

    return {
        "behind the end": (plain + HIDDEN, "behind the picture"),
        "an unknown critical chunk": (with_more(b"PRIv", HIDDEN), "a part of its own"),
        "behind the density": (with_more(b"pHYs", b"\0\0\0\1\0\0\0\1\1" + HIDDEN), "in pHYs"),
        "behind significant bits": (with_more(b"sBIT", b"\x08\x08\x08" + HIDDEN), "in sBIT"),
        "no colour profile": (with_more(b"iCCP", b"x\0\0" + zlib.compress(HIDDEN)), "a part of its own"),
        "behind a colour profile": (
            with_more(b"iCCP", b"x\0\0" + zlib.compress(PROFILE) + HIDDEN),
            "a part of its own",
        ),
        "in the end": (plain[:-PNG_END_BYTES] + png_chunk(b"IEND", HIDDEN), "in IEND"),
        "pixels behind the last ones": (
            plain[:-PNG_END_BYTES] + png_chunk(b"IDAT", HIDDEN) + end,
            "behind the picture",
        ),
        "behind the last pixels": (head + png_chunk(b"IDAT", pixels + HIDDEN) + end, "in IDAT"),
        "behind the last pixels of a frame": (
            film[: frame_at - 4] + png_chunk(b"fdAT", frame + HIDDEN) + end,
            "in fdAT",
        ),
    }


def hiding_webps() -> dict[str, tuple[bytes, str]]:
    plain = a_file("WEBP", SMALL, lossless=True)
    profiled = a_file("WEBP", SMALL, lossless=True, icc_profile=HIDDEN)
    film = a_file("WEBP", SMALL, save_all=True, append_images=[SMALL.rotate(180)], lossless=True)
    at = film.index(b"ANMF")
    size = int.from_bytes(film[at + 4 : at + 8], "little")
    more = riff_chunk(b"junk", HIDDEN)
    frame = riff_chunk(b"ANMF", film[at + 8 : at + 8 + size] + more)
    film = film[:at] + frame + film[at + 8 + size + size % 2 :]
    return {
        "behind the end": (plain + HIDDEN, "behind the picture"),
        "no colour profile": (profiled, "a part of its own"),
        "in a frame": (film[:4] + struct.pack("<I", len(film) - 8) + film[8:], "a part of its own"),
    }


@pytest.mark.parametrize("files", [hiding_jpegs, hiding_pngs, hiding_webps])
def test_what_lies_where_few_look_is_told_and_left_out(files: Callable[[], dict[str, tuple[bytes, str]]]) -> None:
    for name, (data, what) in files().items():
        assert what in {one.what for one in said_inside(data)}, name

        bare = stripped(data)

        assert HIDDEN not in bare, name
        assert said_inside(bare) == (), name
        assert stripped(bare) == bare, name
        assert pixel_digest(open_picture(bare)) == pixel_digest(open_picture(data)), name
        assert len(bare) < len(data), name


def gif_block(label: int, *bodies: bytes) -> bytes:
    return bytes((0x21, label)) + b"".join(bytes((len(body),)) + body for body in bodies) + b"\0"


def a_tiff(tag: int, value: bytes | str, **options: Any) -> bytes:
    entries = TiffImagePlugin.ImageFileDirectory_v2()
    entries.tagtype[tag] = 2 if isinstance(value, str) else 7
    entries[tag] = value
    return a_file("TIFF", SMALL, tiffinfo=entries, **options)


def a_profiled_bmp() -> bytes:
    """A BMP whose colour profile stands behind its pixels."""
    plain = a_file("BMP", SMALL)
    head, pixels = plain[18:54], plain[54:]
    longer = head + bytes(124 - 4 - len(head) - 12) + struct.pack("<III", 124 + len(pixels), len(PROFILE), 0)
    start = b"BM" + struct.pack("<IIII", 0, 0, 14 + 124, 124)
    return start + longer + pixels + PROFILE


def hiding_others() -> dict[str, tuple[bytes, SaidInside]]:
    gif, bmp, tiff = (a_file(kind, SMALL) for kind in ("GIF", "BMP", "TIFF"))
    behind = SaidInside("behind the picture", f"{len(HIDDEN)} bytes")
    xmp, own = (gif_block(0xFF, name, HIDDEN) for name in (b"XMP DataXMP", b"FOOBAR  1.0"))
    size = f"{len(HIDDEN)} bytes"
    return {
        "GIF behind": (gif + HIDDEN, behind),
        "GIF without its end": (gif[:-1] + b"\x01" + HIDDEN[1:], behind),
        "GIF with XMP": (gif[:-1] + xmp + gif[-1:], SaidInside("XMP", size)),
        "GIF of an application": (gif[:-1] + own + gif[-1:], SaidInside("a part of its own", size)),
        "GIF with a comment": (gif[:-1] + gif_block(0xFE, HIDDEN) + gif[-1:], SaidInside("comment", SECRET)),
        "GIF with text": (gif[:-1] + gif_block(0x01, HIDDEN) + gif[-1:], SaidInside("a part of its own", size)),
        "GIF with more control": (
            gif[:-1] + gif_block(0xF9, b"\0\0\0\0" + HIDDEN) + gif[-1:],
            SaidInside("in a picture's control", size),
        ),
        "GIF with more of an animation": (
            gif[:-1] + gif_block(0xFF, b"NETSCAPE2.0", b"\1\0\0", HIDDEN) + gif[-1:],
            SaidInside("a part of its own", "20 bytes"),
        ),
        "BMP with a profile, and behind": (a_profiled_bmp() + HIDDEN, behind),
        "BMP behind": (bmp + HIDDEN, behind),
        "TIFF behind": (tiff + HIDDEN, SaidInside("behind the picture, or in no part of it", size)),
        "TIFF of two": (
            a_file("TIFF", SMALL, save_all=True, append_images=[SMALL]),
            SaidInside("further pictures", "1"),
        ),
        "TIFF with a time": (a_tiff(306, SECRET), SaidInside("time of its last change", SECRET)),
        "TIFF of a computer": (a_tiff(316, SECRET), SaidInside("HostComputer", SECRET)),
        "TIFF of a document": (a_tiff(269, SECRET), SaidInside("DocumentName", SECRET)),
        "TIFF of an author": (a_tiff(40093, SECRET.encode("utf-16-le")), SaidInside("XPAuthor", SECRET)),
        "TIFF with a maker's note": (a_tiff(37500, b"\0" + HIDDEN), SaidInside("MakerNote", "18 bytes")),
        "TIFF with C2PA": (a_tiff(52545, b"\0" + HIDDEN), SaidInside("C2PA", "18 bytes")),
        "TIFF of a serial number": (a_tiff(50735, SECRET), SaidInside("CameraSerialNumber", SECRET)),
        "TIFF of one's own": (a_tiff(65000, SECRET), SaidInside("entry 65000", SECRET)),
        "big TIFF": (a_tiff(316, SECRET, big_tiff=True), SaidInside("HostComputer", SECRET)),
    }


@pytest.mark.parametrize("name", hiding_others())
def test_what_lies_where_few_look_is_told_of_other_formats(name: str) -> None:
    data, expected = hiding_others()[name]

    assert open_picture(data).width == SMALL.width
    assert expected in said_inside(data)


def test_of_jfif_and_adobe_stays_what_decoders_ask_for() -> None:
    plain = a_file("JPEG", SMALL, dpi=(300, 300))
    ink = a_file("JPEG", SMALL.convert("CMYK"))
    grown = plain[:2] + segment(0xE0, plain[6:18] + b"\1\6" + HIDDEN + b"\0") + plain[20:]

    assert stripped(grown) == stripped(plain) == plain
    assert stripped(ink) == ink


def test_an_upright_picture_stays_so_whatever_xmp_says() -> None:
    data = a_file("JPEG", SMALL, xmp=b'<x tiff:Orientation="6"/>')

    assert stripped(data) == a_file("JPEG", SMALL)


def test_directories_that_point_to_each_other_are_read_once() -> None:
    entry = struct.pack(">HHII", 330, 4, 1, 8)
    data = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 8)

    assert read_entries(data).further == 0


def test_entries_that_lie_upon_each_other_take_no_more_than_the_file_has() -> None:
    count = 500
    directory = b"".join(struct.pack(">HHII", 60_000 + at, 7, 9_000, 8) for at in range(count))
    data = b"MM\0*" + struct.pack(">IH", 8, count) + directory + bytes(9_000)

    assert sum(len(one.data) for one in read_entries(data).found) <= len(data)


def test_values_beyond_the_end_are_none() -> None:
    entry = struct.pack(">HHII", 315, 2, 99, 26)
    data = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0) + HIDDEN

    assert read_entries(data) == Directories([], 0, len(HIDDEN) - HIDDEN.count(0))


def test_a_file_of_more_directories_than_any_picture_has_is_read_up_to_a_limit() -> None:
    chain = b"".join(struct.pack(">HI", 0, 14 + 6 * at) for at in range(ENTRIES_MAX + 9))

    assert read_entries(b"MM\0*" + struct.pack(">I", 8) + chain).further <= ENTRIES_MAX


@given(st.binary(max_size=200))
def test_entries_are_read_of_any_bytes(rest: bytes) -> None:
    for head in (b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"):
        assert read_entries(head + rest).unnamed <= len(rest)


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


def test_a_colour_profile_behind_the_pixels_of_a_bmp_is_no_news() -> None:
    assert said_inside(a_profiled_bmp()) == ()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "BMP"])
def test_a_format_of_which_nothing_is_left_out_is_refused(kind: str) -> None:
    with pytest.raises(PictureError, match="NOT_STRIPPED"):
        stripped(a_file(kind))


def test_what_would_change_the_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pictures.containers.png._PALETTE_COLOURS_MAX", 2)
    data = a_file("PNG", draw_scene(3).image.quantize(16), transparency=3)

    with pytest.raises(PictureError, match="pixels would not stay the same"):
        stripped(data)


def test_hostile_files_are_refused_and_nothing_else() -> None:
    codes = set()
    for _, data in hostile_files():
        for work in (said_inside, stripped):
            try:
                work(data)
            except PictureError as error:
                codes.add(error.code)

    assert codes <= {PictureCode.IMAGE_UNREADABLE, PictureCode.IMAGE_TOO_LARGE, PictureCode.NOT_STRIPPED}


def test_a_long_text_is_unpacked_as_far_as_it_is_shown() -> None:
    packed = zlib.compress(b"\0" * (1 << 24))
    body = b"zTXt" + b"workflow\0\0" + packed
    plain = a_file("PNG")
    data = plain[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]

    (said,) = said_inside(data)

    assert (said.what, len(said.text)) == ("text workflow", 1 << 20)


@pytest.mark.parametrize("container", ["AVIF", "HEIF", "JXL"])
def test_newer_containers_tell_of_what_they_say_too(container: str) -> None:
    formats()
    entries, out = Image.Exif(), io.BytesIO()
    entries[0x010F] = "Nikon"
    Image.new("RGB", (64, 64)).save(out, container, exif=entries.tobytes(), xmp=b"<x/>", use_container=True)
    manifest = b"\0\0\0\x20uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(8)

    told = {one.what: one.text for one in said_inside(out.getvalue() + manifest)}

    assert told["maker of the camera"] == "Nikon"
    assert "C2PA" in told
    assert "XMP" in told or container == "JXL"
    with pytest.raises(PictureError, match="NOT_STRIPPED"):
        stripped(out.getvalue())
