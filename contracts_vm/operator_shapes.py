"""The checker's view of `operators`: what an operator gives, what it costs at most and how it may fail."""

from typing import Final, NamedTuple

from contracts_vm import cost
from contracts_vm.shapes import ANY, BOOL, FALSE, NEVER, RANGES, TRUE, UNKNOWN, Shape, either, fits
from contracts_vm.types import INT_MAX, INT_MIN

RELATIONS: Final = ("==", "!=", "<", "<=", ">", ">=", "in")
TIMES: Final = {
    ("+", "timestamp", "duration"): "timestamp",
    ("+", "duration", "timestamp"): "timestamp",
    ("+", "duration", "duration"): "duration",
    ("-", "timestamp", "duration"): "timestamp",
    ("-", "timestamp", "timestamp"): "duration",
    ("-", "duration", "duration"): "duration",
}
_ORDERED: Final = ("bool", "int", "bytes", "timestamp", "duration")


class Applied(NamedTuple):
    """What is known of `left operator right` before any facts are there."""

    shape: Shape
    fuel: int = 0
    """The most that it costs beside the price of an operator."""
    failure: str = ""
    """Why some facts would leave it without a value; "" where none do."""


def applied(operator: str, left: Shape, right: Shape) -> Applied | None:
    """An operator on two shapes, or None when they do not go together."""
    if UNKNOWN in (left.kind, right.kind):
        return Applied(BOOL if operator in RELATIONS else NEVER if NEVER in (left, right) else ANY)
    if operator == "in":
        return _member(left, right)
    if operator in ("==", "!="):
        return _compared(operator, left, right) if fits(left, right) else None
    if operator in RELATIONS:
        ordered = left.kind in _ORDERED or left.text
        return _compared(operator, left, right) if fits(left, right) and ordered else None
    if left.kind == right.kind == "int":
        return within(*_interval(operator, left, right))
    if (operator, left.kind, right.kind) in TIMES:
        return _moved(operator, left, right)
    if operator == "+" and left.kind == right.kind and left.kind in ("string", "bytes", "list") and fits(left, right):
        return _joined(left, right)
    return None


def within(low: int, high: int) -> Applied:
    """An integer between two bounds, cut to 64 bits."""
    failure = "the result may leave 64 bits" if low < INT_MIN or high > INT_MAX else ""
    return Applied(Shape("int", max(low, INT_MIN), min(high, INT_MAX)), failure=failure)


def _member(left: Shape, right: Shape) -> Applied | None:
    inside = {"list": right.item, "map": right.key}.get(right.kind)
    if right.kind not in ("list", "map") or (inside is not None and not fits(left, inside)):
        return None
    each = 0 if left.text or inside is None else min(left.weight, inside.weight)
    fuel = right.size * (cost.MEMBER_ITEM + each) if right.kind == "list" else 0
    return Applied(FALSE if right.size == 0 else BOOL, fuel)


def _compared(operator: str, left: Shape, right: Shape) -> Applied:
    shorter = min(left.weight, right.weight)
    fuel = shorter if left.kind in ("list", "map") else shorter // cost.COMPARE_UNIT
    if left.kind != "int":
        return Applied(BOOL, fuel)
    below, above = left.high < right.low, left.low > right.high
    alone = left.low == left.high == right.low == right.high
    always, never = {
        "==": (alone, below or above),
        "!=": (below or above, alone),
        "<": (below, left.low >= right.high),
        "<=": (left.high <= right.low, above),
        ">": (above, left.high <= right.low),
        ">=": (left.low >= right.high, below),
    }[operator]
    return Applied(TRUE if always else FALSE if never else BOOL)


def _moved(operator: str, left: Shape, right: Shape) -> Applied:
    """An instant or a span moved by a span; nanoseconds may carry one millisecond either way."""
    kind = TIMES[operator, left.kind, right.kind]
    low, high = _interval(operator, left, right)
    least, most = RANGES[kind]
    failure = f"the result may leave the range of a {kind}" if low - 1 < least or high + 1 > most else ""
    return Applied(Shape(kind, max(low - 1, least), min(high + 1, most)), failure=failure)


def _joined(left: Shape, right: Shape) -> Applied:
    item = either(left.item, right.item) if left.item and right.item else left.item or right.item
    size = left.size + right.size
    return Applied(Shape(left.kind, short=left.short + right.short, size=size, item=item), size // cost.CONCAT_UNIT)


def _interval(operator: str, a: Shape, b: Shape) -> tuple[int, int]:
    """Between which numbers the result of an operator lies."""
    match operator:
        case "+":
            return a.low + b.low, a.high + b.high
        case "-":
            return a.low - b.high, a.high - b.low
        case "*":
            corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            return min(corners), max(corners)
        case "/":
            most = max(abs(a.low), abs(a.high))
            safe = a.low > INT_MIN or b.low > -1 or b.high < -1
            positive = a.low >= 0 and b.low >= 0
            return (0, a.high) if positive else (max(-most, INT_MIN), min(most, INT_MAX) if safe else most)
        case _:
            most = max(abs(b.low), abs(b.high), 1) - 1
            if a.low == INT_MIN and b.low <= -1 <= b.high:
                return INT_MIN - 1, INT_MAX
            return (0 if a.low >= 0 else -most), (0 if a.high <= 0 else most)
