"""Why a decision came out as it did: the value of each rule and of the comparisons and fields that it was made of.

Computed only when somebody asks, by evaluating the parts again on the same facts; the format is part of the protocol
and holds nothing but text, integers and booleans. Lists and records show their size, never their contents.
"""

from collections.abc import Iterable, Iterator, Mapping

from contracts_vm import cost
from contracts_vm.evaluate import compile_expression, run
from contracts_vm.operators import Fault
from contracts_vm.policy import ReadyRule
from contracts_vm.syntax import Choice, Expr, Has, Literal, Logic, Not, Path, children
from contracts_vm.types import SAFE_MAX, Duration, Facts, Timestamp, TypeName, Value, write_duration, write_timestamp

JSON = bool | int | str | list["JSON"] | dict[str, "JSON"]
TEXT_CHARACTERS_MAX = 200


def explain_rules(rules: Iterable[ReadyRule], facts: Facts, fuel: int) -> list[JSON]:
    """One entry for each rule, in order, under the same meter as the decision: rules after its end show BUDGET.

    Their parts together have as much fuel again, so that no policy makes its explanation cost more than two decisions.
    """
    meter, spare = [fuel], [fuel]
    return [_rule(ready, facts, meter, spare) for ready in rules]


def _rule(ready: ReadyRule, facts: Facts, meter: cost.Meter, spare: cost.Meter) -> JSON:
    before = meter[0]
    meter[0] -= cost.RULE
    value = run(ready.run, facts, meter)
    if not isinstance(value, Fault | bool):
        value = Fault("NOT_BOOL", "")
    entry: dict[str, JSON] = {"id": ready.rule.id, "policy": ready.policy, "effect": ready.effect}
    why: dict[str, JSON] = {}
    for part in _parts(ready.rule.when):
        text = ready.source[part.start : part.end]
        if text not in why:
            room = min(before, spare[0])
            left = [room]
            why[text] = {"expr": text, **_shown(run(compile_expression(part), facts, left))}
            spare[0] -= room - left[0]
    return {**entry, **_shown(value), "why": list(why.values())}


def _parts(node: Expr) -> Iterator[Expr]:
    """The conditions inside &&, ||, ! and ?:, each followed by the fields that it reads, from left to right."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Logic | Not | Choice):
            waiting += reversed(children(part))
        elif not isinstance(part, Literal):
            yield from _with_fields(part)


def _with_fields(node: Expr) -> Iterator[Expr]:
    yield node
    waiting = list(reversed(children(node)))
    while waiting and not isinstance(node, Has):
        inner = waiting.pop()
        if isinstance(inner, Path) or (isinstance(inner, Has) and isinstance(inner.path, Path)):
            yield inner
        else:
            waiting += reversed(children(inner))


def _shown(value: Value | Fault) -> dict[str, JSON]:
    match value:
        case Fault():
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
