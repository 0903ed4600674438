"""How every route refuses: problem details (RFC 9457)."""

from __future__ import annotations

from remarque.api.shapes import Answer


class Problem(Answer, frozen=True, kw_only=True):
    """A refusal, of media type `application/problem+json`."""

    type: str
    """`urn:remarque:error:` and the code."""
    title: str
    """What the code means."""
    status: int
    """Of HTTP, again."""
    code: str
    """A permanent word; docs/errors.md has all of them."""
    detail: str
    """The rule, the fact and the fix."""
