"""Why a decision came out as it did: the value of each rule and of the comparisons and fields that it was made of.

Computed only when somebody asks, by evaluating the parts again on the same facts; the format is part of the protocol
and holds nothing but text, integers and booleans. Lists and records show their size, never their contents. What is
shown has a greatest size whatever the policies: the rule that decided comes first, then the others in order, and what
does not fit is counted.
"""

from collections.abc import Mapping, Sequence

import msgspec

from contracts_vm import cost
from contracts_vm.evaluate import run
from contracts_vm.operators import EvaluationError
from contracts_vm.policy import ReadyRule
from contracts_vm.types import (
    SAFE_MAX,
    Duration,
    Facts,
    RuleValue,
    Timestamp,
    TypeName,
    write_duration,
    write_timestamp,
)

JSON = bool | int | str | list["JSON"] | dict[str, "JSON"]
TEXT_CHARACTERS_MAX = 200
LINES_MAX = 256
"""Rules and parts of an explanation, together."""
BYTES_MAX = 32 * 1024
"""What these lines take together, as JSON."""
LINE_FUEL = 50
"""What a line costs beside the evaluation of its part."""


class Explained(msgspec.Struct, frozen=True):
    """The rules of an explanation, what was left out of it, and what it cost."""

    rules: list[JSON]
    """One entry for each rule that is shown, in order."""
    left_out: dict[str, JSON]
    """How many `rules` and `parts` did not fit; empty where all did."""
    fuel: int
    """Fuel for the lines and their parts; the decision has already paid for the rules themselves."""


class _Room:
    """What is left of an explanation's lines, bytes and fuel."""

    def __init__(self, fuel: int) -> None:
        self.lines, self.bytes, self.fuel = LINES_MAX, BYTES_MAX, fuel

    def takes(self, line: JSON) -> bool:
        """Whether a line fits; if so it is counted."""
        size = len(msgspec.json.encode(line))
        if not self.lines or size > self.bytes:
            return False
        self.lines, self.bytes = self.lines - 1, self.bytes - size
        return True


def explain_rules(rules: Sequence[ReadyRule], facts: Facts, fuel: int, first: tuple[str, str] = ("", "")) -> Explained:
    """An entry for each rule, in order, under the same meter as the decision: rules that find it empty show BUDGET.

    Their parts together have as much fuel again, so that no policy makes its explanation cost more than two decisions.
    The `first` rule, by policy and id, has its room before the others.
    """
    meter, room = [fuel], _Room(fuel)
    values = [_value(ready, facts, meter) for ready in rules]
    order = sorted(range(len(rules)), key=lambda place: (rules[place].policy, rules[place].rule.id) != first)
    shown: dict[int, JSON] = {}
    parts = 0
    for place in order:
        entry, missing = _entry(rules[place], *values[place], facts, room)
        parts += missing
        if entry:
            shown[place] = entry
    left_out: dict[str, JSON] = {}
    if parts or len(shown) < len(rules):
        left_out = {"rules": len(rules) - len(shown), "parts": parts}
    spent = fuel - room.fuel + LINE_FUEL * (LINES_MAX - room.lines)
    return Explained([shown[place] for place in sorted(shown)], left_out, spent)


def _value(ready: ReadyRule, facts: Facts, meter: cost.Meter) -> tuple[int, RuleValue | EvaluationError]:
    """The fuel that there was before a rule, and what it came to."""
    before = meter[0]
    meter[0] -= cost.RULE
    value = run(ready.run, facts, meter)
    return before, value if isinstance(value, EvaluationError | bool) else EvaluationError("NOT_BOOL", "")


def _entry(
    ready: ReadyRule, before: int, value: RuleValue | EvaluationError, facts: Facts, room: _Room
) -> tuple[dict[str, JSON], int]:
    """A rule with those of its parts that fit, and how many do not; no entry where it does not fit itself."""
    entry: dict[str, JSON] = {"id": ready.rule.id, "policy": ready.policy, "effect": ready.effect, **_shown(value)}
    if not room.takes(entry):
        return {}, 0
    why: list[JSON] = []
    for text, part in ready.parts:
        if not room.lines:
            break
        fuel = min(before, room.fuel)
        left = [fuel]
        line: JSON = {"expr": text, **_shown(run(part, facts, left))}
        room.fuel -= fuel - left[0]
        if not room.takes(line):
            break
        why.append(line)
    return {**entry, "why": why}, len(ready.parts) - len(why)


def _shown(value: RuleValue | EvaluationError) -> dict[str, JSON]:
    match value:
        case EvaluationError():
            return {"error": value.code}
        case bool():
            return {"value": value}
        case int():
            return {"value": int(value) if -SAFE_MAX <= value <= SAFE_MAX else str(value)}
        case str():
            return {"value": value if len(value) <= TEXT_CHARACTERS_MAX else value[:TEXT_CHARACTERS_MAX] + "…"}
        case Timestamp():
            return {"value": write_timestamp(value)}
        case Duration():
            return {"value": write_duration(value)}
        case Mapping():
            return {"record_size": len(value)}
        case bytes():
            return {"bytes_size": len(value)}
        case list() | tuple():
            return {"list_size": len(value)}
        case _:
            return {"value": value.name if isinstance(value, TypeName) else "null"}
