"""Why the rules decided as they did, as far as whoever asks may know."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from ledger.records import Governing
from remarque.api.shapes import Answer


class Shown(Answer, frozen=True, kw_only=True):
    """What a rule, or a part of one, came to: one of these fields, or none where that is withheld."""

    value: bool | int | str | UnsetType = UNSET
    """An integer outside ±(2^53 − 1) is text, an instant and a length of time too; long text is cut off."""
    error: str | UnsetType = UNSET
    """Why it has no value."""
    list_size: int | UnsetType = UNSET
    """Items of a list, which are not shown themselves."""
    record_size: int | UnsetType = UNSET
    """Fields of a record or map, which are not shown themselves."""
    bytes_size: int | UnsetType = UNSET


class Part(Shown, frozen=True, kw_only=True):
    """A comparison or a field that a rule looked at."""

    expr: str
    """Its text in the rule."""
    withheld: bool | UnsetType = UNSET
    """True where what it came to is not for whoever asks."""


class ExplainedRule(Shown, frozen=True, kw_only=True):
    """A rule that had a say, and what its condition came to."""

    id: str
    policy: str
    """`name@version` of the policy that it stands in."""
    effect: str
    """`permit`, `forbid` or `require`."""
    why: tuple[Part, ...]
    """What it looked at, in the order of its text."""


class LeftOut(Answer, frozen=True, kw_only=True):
    """How much did not fit into an explanation."""

    rules: int
    parts: int


class Explanation(Answer, frozen=True, kw_only=True):
    """A decision, explained by the values of the rules that had a say and of what they looked at."""

    action: str
    """What was to be decided: `view`, `sale`, …"""
    decision: Literal["ALLOW", "DENY"]
    code: str
    """`PERMITTED`, or why not."""
    reason: str
    """The same in words, those of the rule's author where it has any."""
    fuel: int
    """What the decision cost."""
    rule: str | UnsetType = UNSET
    """Id of the rule that decided; absent where none did."""
    policy: str | UnsetType = UNSET
    """`name@version` of its policy; where no rule decided, of the only one that had a say."""
    hash: str | UnsetType = UNSET
    """Digest of that policy's source."""
    rules: tuple[ExplainedRule, ...]
    left_out: LeftOut | UnsetType = UNSET
    """Absent where everything fitted."""
    scopes: tuple[Governing, ...]
    """The policies that had a say, broadest scope first."""
