"""What a condition makes sure of: which fields are there and in which range numbers lie, once it is true or false."""

from functools import reduce
from typing import Final

from contracts_vm.shapes import NOTHING, Known, Shape
from contracts_vm.syntax import Call, Expr, FieldPath, Has, Index, Literal, Local, Logic, Not, OperatorChain, Select
from contracts_vm.types import INT_MAX, INT_MIN

_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def name_of(node: Expr) -> str:
    """One spelling for what a guard can speak of, however it is written; "" for anything else."""
    match node:
        case FieldPath():
            return node.text
        case Local():
            return f"#{node.slot}#"
        case Literal():
            return repr(node.value)
        case Select():
            holder = name_of(node.operand)
            return f"{holder}.{node.field}" if holder else ""
        case Index():
            holder, at = name_of(node.operand), name_of(node.index)
            return f"{holder}[{at}]" if holder and at else ""
        case Call() if node.function == "size":
            measured = name_of(node.arguments[0])
            return f"size({measured})" if measured else ""
        case _:
            return ""


class Guards:
    """What the conditions of one rule make sure of. Each is looked into once, however often it is asked for."""

    def __init__(self) -> None:
        self.shapes: dict[int, Shape] = {}
        """What is known of the expressions walked so far, by their identity."""
        self.found: dict[tuple[int, bool], Known] = {}

    def sure(self, node: Expr, value: bool) -> Known:
        """What certainly holds when an expression has the given value."""
        key = (id(node), value)
        if key not in self.found:
            self.found[key] = self._sure(node, value)
        return self.found[key]

    def _sure(self, node: Expr, value: bool) -> Known:
        match node:
            case Has():
                return Known(frozenset((name_of(node.path),))) if value else NOTHING
            case Not():
                return self.sure(node.operand, not value)
            case Logic():
                found = [self.sure(operand, value) for operand in node.operands]
                return Known.all_of(found) if value is (node.operator == "&&") else reduce(Known.common, found)
            case OperatorChain() if len(node.rest) == 1:
                ((operator, right),) = node.rest
                return self._compared(node.first, operator if value else _OPPOSITE.get(operator, ""), right)
            case _:
                return NOTHING

    def _compared(self, left: Expr, operator: str, right: Expr) -> Known:
        if operator == "in":
            item, holder = name_of(left), name_of(right)
            return Known(frozenset((f"{item} in {holder}",))) if item and holder else NOTHING
        a, b = self.shapes.get(id(left)), self.shapes.get(id(right))
        if operator not in _OPPOSITE or a is None or b is None or a.kind != "int" or b.kind != "int":
            return NOTHING
        return Known.all_of([_limited(left, operator, b), _limited(right, _MIRRORED[operator], a)])


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
