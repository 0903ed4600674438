"""The one error of consensus: a bug of ours. All else that can go wrong is a message or an input."""

from __future__ import annotations


class ConsensusBroken(BaseException):
    """A bug of consensus. Let it pass: the process must end."""


def ensure(condition: object, statement: str) -> None:
    """Stop if what must always hold does not; unlike `assert`, also under `python -O`."""
    if not condition:
        raise ConsensusBroken(statement)
