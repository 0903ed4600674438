"""What the API's values have in common: how bodies and answers are read, and how a list comes in pages."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a client sends. A node refuses fields that it does not know, so that nothing asked for is passed over."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a node answers. A field that may be absent is `UNSET` then.

    A client passes over fields that it does not know, so a newer node may say more.
    """


class Page(Answer, frozen=True, kw_only=True):
    """A part of a list."""

    next: str | UnsetType = UNSET
    """Where the next part begins: send it as `after`. Absent from the last part."""
