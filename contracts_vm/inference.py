"""What an expression is before it runs: its shape, how it can fail and what it costs at most.

One walk mirrors the evaluator, node by node. It reports what no facts could make right, and collects under `failures`
what some facts would leave without a value. Costs come from the table that the meter reads, with bounds in the place of
sizes; a loop costs its body once for each item that there can be.
"""

from collections.abc import Callable
from typing import Final

from contracts_vm import cost
from contracts_vm.errors import nearest
from contracts_vm.functions import CONVERSIONS, SPAN_PARTS, search_cost, zone_minutes
from contracts_vm.guards import name_of, sure
from contracts_vm.operators import Fault
from contracts_vm.schema import Field, Schema
from contracts_vm.shapes import (
    ANY,
    BOOL,
    FALSE,
    INT,
    LONG,
    NOTHING,
    RECORD,
    TRUE,
    UNKNOWN,
    Known,
    Shape,
    either,
    fits,
    of_field,
    of_literal,
)
from contracts_vm.syntax import (
    Bind,
    Call,
    Chain,
    Choice,
    Expr,
    Has,
    Index,
    ListOf,
    Literal,
    Local,
    Logic,
    Macro,
    MapOf,
    Negate,
    Not,
    Path,
    Place,
    Select,
)
from contracts_vm.types import (
    DURATION_MS_MAX,
    INT_MAX,
    INT_MIN,
    TIMESTAMP_MS_MAX,
    TIMESTAMP_MS_MIN,
    read_duration,
    read_timestamp,
)

Report = Callable[[str, str, Place], None]
_ORDERED: Final = ("bool", "int", "string", "bytes", "timestamp", "duration")
_RANGES: Final = {
    "int": (INT_MIN, INT_MAX),
    "timestamp": (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX),
    "duration": (-DURATION_MS_MAX, DURATION_MS_MAX),
}
_TIMES: Final = {
    ("+", "timestamp", "duration"): "timestamp",
    ("+", "duration", "timestamp"): "timestamp",
    ("+", "duration", "duration"): "duration",
    ("-", "timestamp", "duration"): "timestamp",
    ("-", "timestamp", "timestamp"): "duration",
    ("-", "duration", "duration"): "duration",
}
_PARTS: Final = {
    "getFullYear": (1, 9999), "getMonth": (0, 11), "getDate": (1, 31), "getDayOfMonth": (0, 30), "getDayOfWeek": (0, 6),
    "getDayOfYear": (0, 365), "getHours": (0, 23), "getMinutes": (0, 59), "getSeconds": (0, 59),
    "getMilliseconds": (0, 999),
}  # fmt: skip
_TEXT_MAX: Final = {"int": 20, "bool": 5, "timestamp": 30, "duration": 23}
_DAY_MS: Final = 86_400_000


class Inference:
    """The walk through one condition."""

    def __init__(self, schema: Schema, report: Report) -> None:
        self.schema = schema
        self.report = report
        self.fuel = 0
        """The most that what has been walked may cost."""
        self.failures: list[tuple[Place, str]] = []
        self.shapes: dict[int, Shape] = {}
        self.locals: list[Shape] = []

    def expects(self, wanted: str, node: Expr, known: Known, what: str) -> Shape:
        """The shape of an expression that must have a type."""
        found = self.shape(node, known)
        if found.kind not in (wanted, UNKNOWN) and not (wanted == "string" and found.text):
            self.report("TYPE_MISMATCH", f"{what} takes {wanted}, found {found.name}", node)
            return ANY
        return found

    def shape(self, node: Expr, known: Known) -> Shape:
        """The shape of an expression where the guards before it hold."""
        found = self.narrowed(node, self.found(node, known), known)
        self.shapes[id(node)] = found
        return found

    def narrowed(self, node: Expr, found: Shape, known: Known) -> Shape:
        if found.kind != "int":
            return found
        name = name_of(node)
        low, high = known.ranges.get(name, (found.low, found.high))
        low, high = max(low, found.low), min(high, found.high)
        if name in known.nonzero:
            low, high = low + (low == 0), high - (high == 0)
        return Shape("int", low, high)

    def found(self, node: Expr, known: Known) -> Shape:
        match node:
            case Literal():
                return of_literal(node.value)
            case Path():
                return self.path(node, known)
            case Local():
                self.fuel += cost.NAME
                return self.locals[node.slot - 1]
            case Has():
                return self.has(node, known)
            case Not():
                self.fuel += cost.OPERATOR
                inner = self.expects("bool", node.operand, known, "!")
                return Shape("bool", 1 - inner.high, 1 - inner.low) if inner.kind == "bool" else BOOL
            case Negate():
                self.fuel += cost.OPERATOR
                inner = self.expects("int", node.operand, known, "-")
                return self.int_within(-inner.high, -inner.low, node) if inner.kind == "int" else INT
            case Logic():
                return self.logic(node, known)
            case Chain():
                return self.chain(node, known)
            case Choice():
                return self.choice(node, known)
            case _:
                return self.composite(node, known)

    def composite(self, node: Expr, known: Known) -> Shape:
        match node:
            case ListOf():
                self.fuel += cost.LIST + cost.LIST_ITEM * len(node.items)
                item = self.one_type(node.items, known, "a list")
                return Shape("list", short=len(node.items), size=len(node.items), item=item)
            case MapOf():
                return self.map_of(node, known)
            case Select():
                self.fuel += cost.NAME
                return self.item_of(node, self.shape(node.operand, known), known, f"{node.field} may be absent")
            case Index():
                return self.index(node, known)
            case Macro():
                return self.macro(node, known)
            case Bind():
                self.fuel += cost.OPERATOR
                value = self.shape(node.value, known)
                return self.inside(node.variable, value, node.body, known)
            case Call():
                return self.call(node, known)
            case _:
                return ANY

    # -- fields

    def path(self, node: Path, known: Known) -> Shape:
        self.fuel += cost.NAME * len(node.names)
        if len(node.names) == 1 and node.names[0] in self.schema.roots:
            return RECORD
        field = self.field(node)
        if field is None:
            return ANY
        if field.optional and node.text not in known.there:
            message = f"{node.text} is optional; write has({node.text}) && ... or !has({node.text}) || ... around it"
            self.report("OPTIONAL_UNGUARDED", message, node)
        if field.type == "payees":
            self.report("TYPE_MISMATCH", f'{node.text} is a list of payees, which only "pay ... to" reads', node)
            return ANY
        found = of_field(field)
        low, high = _RANGES.get(found.kind, (found.low, found.high))
        return Shape(found.kind, max(low, found.low), min(high, found.high), found.short, found.size, found.item)

    def field(self, node: Path) -> Field | None:
        """The field that a path names; reports a root or a field that is not there."""
        fields = self.schema.roots.get(node.names[0])
        if fields is None:
            hint = nearest(node.names[0], sorted(self.schema.roots))
            self.report("ROOT_UNKNOWN", f"{self.schema.id} has no {node.names[0]}{hint}", node)
            return None
        found = fields.get(node.names[1]) if len(node.names) == 2 else None
        if found is None:
            hint = nearest(node.names[1], sorted(fields)) if len(node.names) == 2 else ""
            self.report("FIELD_UNKNOWN", f"{self.schema.id} has no {node.text}{hint}", node)
        return found

    def has(self, node: Has, known: Known) -> Shape:
        if isinstance(node.path, Path):
            self.fuel += cost.NAME * len(node.path.names)
            field = self.field(node.path)
            return BOOL if field is None or field.optional else TRUE
        self.fuel += cost.NAME
        holder = self.shape(node.path.operand, known)
        if holder.kind not in ("map", UNKNOWN):
            self.report("TYPE_MISMATCH", f"has takes a field of a map, found {holder.name}", node.path)
        return BOOL

    # -- operators

    def logic(self, node: Logic, known: Known) -> Shape:
        self.fuel += cost.OPERATOR * (len(node.operands) - 1)
        found = []
        for operand in node.operands:
            found.append(self.expects("bool", operand, known, node.operator))
            known = known.both(sure(operand, node.operator == "&&", self.shapes))
        pick = min if node.operator == "&&" else max
        known_all = all(shape.kind == "bool" for shape in found)
        return Shape("bool", pick(s.low for s in found), pick(s.high for s in found)) if known_all else BOOL

    def choice(self, node: Choice, known: Known) -> Shape:
        self.fuel += cost.OPERATOR
        self.expects("bool", node.test, known, "?:")
        before = self.fuel
        yes = self.shape(node.yes, known.both(sure(node.test, True, self.shapes)))
        after, self.fuel = self.fuel, before
        no = self.shape(node.no, known.both(sure(node.test, False, self.shapes)))
        self.fuel = max(after, self.fuel)
        if not fits(yes, no):
            self.report("TYPE_MISMATCH", f"?: has {yes.name} on one side and {no.name} on the other", node)
            return ANY
        return either(yes, no)

    def one_type(self, items: tuple[Expr, ...], known: Known, what: str) -> Shape | None:
        inner: Shape | None = None
        for item in items:
            found = self.shape(item, known)
            if inner is not None and not fits(found, inner):
                self.report("TYPE_MISMATCH", f"{what} holds one type; found {found.name} among {inner.name}", item)
                found = ANY
            inner = found if inner is None else either(inner, found)
        return inner

    def map_of(self, node: MapOf, known: Known) -> Shape:
        size = len(node.entries)
        self.fuel += cost.MAP + cost.MAP_ENTRY * size
        key = self.one_type(tuple(key for key, _ in node.entries), known, "a map")
        item = self.one_type(tuple(value for _, value in node.entries), known, "a map")
        if key is not None and key.kind not in ("bool", "int", UNKNOWN) and not key.text:
            self.report("TYPE_MISMATCH", f"a key is a bool, an int or a text, found {key.name}", node)
        keys = {key.value for key, _ in node.entries if isinstance(key, Literal)}
        if len(keys) < size and size > 1:
            self.failures.append((node, "a key may stand twice"))
        return Shape("map", short=size, size=size, item=item, key=key)

    def chain(self, node: Chain, known: Known) -> Shape:
        left = self.shape(node.first, known)
        for operator, operand in node.rest:
            right = self.shape(operand, known)
            left = self.applied(operator, left, right, operand)
            if operator in ("/", "%"):
                self.divisor(right, operand, known)
        return left

    def divisor(self, right: Shape, operand: Expr, known: Known) -> None:
        if right.kind == "int" and right.low <= 0 <= right.high and name_of(operand) not in known.nonzero:
            self.failures.append((operand, "this may be zero"))

    def applied(self, operator: str, left: Shape, right: Shape, place: Place) -> Shape:
        """The shape of `left operator right`; reports operands that do not go together."""
        self.fuel += cost.OPERATOR
        if UNKNOWN in (left.kind, right.kind):
            return BOOL if operator in ("==", "!=", "in", "<", "<=", ">", ">=") else ANY
        result: Shape | None
        if operator in ("==", "!="):
            result = self.compared(operator, left, right) if fits(left, right) and left.kind != "record" else None
        elif operator == "in":
            result = self.member(left, right)
        elif operator in ("<", "<=", ">", ">="):
            ordered = left.kind in _ORDERED or left.text
            result = self.compared(operator, left, right) if fits(left, right) and ordered else None
        else:
            result = self.computed(operator, left, right, place)
        if result is None:
            self.report("TYPE_MISMATCH", f"{operator} does not take {left.name} and {right.name}", place)
            return BOOL if operator in ("==", "!=", "in", "<", "<=", ">", ">=") else ANY
        return result

    def compared(self, operator: str, left: Shape, right: Shape) -> Shape:
        shorter = min(left.weight, right.weight)
        self.fuel += shorter if left.kind in ("list", "map") else shorter // cost.COMPARE_UNIT
        if left.kind != "int":
            return BOOL
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
        return TRUE if always else FALSE if never else BOOL

    def member(self, left: Shape, right: Shape) -> Shape | None:
        inside = {"list": right.item, "map": right.key}.get(right.kind)
        if right.kind not in ("list", "map") or (inside is not None and not fits(left, inside)):
            return None
        if right.kind == "list":
            each = 0 if left.text or inside is None else min(left.weight, inside.weight)
            self.fuel += right.size * (cost.MEMBER_ITEM + each)
        return FALSE if right.size == 0 else BOOL

    def computed(self, operator: str, left: Shape, right: Shape, place: Place) -> Shape | None:
        if left.kind == right.kind == "int":
            return self.int_within(*_interval(operator, left, right), place)
        times = _TIMES.get((operator, left.kind, right.kind))
        if times is not None:
            low, high = _interval(operator, left, right)
            least, most = _RANGES[times]
            if low - 1 < least or high + 1 > most:
                self.failures.append((place, f"the result may leave the range of a {times}"))
            return Shape(times, max(low - 1, least), min(high + 1, most))
        joined = left.kind == right.kind and left.kind in ("string", "bytes", "list") and fits(left, right)
        if operator != "+" or not joined:
            return None
        self.fuel += (left.size + right.size) // cost.CONCAT_UNIT
        item = either(left.item, right.item) if left.item and right.item else left.item or right.item
        return Shape(left.kind, short=left.short + right.short, size=left.size + right.size, item=item)

    def int_within(self, low: int, high: int, place: Place) -> Shape:
        if low < INT_MIN or high > INT_MAX:
            self.failures.append((place, "the result may leave 64 bits"))
        return Shape("int", max(low, INT_MIN), min(high, INT_MAX))

    # -- lists and maps

    def index(self, node: Index, known: Known) -> Shape:
        self.fuel += cost.OPERATOR
        holder = self.shape(node.operand, known)
        if holder.kind == "map":
            at = self.shape(node.index, known)
            if holder.key is not None and not fits(at, holder.key):
                self.report("TYPE_MISMATCH", f"the map has keys of type {holder.key.name}, found {at.name}", node.index)
            return self.item_of(node, holder, known, "the map may lack this key")
        if holder.kind not in ("list", UNKNOWN):
            self.report("TYPE_MISMATCH", f"[] takes a list or a map, found {holder.name}", node.operand)
        at = self.expects("int", node.index, known, "an index")
        name = f"size({name_of(node.operand)})"
        least = max(holder.short, known.ranges.get(name, (0, 0))[0], int(name in known.nonzero))
        if holder.kind == "list" and at.kind == "int" and not 0 <= at.low <= at.high < least:
            self.failures.append((node.index, "the list may have no item there"))
        return holder.item or ANY

    def item_of(self, node: Select | Index, holder: Shape, known: Known, failure: str) -> Shape:
        if holder.kind not in ("map", UNKNOWN):
            self.report("TYPE_MISMATCH", f"expected a map, found {holder.name}", node.operand)
            return ANY
        inside = f"{name_of(node.index)} in {name_of(node.operand)}" if isinstance(node, Index) else ""
        if name_of(node) not in known.there and inside not in known.there:
            self.failures.append((node, failure))
        return holder.item or ANY

    def macro(self, node: Macro, known: Known) -> Shape:
        source = self.shape(node.source, known)
        if source.kind not in ("list", "map", UNKNOWN):
            self.report("TYPE_MISMATCH", f"{node.kind} takes a list or a map, found {source.name}", node.source)
            source = ANY
        item = (source.key if source.kind == "map" else source.item) or ANY
        before, self.fuel = self.fuel, 0
        if node.test is not None:
            self.bool_inside(node, item, node.test, known)
        if node.kind == "map":
            made = self.inside(node.variable, item, node.body, known)
        else:
            made = self.bool_inside(node, item, node.body, known)
        each = cost.FOLD_ITEM + self.fuel + (source.kind == "map")
        self.fuel = before + source.size * each
        if node.kind == "map":
            return Shape("list", short=0 if node.test else source.short, size=source.size, item=made)
        return Shape("list", size=source.size, item=item) if node.kind == "filter" else BOOL

    def bool_inside(self, node: Macro, item: Shape, body: Expr, known: Known) -> Shape:
        found = self.inside(node.variable, item, body, known)
        if found.kind not in ("bool", UNKNOWN):
            self.report("TYPE_MISMATCH", f"{node.kind} takes bool, found {found.name}", body)
        return found

    def inside(self, variable: Local, item: Shape, body: Expr, known: Known) -> Shape:
        """The shape of what stands inside a macro; what is known of an earlier variable of that place is forgotten."""
        mark = f"#{variable.slot}#"
        known = Known(
            frozenset(name for name in known.there if mark not in name),
            {name: limits for name, limits in known.ranges.items() if mark not in name},
            frozenset(name for name in known.nonzero if mark not in name),
        )
        self.locals.append(item)
        found = self.shape(body, known)
        self.locals.pop()
        return found

    # -- functions

    def call(self, node: Call, known: Known) -> Shape:
        if node.function in ("contains", "startsWith", "endsWith"):
            text, sought = [self.expects("string", one, known, node.function) for one in node.arguments]
            self.fuel += search_cost(node.function, text.size, sought.size)
            return BOOL
        self.fuel += cost.OPERATOR
        first = self.shape(node.arguments[0], known)
        if node.function == "size":
            if first.kind not in (UNKNOWN, "list", "map", "bytes") and not first.text:
                self.report("TYPE_MISMATCH", f"size takes text, a list or a map, found {first.name}", node.arguments[0])
            return Shape("int", first.short, max(first.short, first.size))
        if node.function.startswith("get"):
            return self.part(node, first, known)
        if node.function.startswith("math."):
            return self.extreme(node, first, known)
        return self.conversion(node, first)

    def conversion(self, node: Call, first: Shape) -> Shape:
        name, argument = node.function, node.arguments[0]
        kind = "string" if first.text else first.kind
        if kind == UNKNOWN:
            return Shape(name, size=LONG)
        if kind not in CONVERSIONS[name]:
            wanted = ", ".join(one for one in CONVERSIONS[name] if one != "uint")
            self.report("TYPE_MISMATCH", f"{name} takes {wanted}, found {first.name}", argument)
            return Shape(name, size=LONG)
        self.fuel += first.size // cost.READ_UNIT
        if name in ("timestamp", "duration"):
            return self.time(name, kind, first, argument)
        if name == "string" and kind != "bytes":
            return Shape("string", size=_TEXT_MAX.get(kind, first.size))
        if name == "bytes":
            return Shape("bytes", short=first.short, size=first.size * (4 if kind == "string" else 1))
        if kind != name and kind != "timestamp":
            self.failures.append((argument, f"this may have no equal as {name}"))
        low, high = (first.low, first.high) if kind == name else (INT_MIN, INT_MAX)
        return BOOL if name == "bool" else Shape(name, low, high, size=first.size)

    def time(self, name: str, kind: str, first: Shape, argument: Expr) -> Shape:
        low, high = _RANGES[name]
        if kind == name:
            return first
        if isinstance(argument, Literal) and isinstance(argument.value, str):
            read = read_timestamp if name == "timestamp" else read_duration
            found = read(argument.value)
            if found is None:
                self.report("LITERAL_INVALID", f"this is not a {name}", argument)
                return Shape(name, low, high)
            return Shape(name, found.ms, found.ms + (found.ns > 0))
        if kind == "int" and low <= first.low * 1000 and first.high * 1000 <= high:
            return Shape(name, first.low * 1000, first.high * 1000)
        self.failures.append((argument, f"this may be no {name}"))
        return Shape(name, low, high)

    def part(self, node: Call, first: Shape, known: Known) -> Shape:
        span = first.kind == "duration" and node.function in SPAN_PARTS and len(node.arguments) == 1
        if not span and first.kind not in ("timestamp", UNKNOWN):
            self.report("TYPE_MISMATCH", f"{node.function} does not take {first.name}", node.arguments[0])
        for zone in node.arguments[1:]:
            self.expects("string", zone, known, node.function)
            if not isinstance(zone, Literal):
                self.failures.append((zone, "this may be no zone"))
            elif isinstance(zone.value, str) and not _is_zone(zone.value):
                self.report("LITERAL_INVALID", "a zone is UTC or a fixed offset such as +01:00", zone)
            low, high = _RANGES["timestamp"]
            if first.low < low + _DAY_MS or first.high > high - _DAY_MS:
                self.failures.append((node, "in that zone the time may be outside the years 1 to 9999"))
        return INT if span else Shape("int", *_PARTS[node.function])

    def extreme(self, node: Call, first: Shape, known: Known) -> Shape:
        found = [first, *(self.shape(one, known) for one in node.arguments[1:])]
        if len(found) == 1 and first.kind == "list":
            self.fuel += first.size
            if first.short == 0:
                self.failures.append((node, "the list may be empty"))
            found = [first.item or ANY]
        self.fuel += cost.OPERATOR * (len(found) - 1)
        for shape, argument in zip(found, node.arguments, strict=True):
            if shape.kind not in ("int", UNKNOWN):
                self.report("TYPE_MISMATCH", f"{node.function} takes int, found {shape.name}", argument)
                return INT
        pick = max if node.function == "math.greatest" else min
        return Shape("int", pick(shape.low for shape in found), pick(shape.high for shape in found))


def _is_zone(text: str) -> bool:
    try:
        zone_minutes(text)
    except Fault:
        return False
    return True


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
            positive = a.low >= 0 and b.low >= 0
            safe = a.low > INT_MIN or b.low > -1 or b.high < -1
            return (0, a.high) if positive else (max(-most, INT_MIN), min(most, INT_MAX) if safe else most)
        case _:
            most = max(abs(b.low), abs(b.high), 1) - 1
            if a.low == INT_MIN and b.low <= -1 <= b.high:
                return INT_MIN - 1, INT_MAX
            return (0 if a.low >= 0 else -most), (0 if a.high <= 0 else most)


def inferred(schema: Schema, node: Expr, report: Report, what: str) -> tuple[Shape, Inference]:
    """The shape of a condition, and the walk that found it."""
    walk = Inference(schema, report)
    return walk.expects("bool", node, NOTHING, what), walk
