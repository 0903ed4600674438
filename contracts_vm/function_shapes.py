"""The checker's view of `functions`: what a call gives, what it costs at most and how it may fail."""

from typing import Final

from contracts_vm import cost
from contracts_vm.functions import CONVERSIONS, SPAN_PARTS, search_cost, zone_minutes
from contracts_vm.operators import EvaluationError
from contracts_vm.shapes import BOOL, INT, LONG, RANGES, UNKNOWN, Known, Shape
from contracts_vm.syntax import Call, Literal
from contracts_vm.types import PPM_WHOLE, read_duration, read_timestamp
from contracts_vm.walk import Walk

_PARTS: Final = {
    "getFullYear": (1, 9999), "getMonth": (0, 11), "getDate": (1, 31), "getDayOfMonth": (0, 30), "getDayOfWeek": (0, 6),
    "getDayOfYear": (0, 365), "getHours": (0, 23), "getMinutes": (0, 59), "getSeconds": (0, 59),
    "getMilliseconds": (0, 999),
}  # fmt: skip
_TEXT_MAX: Final = {"int": 20, "bool": 5, "timestamp": 30, "duration": 23}
_DAY_MS: Final = 86_400_000


def call(walk: Walk, node: Call, known: Known) -> Shape:
    """The shape of a call of any function."""
    name = node.function
    if name in ("contains", "startsWith", "endsWith"):
        text, sought = [walk.expects("string", one, known, name) for one in node.arguments]
        walk.fuel += search_cost(name, text.size, sought.size)
        return BOOL
    walk.fuel += cost.OPERATOR
    found = [walk.shape(one, known) for one in node.arguments]
    if name == "size":
        return _size(walk, node, found[0])
    if name == "portion":
        return _portion(walk, node, found)
    if name.startswith("get"):
        return _part(walk, node, found)
    if name.startswith("math."):
        return _extreme(walk, node, found)
    return _converted(walk, node, found[0])


def _size(walk: Walk, node: Call, first: Shape) -> Shape:
    if first.kind not in (UNKNOWN, "list", "map", "bytes") and not first.text:
        walk.mismatch(f"size takes text, a list or a map, found {first.name}", node.arguments[0])
    return Shape("int", first.short, max(first.short, first.size))


def _portion(walk: Walk, node: Call, found: list[Shape]) -> Shape:
    for shape, argument, most in zip(found, node.arguments, (RANGES["int"][1], PPM_WHOLE), strict=True):
        if shape.kind not in ("int", UNKNOWN):
            walk.mismatch(f"portion takes int, found {shape.name}", argument)
            return INT
        if shape.low < 0 or shape.high > most:
            walk.failures.append((argument, f"this may be no {'rate' if most == PPM_WHOLE else 'amount'}"))
    amount, rate = found
    low, high = [
        max(0, a) * min(max(0, r), PPM_WHOLE) // PPM_WHOLE
        for a, r in zip((amount.low, amount.high), (rate.low, rate.high), strict=True)
    ]
    return Shape("int", low, high)


def _extreme(walk: Walk, node: Call, found: list[Shape]) -> Shape:
    if len(found) == 1 and found[0].kind == "list":
        walk.fuel += found[0].size
        if found[0].short == 0:
            walk.failures.append((node, "the list may be empty"))
        found = [found[0].inside]
    walk.fuel += cost.OPERATOR * (len(found) - 1)
    for shape, argument in zip(found, node.arguments, strict=True):
        if shape.kind not in ("int", UNKNOWN):
            walk.mismatch(f"{node.function} takes int, found {shape.name}", argument)
            return INT
    pick = max if node.function == "math.greatest" else min
    return Shape("int", pick(shape.low for shape in found), pick(shape.high for shape in found))


def _part(walk: Walk, node: Call, found: list[Shape]) -> Shape:
    first, low, high = found[0], *RANGES["timestamp"]
    span = first.kind == "duration" and node.function in SPAN_PARTS and len(found) == 1
    if not span and first.kind not in ("timestamp", UNKNOWN):
        walk.mismatch(f"{node.function} does not take {first.name}", node.arguments[0])
    for zone, shape in zip(node.arguments[1:], found[1:], strict=True):
        if shape.kind != UNKNOWN and not shape.text:
            walk.mismatch(f"{node.function} takes string, found {shape.name}", zone)
        elif not isinstance(zone, Literal):
            walk.failures.append((zone, "this may be no zone"))
        elif not _is_zone(str(zone.value)):
            walk.report("LITERAL_INVALID", "a zone is UTC or a fixed offset such as +01:00", zone)
        if first.low < low + _DAY_MS or first.high > high - _DAY_MS:
            walk.failures.append((node, "in that zone the time may be outside the years 1 to 9999"))
    return INT if span else Shape("int", *_PARTS[node.function])


def _is_zone(text: str) -> bool:
    try:
        zone_minutes(text)
    except EvaluationError:
        return False
    return True


def _converted(walk: Walk, node: Call, first: Shape) -> Shape:
    name, argument = node.function, node.arguments[0]
    kind = "string" if first.text else first.kind
    if kind not in CONVERSIONS[name]:
        if kind != UNKNOWN:
            wanted = ", ".join(one for one in CONVERSIONS[name] if one != "uint")
            walk.mismatch(f"{name} takes {wanted}, found {first.name}", argument)
        return BOOL if name == "bool" else Shape(name, size=LONG)
    walk.fuel += first.size // cost.READ_UNIT
    if kind == name and name != "string":
        return first
    if name in ("timestamp", "duration"):
        return _time(walk, node, kind, first)
    if name == "bytes":
        return Shape("bytes", short=first.short, size=first.size * 4)
    if name == "string" and kind != "bytes":
        return Shape("string", size=_TEXT_MAX.get(kind, first.size))
    if kind != "timestamp":
        walk.failures.append((argument, f"this may have no equal as {name}"))
    return BOOL if name == "bool" else Shape(name, size=first.size)


def _time(walk: Walk, node: Call, kind: str, first: Shape) -> Shape:
    name, argument = node.function, node.arguments[0]
    low, high = RANGES[name]
    if isinstance(argument, Literal) and isinstance(argument.value, str):
        found = (read_timestamp if name == "timestamp" else read_duration)(argument.value)
        if found is None:
            walk.report("LITERAL_INVALID", f"this is not a {name}", argument)
            return Shape(name, low, high)
        return Shape(name, found.ms, found.ms + (found.ns > 0))
    if kind == "int" and low <= first.low * 1000 and first.high * 1000 <= high:
        return Shape(name, first.low * 1000, first.high * 1000)
    walk.failures.append((argument, f"this may be no {name}"))
    return Shape(name, low, high)
