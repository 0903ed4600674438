"""Files that members bring: written to the disk as they come, and looked at there, so none is whole in memory."""

from __future__ import annotations

import mmap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request

from node.api.bodies import pass_on
from node.content.blockstore import Blockstore
from node.decoding.asking import FileBytes
from remarque.errors import NodeCode, NodeError

WRITTEN_AT_ONCE = 256 * 1024
"""So much of a body is in memory at most: of all connections that a node takes, no more than bodies may have there."""


class Incoming:
    """A file that has come whole, and that nothing knows by its content id yet."""

    def __init__(self, blockstore: Blockstore, account: str, name: str, data: FileBytes) -> None:
        self._blockstore, self._account, self._name = blockstore, account, name
        self.data = data

    async def finish(self) -> str:
        """Keep it for a record to come; its content id."""
        return await self._blockstore.aside(self._blockstore.finish, self._account, self._name)


@asynccontextmanager
async def incoming(
    request: Request, blockstore: Blockstore, account: str, upload: str, bytes_max: int
) -> AsyncIterator[Incoming]:
    """The file in a request's body, or, without a body, the one that has come as an upload of that name.

    One in a body that is not finished is forgotten; an upload stays, and can be tried again. BODY_TOO_LARGE, NOT_FOUND,
    UPLOADS_FULL, and what a body may be refused with.
    """
    uploads = blockstore.uploads
    name = upload or await blockstore.aside(uploads.begin, account)
    try:
        size = await append(request, blockstore, account, name, bytes_max)
        if size > bytes_max:
            raise NodeError(NodeCode.BODY_TOO_LARGE, f"the upload has {size} bytes, at most {bytes_max} are taken here")
        with uploads.held(account, name) as file:
            yield Incoming(blockstore, account, name, await blockstore.aside(_mapped, file))
    finally:
        if not upload:
            await blockstore.aside(uploads.cancel, account, name)


async def append(
    request: Request, blockstore: Blockstore, account: str, name: str, bytes_max: int, at: int | None = None
) -> int:
    """Append a request's body to an upload, a little at a time; how much of it there is then.

    With `at`, UPLOAD_OFFSET unless so much of it has come before. What comes before a fault stays, unless that is
    CONTENT_DIGEST_INVALID.
    """
    uploads, waiting = blockstore.uploads, bytearray()
    _, begun = await blockstore.aside(uploads.come, account, name)
    size = begun if at is None else at

    async def write() -> None:
        nonlocal size
        size = await blockstore.aside(uploads.append, account, name, size, bytes(waiting))
        waiting.clear()

    async def keep(part: bytes) -> None:
        waiting.extend(part)
        if len(waiting) >= WRITTEN_AT_ONCE:
            await write()

    try:
        await pass_on(request, bytes_max - size, keep)
    except NodeError as error:
        if error.code is NodeCode.CONTENT_DIGEST_INVALID:
            await blockstore.aside(uploads.cut, account, name, begun)
        else:
            await write()
        raise
    await write()
    return size


def _mapped(file: Path) -> FileBytes:
    """The bytes of a file, of which none is in memory; there is no such thing of an empty one."""
    with file.open("rb") as data:
        return mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ) if file.stat().st_size else b""
