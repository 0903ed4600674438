"""Signed requests: a member proves a key with every request, and needs no session (RFC 9421).

What a signature is good for: this node, one request, one minute.

* *This node.* It covers `@authority`, and the value that is verified is the node's own, from its settings; never the
  request's Host, which whoever replays it at another node would send along. A client signs the address that it dials,
  so not even a node that relays what it is asked can turn that into a signature for another. An address serves one
  chain, so the chain is bound with it.
* *One request.* It covers method, path, query and the body's digest, and its nonce is kept for as long as the
  signature would be taken. Nothing is forgotten early: a full memory refuses.
* *One minute.* It was created within 60 s of the node's clock, but not before the node started, for the nonces of
  an earlier run are gone. (One whose client's clock is ahead of a restart could be replayed until then.)

Cheap checks come first, and a nonce is kept only for a signature that holds: a stranger fills no memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from fastapi import Request

from ledger import crypto
from node.api.member import Member
from node.chain.chain import Chain
from remarque.errors import NodeCode, NodeError
from remarque.message_signatures import RequestSignature, needed, parse_signature, signature_base, target

WINDOW_SECONDS = 60
NONCES_MAX = 100_000
NONCES_PER_ACCOUNT_MAX = 20_000
"""So that one member does not fill the memory for all."""


class SignedRequests:
    """Says who signed a request."""

    def __init__(self, chain: Chain, authority: str, clock_ms: Callable[[], int]) -> None:
        self._chain = chain
        self._authority = authority
        self._clock_ms = clock_ms
        self._nonces = Nonces(self._now())

    def member(self, request: Request) -> Member:
        """Who signed a request, or a refusal. Takes the nonce: the same request has no second answer."""
        try:
            signed = parse_signature(_field(request, "signature-input"), _field(request, "signature"))
            base = signature_base(signed.member, self._values(request, signed.covered))
        except (ValueError, msgspec.ValidationError) as error:
            raise _refused(f"{error}; see docs/http_api.md for what is signed") from None
        self._check_covered(request, signed)
        self._check_time(signed)
        account, _, key = signed.parameters.keyid.rpartition("/")
        if silent := self._chain.ledger().key_fault(account, key):
            raise _refused(silent)
        if not crypto.verify_request(key, base, signed.value):
            raise _refused(
                f"it does not hold for this request to {self._authority}; sign what is sent, to that address"
            )
        self._nonces.take(account, signed.parameters.nonce, signed.parameters.created)
        return Member(account, lambda: not self._chain.ledger().key_fault(account, key))

    def _values(self, request: Request, covered: list[str]) -> dict[str, str]:
        """Values of what is covered, as this node received it; but the authority is its own."""
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        fields = {name: _field(request, name) for name in request.headers if name in covered}
        return fields | target(request.method, self._authority, path, query)

    def _check_covered(self, request: Request, signed: RequestSignature) -> None:
        missing = [name for name in needed(request.method, request.headers) if name not in signed.covered]
        if missing:
            raise _refused(f"it does not cover {', '.join(missing)}; sign that too")

    def _check_time(self, signed: RequestSignature) -> None:
        now, created, expires = self._now(), signed.parameters.created, signed.parameters.expires
        oldest = self._nonces.forget(now - WINDOW_SECONDS)
        if not oldest <= created <= now + WINDOW_SECONDS:
            raise _refused(
                f"it was created at {created}, this node takes {oldest} to {now + WINDOW_SECONDS}; "
                "sign it anew, with the right time"
            )
        if expires is not None and expires < now:
            raise _refused(f"it expired at {expires}, the node's clock says {now}; sign it anew")

    def _now(self) -> int:
        return self._clock_ms() // 1_000


class Nonces:
    """Nonces that were used, by the second in which their signatures were created."""

    def __init__(self, oldest: int) -> None:
        self._oldest = oldest
        self._used: dict[int, set[tuple[str, str]]] = {}
        self._held: Counter[str] = Counter()

    def forget(self, before: int) -> int:
        """Forget what was created before a second; from which second on nothing is forgotten.

        That never goes back, not even with the clock: what was forgotten could be replayed.
        """
        self._oldest = max(self._oldest, before)
        for created in [one for one in self._used if one < self._oldest]:
            self._held -= Counter(account for account, _ in self._used.pop(created))
        return self._oldest

    def take(self, account: str, nonce: str, created: int) -> None:
        """Use a nonce up, or refuse it."""
        used = self._used.get(created, set())
        if (account, nonce) in used:
            raise _refused("its nonce was used before; sign every request anew, with a nonce of its own")
        wait = min(self._used, default=created) - self._oldest + 1
        for code, held, most in (
            (NodeCode.ACCOUNT_BUSY, self._held[account], NONCES_PER_ACCOUNT_MAX),
            (NodeCode.OVERLOADED, self._held.total(), NONCES_MAX),
        ):
            if held >= most:
                raise NodeError(code, f"{held} signed requests are remembered, at most {most}; read in a session", wait)
        self._used.setdefault(created, used).add((account, nonce))
        self._held[account] += 1


def _field(request: Request, name: str) -> str:
    """A header field as it is signed: its lines trimmed and joined (RFC 9421, 2.1)."""
    return ", ".join(line.strip(" \t") for line in request.headers.getlist(name))


def _refused(detail: str) -> NodeError:
    return NodeError(NodeCode.REQUEST_SIGNATURE_INVALID, detail)
