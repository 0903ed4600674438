"""Sessions: a member proves a key once by signing a challenge, and reads with a short-lived token from then on."""

from __future__ import annotations

import secrets

from cachetools import TTLCache
from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger import crypto
from ledger.encoding import encode
from node.api.bodies import answer, read_json
from node.api.member import Member
from node.api.operations import Given, Sent, operation
from node.api.routing import router as make_router
from node.chain.chain import Chain
from remarque.api.sessions import AskChallenge, Challenge, OpenSession, Session
from remarque.errors import NodeCode, NodeError

CHALLENGE_SECONDS = 60
SESSION_SECONDS = 3_600
SESSIONS_MAX = 10_000
CHALLENGES_MAX = 10_000


class Sessions:
    """Open challenges and sessions, both bounded in number and time; the oldest goes first."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._challenges: TTLCache[str, str] = TTLCache(CHALLENGES_MAX, CHALLENGE_SECONDS)
        """The account that asked for each."""
        self._sessions: TTLCache[str, tuple[str, str]] = TTLCache(SESSIONS_MAX, SESSION_SECONDS)
        """Account and key by token."""

    def challenge(self, account: str) -> Challenge:
        """A challenge for an account, good for a minute and one use."""
        value = secrets.token_hex(32)
        self._challenges[value] = account
        return Challenge(chain=self._chain.name, node=self._chain.node, account=account, challenge=value)

    def open(self, ask: OpenSession) -> Session:
        """A session, for a challenge signed by one of the account's keys in force."""
        account = self._challenges.pop(ask.challenge, "")
        if not account or account != ask.account:
            raise NodeError(NodeCode.SESSION_INVALID, "the challenge is unknown, used or too old; ask for a new one")
        challenge = Challenge(chain=self._chain.name, node=self._chain.node, account=account, challenge=ask.challenge)
        if not crypto.verify(ask.key, crypto.SESSION, encode(challenge), ask.signature):
            raise NodeError(NodeCode.SESSION_INVALID, f"the challenge is not signed by {ask.key[:16]}…; sign it again")
        if silent := self._chain.ledger().key_fault(account, ask.key):
            raise NodeError(NodeCode.SESSION_INVALID, silent)
        token = secrets.token_urlsafe(32)
        self._sessions[token] = account, ask.key
        return Session(token=token, expires_in_s=SESSION_SECONDS)

    def member(self, request: Request) -> Member:
        """Whose session a request carries, or a refusal. The key is checked anew: revoked is revoked."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NodeError(
                NodeCode.SESSION_REQUIRED,
                "open one at /v1/sessions and send its token as Authorization: Bearer, or sign the request",
            )
        if ended := self._fault(token):
            raise NodeError(NodeCode.SESSION_INVALID, f"the session has ended: {ended}")
        return Member(self._sessions[token][0], lambda: not self._fault(token))

    def _fault(self, token: str) -> str:
        """Why a session is none any more, in words; empty if it is one."""
        account, key = self._sessions.get(token, ("", ""))
        fault = self._chain.ledger().key_fault(account, key) if account else "open a new one at /v1/sessions"
        if fault:
            self._sessions.pop(token, None)
        return fault


def routes(sessions: Sessions) -> APIRouter:
    """The session routes."""
    router = make_router("/v1/sessions", "sessions")

    @router.post("/challenge", summary="Ask for a challenge to sign")
    @operation(Challenge, sent=Sent(AskChallenge, "Who wants to open a session."))
    async def challenge(request: Request) -> Response:
        """Good for one session, within a minute. Sign `remarque/session/v1` and the exact bytes of the answer."""
        ask = await read_json(request, AskChallenge)
        return answer(sessions.challenge(ask.account))

    @router.post("", summary="Open a session with a signed challenge")
    @operation(
        Given(Session, 201), sent=Sent(OpenSession, "The signed challenge."), refuses=(NodeCode.SESSION_INVALID,)
    )
    async def open_session(request: Request) -> Response:
        """For an hour, or until the key is revoked."""
        return answer(sessions.open(await read_json(request, OpenSession)), 201)

    return router
