"""Opening a session: a member signs a challenge once, and reads with a short-lived token from then on."""

from __future__ import annotations

from ledger.encoding import Value
from ledger.names import AccountName
from remarque.api.shapes import Answer, Body


class AskChallenge(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/sessions/challenge`."""

    account: AccountName


class Challenge(Value, frozen=True, kw_only=True):
    """What is signed to open a session: `remarque/session/v1` and these canonical bytes. Good once, for a minute."""

    chain: str
    node: str
    account: str
    challenge: str
    """32 random bytes, hex."""


class OpenSession(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/sessions`."""

    account: str
    key: str
    """The account's public key that signed, hex."""
    challenge: str
    """As the challenge named it."""
    signature: str
    """Of the whole challenge, hex."""


class Session(Answer, frozen=True, kw_only=True):
    """An open session."""

    token: str
    """To be sent as `Authorization: Bearer`. It says nothing and is worth the account's reads: keep it secret."""
    expires_in_s: int
    """Seconds until it ends; it ends at once when the key is revoked."""
