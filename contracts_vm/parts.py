"""The parts of a condition, each ready to be evaluated by itself, for an explanation to show.

They are compiled when a rule is first explained, and kept with it.
"""

from collections.abc import Iterator

from contracts_vm.evaluate import Run, compile_expression
from contracts_vm.syntax import Choice, Expr, FieldPath, Has, Literal, Logic, Not, children

RulePart = tuple[str, Run]
"""A part as its author wrote it, and the closure that computes it."""


def parts_of(source: str, condition: Expr) -> tuple[RulePart, ...]:
    """The parts of a condition in the order of the source; one that is written twice, once."""
    found: dict[str, Expr] = {}
    for part in _parts(condition):
        found.setdefault(source[part.start : part.end], part)
    return tuple((text, compile_expression(part)) for text, part in found.items())


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
        if isinstance(inner, FieldPath) or (isinstance(inner, Has) and isinstance(inner.path, FieldPath)):
            yield inner
        else:
            waiting += reversed(children(inner))
