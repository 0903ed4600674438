"""What `function_shapes`, which looks at calls, needs of `inference`, which walks through the whole condition."""

from collections.abc import Callable
from typing import Protocol

from contracts_vm.shapes import Known, Shape
from contracts_vm.syntax import Expr, SourceSpan

ReportProblem = Callable[[str, str, SourceSpan], None]
"""Takes a code of `errors.CHECK_CODES`, a message and the place."""


class Walk(Protocol):
    """What is added up on the way, and how to go on into the arguments."""

    report: ReportProblem
    fuel: int
    """The most that what has been walked may cost."""
    failures: list[tuple[SourceSpan, str]]
    """Where some facts would leave no value, and why."""

    def shape(self, node: Expr, known: Known) -> Shape:
        """The shape of an expression where the guards before it hold."""

    def expects(self, wanted: str, node: Expr, known: Known, what: str) -> Shape:
        """The shape of an expression that must have a type."""

    def mismatch(self, message: str, place: SourceSpan) -> None:
        """Report types that do not go together."""
