"""Files and parts of files as answers, read from the disk as they are sent (RFC 9110, 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from starlette.responses import Response, StreamingResponse

from node.content.blockstore import Blockstore, Opened
from remarque.errors import NodeCode, NodeError

PART_HEADERS = (("Content-Range", "Which part it is, and the size of the whole: `bytes 0-1023/4096`."),)
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class FilePart(NamedTuple):
    """Bytes of a file."""

    start: int
    end: int
    """Behind the last of them."""


def part_of(wanted: str, size: int) -> FilePart | None:
    """The part that a `Range` names of a file; None for the whole, as where several parts or other units are asked for.

    RANGE_INVALID if there is no such part.
    """
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise NodeError(NodeCode.RANGE_INVALID, f"{wanted} is no part of {size} bytes; ask for one that is")
    return FilePart(start, end)


def file_answer(
    opened: Opened, blockstore: Blockstore, wanted: str, media: str, headers: Mapping[str, str]
) -> Response:
    """A file, or the part of it that a `Range` names, sent piece by piece."""
    part = part_of(wanted, opened.size)
    start, end = part or FilePart(0, opened.size)
    more = {"Content-Range": f"bytes {start}-{end - 1}/{opened.size}"} if part else {}
    length = {"Content-Length": str(end - start), "Accept-Ranges": "bytes"}
    return StreamingResponse(
        pieces(opened, blockstore, start, end),
        status_code=206 if part else 200,
        media_type=media,
        headers={**NOSNIFF, **headers, **length, **more},
    )


async def pieces(opened: Opened, blockstore: Blockstore, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file between two places, in pieces. CONTENT_MISSING if some are lost meanwhile."""
    while start < end:
        piece = await blockstore.aside(opened.piece, start)
        yield piece[: end - start]
        start += len(piece)
