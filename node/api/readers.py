"""Who reads: a member, known by a session's token or by the request's own signature, or else a stranger."""

from __future__ import annotations

from fastapi import Request

from node.api.levels import Consistency, Levels, MinHeight
from node.api.member import Member
from node.api.sessions import Sessions
from node.api.signed_requests import SignedRequests
from node.chain.chain import Chain

CREDENTIALS = ("authorization", "signature-input")
"""Header fields by which a member is known."""


class Reader:
    """What routes for members depend on."""

    def __init__(self, chain: Chain, sessions: Sessions, signed: SignedRequests, levels: Levels) -> None:
        self._chain = chain
        self._levels = levels
        self._sessions = sessions
        self._signed = signed

    async def __call__(self, request: Request, min_height: MinHeight = None, consistency: Consistency = None) -> Member:
        """The member that asks, or a refusal; once this node is as far as the request wants it to be."""
        member = self._member(request)
        await self._levels.wait(request, member.account, min_height, consistency)
        return member

    def _member(self, request: Request) -> Member:
        """Who asks. In one step, so that a nonce is taken once."""
        if "authorization" not in request.headers:
            if "signature-input" in request.headers:
                return self._signed.member(request)
            if self._open():
                return Member("", self._open)
        return self._sessions.member(request)

    async def known(self, request: Request) -> Member | None:
        """The member that asks, where strangers may too. Credentials that do not hold are refused even so."""
        if not self._open() and all(name not in request.headers for name in CREDENTIALS):
            return None
        return self._member(request)

    def _open(self) -> bool:
        return self._chain.ledger().parameters().open_reads
