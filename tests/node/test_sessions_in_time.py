"""Sessions and challenges end with their time, and the oldest goes when there are too many."""

from __future__ import annotations

from pathlib import Path

import pytest
from consortium import key_of
from starlette.requests import Request
from written_chain import WrittenChain

from ledger import crypto
from ledger.encoding import encode
from node.api import sessions
from node.api.sessions import Sessions
from remarque.api.sessions import OpenSession
from remarque.errors import NodeError

ACCOUNT = "alice@studio"


def opened(open_sessions: Sessions) -> str:
    """Token of a session that was opened as it should be."""
    challenge, key = open_sessions.challenge(ACCOUNT), key_of(ACCOUNT)
    signature = key.sign(crypto.SESSION, encode(challenge))
    ask = OpenSession(account=ACCOUNT, key=key.public, challenge=challenge.challenge, signature=signature)
    return open_sessions.open(ask).token


def reader(open_sessions: Sessions, token: str) -> str:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    return open_sessions.member(Request({"type": "http", "headers": headers})).account


@pytest.mark.parametrize(("seconds", "ends"), [(0, True), (60, False)])
def test_a_session_ends_with_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, *, ends: bool
) -> None:
    monkeypatch.setattr(sessions, "SESSION_SECONDS", seconds)
    held = Sessions(WrittenChain(tmp_path).chain)
    token = opened(held)

    if ends:
        with pytest.raises(NodeError, match="SESSION_INVALID"):
            reader(held, token)
    else:
        assert reader(held, token) == ACCOUNT


def test_a_challenge_ends_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "CHALLENGE_SECONDS", 0)

    with pytest.raises(NodeError, match="too old"):
        opened(Sessions(WrittenChain(tmp_path).chain))


def test_the_oldest_session_goes_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 2)
    held = Sessions(WrittenChain(tmp_path).chain)
    first, second, third = (opened(held) for _ in range(3))

    assert [reader(held, token) for token in (second, third)] == [ACCOUNT, ACCOUNT]
    with pytest.raises(NodeError, match="SESSION_INVALID"):
        reader(held, first)
