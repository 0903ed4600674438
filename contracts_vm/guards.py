"""What a condition makes sure of: which fields are there and in which range numbers lie, once it is true or false."""

from collections.abc import Mapping
from functools import reduce
from typing import Final

from contracts_vm.shapes import NOTHING, Known, Shape
from contracts_vm.syntax import Call, Chain, Expr, Has, Index, Literal, Local, Logic, Not, Path, Select
from contracts_vm.types import INT_MAX, INT_MIN

_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def name_of(node: Expr) -> str:
    """One spelling for what a guard can speak of, however it is written; "" for anything else."""
    match node:
        case Path():
            return node.text
        case Local():
            return f"#{node.slot}#"
        case Literal():
            return repr(node.value)
        case Select() if name_of(node.operand):
            return f"{name_of(node.operand)}.{node.field}"
        case Index() if name_of(node.operand) and name_of(node.index):
            return f"{name_of(node.operand)}[{name_of(node.index)}]"
        case Call() if node.function == "size" and name_of(node.arguments[0]):
            return f"size({name_of(node.arguments[0])})"
        case _:
            return ""


def sure(node: Expr, value: bool, shapes: Mapping[int, Shape]) -> Known:
    """What certainly holds when an expression has the given value."""
    match node:
        case Has():
            return Known(frozenset((name_of(node.path),))) if value else NOTHING
        case Not():
            return sure(node.operand, not value, shapes)
        case Logic():
            found = [sure(operand, value, shapes) for operand in node.operands]
            joined = Known.both if value is (node.operator == "&&") else Known.common
            return reduce(joined, found)
        case Chain() if len(node.rest) == 1:
            ((operator, right),) = node.rest
            return _compared(node.first, operator, right, value, shapes)
        case _:
            return NOTHING


def _compared(left: Expr, operator: str, right: Expr, value: bool, shapes: Mapping[int, Shape]) -> Known:
    if operator == "in":
        named = name_of(left) and name_of(right)
        return Known(frozenset((f"{name_of(left)} in {name_of(right)}",))) if value and named else NOTHING
    if operator not in _OPPOSITE:
        return NOTHING
    operator = operator if value else _OPPOSITE[operator]
    a, b = shapes.get(id(left)), shapes.get(id(right))
    if a is None or b is None or a.kind != "int" or b.kind != "int":
        return NOTHING
    return _limited(left, operator, b).both(_limited(right, _MIRRORED[operator], a))


def _limited(node: Expr, operator: str, other: Shape) -> Known:
    """What `node operator other` says of node."""
    name = name_of(node)
    if not name or isinstance(node, Literal):
        return NOTHING
    if operator == "!=":
        return Known(nonzero=frozenset((name,))) if other.low == other.high == 0 else NOTHING
    limits = {
        "<": (INT_MIN, other.high - 1),
        "<=": (INT_MIN, other.high),
        ">": (other.low + 1, INT_MAX),
        ">=": (other.low, INT_MAX),
        "==": (other.low, other.high),
    }
    return Known(ranges={name: limits[operator]})
