"""SCITT's reference API: statements in, receipts out, and the keys that receipts are checked with.

What is refused is told as concise problem details (RFC 9290) in CBOR, with the same permanent codes as everywhere. The
routes are open: a statement is signed by an account, and receipts are open anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode

from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger import cbor
from ledger.cose import Ed25519Key
from ledger.errors import Code, LedgerError
from ledger.statement import STATEMENT_BYTES_MAX
from node.api.bodies import read_body
from node.api.log import ANCHORED, COSE_RECEIPT, Anchor
from node.api.operations import Given, Sent, operation
from node.api.routing import Route
from node.api.routing import router as make_router
from node.api.submissions import OF_SUBMISSIONS
from node.ground import metrics
from node.peers.members import Members
from node.transparency.key_sets import key_set
from node.transparency.scitt import Statements
from remarque.errors import NodeCode, NodeError, status_of

COSE, CBOR = "application/cose", "application/cbor"
TRANSPARENT_STATEMENT = "application/scitt-statement+cose"
CONCISE_PROBLEM = "application/concise-problem-details+cbor"
TITLE, DETAIL, CODE = -1, -2, "urn:remarque:error"
"""Keys of a concise problem; the last is a custom one that holds the code."""
LOCATION = (("Location", "Where the entry is."),)
LATER = (*LOCATION, ("Retry-After", "Seconds after which to ask there."))
OF_STATEMENTS = (
    NodeCode.STATEMENT_INVALID,
    NodeCode.MEDIA_TYPE_UNSUPPORTED,
    NodeCode.REGISTRAR_ABSENT,
    Code.STATEMENT_EXISTS,
    *OF_SUBMISSIONS,
    *ANCHORED,
)
"""What a statement may be refused with: registering it is a transaction of this node's registrar."""


def concise(error: LedgerError | NodeError) -> Response:
    """A refusal as a response."""
    metrics.REFUSED.labels(error.code.name).inc()
    meaning = error.code.meaning if isinstance(error, NodeError) else error.code.value
    status = error.code.status if isinstance(error, NodeError) else status_of(error.code)
    retry = error.retry_after if isinstance(error, NodeError) else None
    body = cbor.encode({TITLE: meaning, DETAIL: error.detail, CODE: {"code": error.code.name}})
    headers = {} if retry is None else {"Retry-After": str(retry)}
    return Response(body, status_code=status, headers=headers, media_type=CONCISE_PROBLEM)


class ConciseRoute(Route):
    """A route whose refusals are concise problem details."""

    problem_media = CONCISE_PROBLEM

    def refused(self, error: LedgerError | NodeError) -> Response:
        return concise(error)


def routes(statements: Statements, members: Members) -> APIRouter:
    """The transparency service's routes."""
    router = make_router("", "scitt", route=ConciseRoute)

    @router.post("/entries", summary="Register a signed statement; this node's COSE receipt")
    @operation(
        Given(bytes, 201, COSE_RECEIPT, "The receipt; the entry's address is in `Location`.", LOCATION),
        Given(bytes, 303, CONCISE_PROBLEM, "It was taken, and is being committed: see the entry.", LATER),
        sent=Sent(bytes, "A signed statement (RFC 9943): COSE_Sign1.", COSE),
        refuses=OF_STATEMENTS,
    )
    async def register(request: Request) -> Response:
        """Signed by an account of this chain under its own name. The same statement again is the entry that it is
        already.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != COSE:
            raise NodeError(NodeCode.MEDIA_TYPE_UNSUPPORTED, f"a signed statement comes as {COSE}; send it as that")
        try:
            digest = await statements.register(await read_body(request, STATEMENT_BYTES_MAX))
        except NodeError as error:
            return _running(error, 303)
        receipt = await statements.receipt(digest)
        return Response(receipt, 201, headers={"Location": f"/entries/{digest}"}, media_type=COSE_RECEIPT)

    @router.get(
        "/entries/{entry}",
        summary="This node's receipt of a statement, or with transparent=true the statement with those of all",
    )
    @operation(
        Given(bytes, media=COSE_RECEIPT, meaning="This node's receipt."),
        Given(
            bytes, media=TRANSPARENT_STATEMENT, meaning="With `transparent=true`: the statement with receipts in it."
        ),
        Given(bytes, 302, CONCISE_PROBLEM, "It is still being committed: ask again.", LATER),
        refuses=(*ANCHORED, NodeCode.OVERLOADED, NodeCode.CONTENT_MISSING),
    )
    async def entry(entry: str, transparent: bool = False, anchor: Anchor = None) -> Response:
        """An entry's id is the SHA-256 of the statement."""
        try:
            if transparent:
                return Response(await statements.transparent(entry), media_type=TRANSPARENT_STATEMENT)
            return Response(await statements.receipt(entry, anchor), media_type=COSE_RECEIPT)
        except NodeError as error:
            return _running(error, 302)

    @router.get("/.well-known/scitt-keys", summary="Keys of all nodes, as a COSE Key Set")
    @operation(Given(bytes, media=CBOR, meaning="A COSE Key Set."))
    async def keys() -> Response:
        """With these a stranger checks receipts of COSE that it got from any node."""
        return Response(key_set(members.keys().values()), media_type=CBOR)

    @router.get("/.well-known/scitt-keys/{kid}", summary="The key with a key id, given in base64url")
    @operation(Given(bytes, media=CBOR, meaning="A COSE Key."), refuses=(NodeCode.NOT_FOUND,))
    async def one_key(kid: str) -> Response:
        """A key id is the key's thumbprint (RFC 9679)."""
        found = {key.thumbprint: key for key in map(Ed25519Key, members.keys().values())}
        key = found.get(urlsafe_b64decode(kid + "="))
        if key is None:
            raise NodeError(
                NodeCode.NOT_FOUND, f"no node has a key with the id {kid[:80]}; see /.well-known/scitt-keys"
            )
        return Response(cbor.encode(key.cose_key()), media_type=CBOR)

    return router


def _running(error: NodeError, status: int) -> Response:
    """A registration that is under way, as a redirection to where its receipt will be; other refusals go on."""
    if error.code is not NodeCode.REGISTRATION_RUNNING:
        raise error
    response = concise(error)
    response.status_code = status
    response.headers["Location"] = f"/entries/{error.detail.partition(' ')[0]}"
    return response
