"""What an expression is before it runs: its shape, how it can fail and what it costs at most.

One walk mirrors the evaluator, node by node. It reports what no facts could make right, and collects under `failures`
what some facts would leave without a value. Costs come from the table that the meter reads, with bounds in the place of
sizes; a loop costs its body once for each item that there can be.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from contracts_vm import cost
from contracts_vm.errors import nearest
from contracts_vm.function_shapes import call
from contracts_vm.guards import Guards, name_of
from contracts_vm.operator_shapes import RELATIONS, applied, within
from contracts_vm.schema import Field, Schema
from contracts_vm.shapes import (
    ANY,
    BOOL,
    INT,
    NEVER,
    NOTHING,
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
    Choice,
    Expr,
    FieldPath,
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
    OperatorChain,
    Select,
    SourceSpan,
)
from contracts_vm.walk import ReportProblem


class Inference:
    """The walk through one condition."""

    def __init__(self, schema: Schema, report: ReportProblem) -> None:
        self.schema = schema
        self.report = report
        self.fuel = 0
        """The most that what has been walked may cost."""
        self.failures: list[tuple[SourceSpan, str]] = []
        """Where some facts would leave no value, and why."""
        self.guards = Guards()
        self.locals: list[Shape] = []

    def shape(self, node: Expr, known: Known) -> Shape:
        """The shape of an expression where the guards before it hold."""
        found = _SHAPES[type(node)](self, node, known)
        if found.kind == "int" and known is not NOTHING:
            found = _narrowed(name_of(node), found, known)
        self.guards.shapes[id(node)] = found
        return found

    def expects(self, wanted: str, node: Expr, known: Known, what: str) -> Shape:
        """The shape of an expression that must have a type."""
        found = self.shape(node, known)
        if found.kind not in (wanted, UNKNOWN) and not (wanted == "string" and found.text):
            self.mismatch(f"{what} takes {wanted}, found {found.name}", node)
            return ANY
        return found

    def mismatch(self, message: str, place: SourceSpan) -> None:
        """Report types that do not go together."""
        self.report("TYPE_MISMATCH", message, place)

    def field(self, node: FieldPath) -> Field | None:
        """The field that a path names; reports a root or a field that is not there."""
        root, *rest = node.names
        fields = self.schema.roots.get(root)
        if fields is None:
            hint = nearest(root, sorted(self.schema.roots))
            self.report("ROOT_UNKNOWN", f"{self.schema.id} has no {root}{hint}", node)
            return None
        if not rest:
            self.mismatch(f"{root} is no value, but its fields are, such as {root}.{min(fields, default='...')}", node)
            return None
        found = fields.get(rest[0]) if len(rest) == 1 else None
        if found is None:
            hint = nearest(rest[0], sorted(fields)) if len(rest) == 1 else ""
            self.report("FIELD_UNKNOWN", f"{self.schema.id} has no {node.text}{hint}", node)
        return found

    def inside(self, variable: Local, item: Shape, body: Expr, known: Known) -> Shape:
        """The shape of what stands inside a macro; what is known of an earlier variable of that place is forgotten."""
        self.locals.append(item)
        found = self.shape(body, known.without(f"#{variable.slot}#"))
        self.locals.pop()
        return found


def _narrowed(name: str, found: Shape, known: Known) -> Shape:
    low, high = known.ranges.get(name, (found.low, found.high))
    low, high = max(low, found.low), min(high, found.high)
    if name in known.nonzero:
        low, high = low + (low == 0), high - (high == 0)
    return Shape("int", low, high)


# -- fields


def _path(walk: Inference, node: FieldPath, known: Known) -> Shape:
    walk.fuel += cost.NAME * len(node.names)
    field = walk.field(node)
    if field is None:
        return ANY
    if field.optional and node.text not in known.there:
        message = f"{node.text} is optional; write has({node.text}) && ... or !has({node.text}) || ... around it"
        walk.report("OPTIONAL_UNGUARDED", message, node)
    if field.type == "payees":
        walk.mismatch(f'{node.text} is a list of payees, which only "pay ... to" reads', node)
        return ANY
    return of_field(field)


def _local(walk: Inference, node: Local, known: Known) -> Shape:
    walk.fuel += cost.NAME
    return walk.locals[node.slot - 1]


def _has(walk: Inference, node: Has, known: Known) -> Shape:
    if isinstance(node.path, FieldPath):
        walk.fuel += cost.NAME * len(node.path.names)
        field = walk.field(node.path)
        return BOOL if field is None or field.optional else TRUE
    walk.fuel += cost.NAME
    holder = walk.shape(node.path.operand, known)
    if holder.kind not in ("map", UNKNOWN):
        walk.mismatch(f"has takes a field of a map, found {holder.name}", node.path)
    return BOOL


# -- operators


def _not(walk: Inference, node: Not, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR
    inner = walk.expects("bool", node.operand, known, "!")
    return Shape("bool", 1 - inner.high, 1 - inner.low) if inner.kind == "bool" else BOOL


def _negate(walk: Inference, node: Negate, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR
    inner = walk.expects("int", node.operand, known, "-")
    found = within(-inner.high, -inner.low) if inner.kind == "int" else within(0, 0)._replace(shape=INT)
    if found.failure:
        walk.failures.append((node, found.failure))
    return found.shape


def _logic(walk: Inference, node: Logic, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR * (len(node.operands) - 1)
    goes_on = node.operator == "&&"
    found: list[Shape] = []
    before = node.operands[0]
    for operand in node.operands:
        if found:
            known = Known.all_of([known, walk.guards.sure(before, goes_on)])
        found.append(walk.expects("bool", operand, known, node.operator))
        before = operand
    if any(shape.kind != "bool" for shape in found):
        return BOOL
    pick = min if goes_on else max
    return Shape("bool", pick(shape.low for shape in found), pick(shape.high for shape in found))


def _chain(walk: Inference, node: OperatorChain, known: Known) -> Shape:
    left = walk.shape(node.first, known)
    for operator, operand in node.rest:
        right = walk.shape(operand, known)
        walk.fuel += cost.OPERATOR
        found = applied(operator, left, right)
        if found is None:
            walk.mismatch(f"{operator} does not take {left.name} and {right.name}", operand)
            left = BOOL if operator in RELATIONS else ANY
            continue
        walk.fuel += found.fuel
        if found.failure:
            walk.failures.append((operand, found.failure))
        nonzero = operator not in ("/", "%") or not right.low <= 0 <= right.high or name_of(operand) in known.nonzero
        if right.kind == "int" and not nonzero:
            walk.failures.append((operand, "this may be zero"))
        left = found.shape
    return left


def _choice(walk: Inference, node: Choice, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR
    walk.expects("bool", node.test, known, "?:")
    before = walk.fuel
    yes = walk.shape(node.yes, Known.all_of([known, walk.guards.sure(node.test, True)]))
    after, walk.fuel = walk.fuel, before
    no = walk.shape(node.no, Known.all_of([known, walk.guards.sure(node.test, False)]))
    walk.fuel = max(after, walk.fuel)
    if not fits(yes, no):
        walk.mismatch(f"?: has {yes.name} on one side and {no.name} on the other", node)
        return ANY
    return either(yes, no)


# -- lists and maps


def _list_of(walk: Inference, node: ListOf, known: Known) -> Shape:
    size = len(node.items)
    walk.fuel += cost.LIST + cost.LIST_ITEM * size
    return Shape("list", short=size, size=size, item=_one_type(walk, node.items, known, "a list"))


def _map_of(walk: Inference, node: MapOf, known: Known) -> Shape:
    size = len(node.entries)
    walk.fuel += cost.MAP + cost.MAP_ENTRY * size
    key = _one_type(walk, [key for key, _ in node.entries], known, "a map")
    item = _one_type(walk, [value for _, value in node.entries], known, "a map")
    if key is not None and key.kind not in ("bool", "int", UNKNOWN) and not key.text:
        walk.mismatch(f"a key is a bool, an int or a text, found {key.name}", node)
    keys = {key.value for key, _ in node.entries if isinstance(key, Literal)}
    if len(keys) < size and size > 1:
        walk.failures.append((node, "a key may stand twice"))
    return Shape("map", short=size, size=size, item=item, key=key)


def _one_type(walk: Inference, items: Sequence[Expr], known: Known, what: str) -> Shape | None:
    inner: Shape | None = None
    for item in items:
        found = walk.shape(item, known)
        if inner is not None and not fits(found, inner):
            walk.mismatch(f"{what} holds one type; found {found.name} among {inner.name}", item)
            found = ANY
        inner = found if inner is None else either(inner, found)
    return inner


def _select(walk: Inference, node: Select, known: Known) -> Shape:
    walk.fuel += cost.NAME
    holder = walk.shape(node.operand, known)
    return _item_of(walk, node, holder, known, f"{node.field} may be absent", "")


def _index(walk: Inference, node: Index, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR
    holder = walk.shape(node.operand, known)
    name = name_of(node.operand)
    if holder.kind == "map":
        at = walk.shape(node.index, known)
        if holder.key is not None and not fits(at, holder.key):
            walk.mismatch(f"the map has keys of type {holder.key.name}, found {at.name}", node.index)
        inside = f"{name_of(node.index)} in {name}"
        return _item_of(walk, node, holder, known, "the map may lack this key", inside)
    if holder.kind not in ("list", UNKNOWN):
        walk.mismatch(f"[] takes a list or a map, found {holder.name}", node.operand)
    at = walk.expects("int", node.index, known, "an index")
    size = f"size({name})"
    least = max(holder.short, known.ranges.get(size, (0, 0))[0], int(size in known.nonzero))
    if holder.kind == "list" and at.kind == "int" and not 0 <= at.low <= at.high < least:
        walk.failures.append((node.index, "the list may have no item there"))
    return holder.inside


def _item_of(walk: Inference, node: Select | Index, holder: Shape, known: Known, failure: str, inside: str) -> Shape:
    if holder.kind not in ("map", UNKNOWN):
        walk.mismatch(f"expected a map, found {holder.name}", node.operand)
        return ANY
    if name_of(node) not in known.there and inside not in known.there:
        walk.failures.append((node, failure))
    return holder.inside


# -- macros and bindings


def _bind(walk: Inference, node: Bind, known: Known) -> Shape:
    walk.fuel += cost.OPERATOR
    value = walk.shape(node.value, known)
    return walk.inside(node.variable, value, node.body, known)


def _macro(walk: Inference, node: Macro, known: Known) -> Shape:
    source = walk.shape(node.source, known)
    if source.kind not in ("list", "map", UNKNOWN):
        walk.mismatch(f"{node.kind} takes a list or a map, found {source.name}", node.source)
        source = ANY
    item = source.key or NEVER if source.kind == "map" else source.inside
    before, walk.fuel = walk.fuel, 0
    tests = [part for part in (node.test, None if node.kind == "map" else node.body) if part is not None]
    for test in tests:
        found = walk.inside(node.variable, item, test, known)
        if found.kind not in ("bool", UNKNOWN):
            walk.mismatch(f"{node.kind} takes bool, found {found.name}", test)
    made = walk.inside(node.variable, item, node.body, known) if node.kind == "map" else item
    walk.fuel = before + source.size * (cost.FOLD_ITEM + walk.fuel + (source.kind == "map"))
    if node.kind not in ("map", "filter"):
        return BOOL
    return Shape("list", short=0 if tests else source.short, size=source.size, item=made)


_SHAPES: Final[Mapping[type[SourceSpan], Callable[[Inference, Any, Known], Shape]]] = {
    FieldPath: _path,
    Literal: lambda walk, node, known: of_literal(node.value),
    Local: _local,
    Logic: _logic,
    OperatorChain: _chain,
    Has: _has,
    Not: _not,
    Negate: _negate,
    Call: call,
    Select: _select,
    Index: _index,
    ListOf: _list_of,
    MapOf: _map_of,
    Choice: _choice,
    Macro: _macro,
    Bind: _bind,
}


def inferred(schema: Schema, node: Expr, report: ReportProblem, what: str) -> tuple[Shape, Inference]:
    """The shape of a condition, and the walk that found it."""
    walk = Inference(schema, report)
    return walk.expects("bool", node, NOTHING, what), walk
