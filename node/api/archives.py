"""Routes about content archives: bringing the directory of one before it is recorded, and who keeps which."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ledger import records
from ledger.errors import Code, LedgerError
from node.api.bodies import answer
from node.api.content import OF_UPLOADS
from node.api.copies import check_administrator
from node.api.incoming import incoming
from node.api.lists import items
from node.api.member import Member
from node.api.operations import OCTETS, Given, Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.ordering.submitter import Submitter
from remarque.api.copies import ArchivesPage, StoredDirectory
from remarque.archives import files_in
from remarque.cid import DAG_PB, CidInvalid, cid_of
from remarque.dag import CHUNK
from remarque.errors import NodeCode, NodeError


def routes(chain: Chain, blockstore: Blockstore, submitter: Submitter, reader: Reader) -> APIRouter:
    """What administrators bring of archives, and members read; the list of all is among the others."""
    router = make_router("/v1/archives", "content", reader)

    @router.post("", summary="Bring the directory of a content archive before recording it")
    @operation(
        Given(StoredDirectory, 201),
        sent=Sent(bytes, "The directory: the block behind the archive's header.", OCTETS),
        refuses=(Code.ROLE_MISSING, Code.ACCOUNT_UNKNOWN, Code.CONTENT_INVALID, *OF_UPLOADS),
    )
    async def put(request: Request, member: Member = Depends(reader)) -> Response:
        """Every node keeps it once `content.archive` names it, so that each says which archives have a file. What no
        record names within a day is gone. For administrators of the node's org.
        """
        check_administrator(chain, member)
        submitter.check_room()
        async with incoming(request, blockstore, member.account, "", CHUNK) as file:
            directory = bytes(file.data)
            try:
                files = await blockstore.aside(files_in, directory)
            except CidInvalid as error:
                raise LedgerError(Code.CONTENT_INVALID, str(error)) from None
            await file.finish()
        return answer(StoredDirectory(root=cid_of(DAG_PB, directory), files=len(files)), 201)

    @router.get("/{piece}", summary="Who keeps a content archive, and where")
    @operation(ArchivesPage, refuses=(NodeCode.NOT_FOUND,))
    async def archive(piece: str) -> Response:
        """By the word of each org that does: no node has read it."""
        found = tuple(one for _, one in items(chain, records.archive_key(piece, ""), "", records.ArchiveRecord))
        if not found:
            raise NodeError(NodeCode.NOT_FOUND, f"no archive of the piece {piece[:16]}… is recorded")
        return answer(ArchivesPage(archives=found))

    return router
