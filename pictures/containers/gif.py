"""GIF: a head, then blocks. Nothing of it is left out here. Source: GIF89a, 12 to 27."""

from __future__ import annotations

from collections.abc import Iterator

from pictures.containers.parts import FilePart, SaidInside, behind, said_bytes

_HEAD_BYTES, _IMAGE_HEAD_BYTES = 13, 10
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_CONTROL_BYTES = 4
_SHOWN = {b"NETSCAPE2.0": 8, b"ANIMEXTS1.0": 8, b"ICCRGBG1012": 1 << 26}
"""Applications whose blocks say how an animation or its colours are shown, with the most bytes of them."""
_NAMES = {b"XMP DataXMP": "XMP", b"C2PA_GIF\x01\x00\x00": "C2PA"}
_NAME_BYTES = 11


def parts(data: bytes) -> Iterator[FilePart]:
    """The blocks of a GIF."""
    start = _HEAD_BYTES + _palette_bytes(data[10:11])
    while start < len(data) and data[start] in (_EXTENSION, _IMAGE):
        if data[start] == _IMAGE:
            head = start + _IMAGE_HEAD_BYTES
            _, end = _blocks(data, head + _palette_bytes(data[head - 1 : head]) + 1)
            yield FilePart(data[start:end])
        else:
            body, end = _blocks(data, start + 2)
            yield FilePart(data[start:end], _said(data[start + 1 : start + 2], body))
        start = end
    yield behind(data, start + 1 if data[start : start + 1] == bytes((_TRAILER,)) else start)


def _palette_bytes(flags: bytes) -> int:
    """Of the palette that flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _blocks(data: bytes, start: int) -> tuple[bytes, int]:
    """What blocks of up to 255 bytes say together, and where the empty one that ends them itself ends."""
    said = []
    while start < len(data) and data[start]:
        said.append(data[start + 1 : start + 1 + data[start]])
        start += 1 + data[start]
    return b"".join(said), min(start + 1, len(data))


def _said(label: bytes, body: bytes) -> tuple[SaidInside, ...]:
    """What an extension says that is not needed to show the picture."""
    kind = label[0] if label else _COMMENT
    if kind == _COMMENT:
        return (SaidInside("comment", body.decode("utf-8", "replace")),)
    if kind == _CONTROL:
        return said_bytes("in a picture's control", len(body) - _CONTROL_BYTES)
    if kind == _APPLICATION:
        name, size = body[:_NAME_BYTES], len(body) - _NAME_BYTES
        return () if size <= _SHOWN.get(name, 0) else said_bytes(_NAMES.get(name, "a part of its own"), size)
    return said_bytes("a part of its own", len(body))
