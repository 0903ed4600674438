"""Text files of steps: directives, one a line; a line `----`; what they must give; a blank line. `#` begins a comment.

The recorded cases of etcd-io/raft have this form too.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

RULE = "----"


class Step(msgspec.Struct, frozen=True):
    """Directives, and what they must give."""

    directives: tuple[str, ...]
    expected: tuple[str, ...]


def parts(text: str) -> list[str | Step]:
    """The steps of a file, and between them its comments and blank lines as they stand."""
    found: list[str | Step] = []
    directives: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.strip() == RULE:
            expected = []
            end: str | None = None
            for given in lines:
                if not given.strip():
                    end = given
                    break
                expected.append(given)
            found.append(Step(tuple(directives), tuple(expected)))
            found += [] if end is None else [end]
            directives = []
        elif directives or (line.strip() and not line.startswith("#")):
            directives.append(line)
        else:
            found.append(line)
    if directives:
        raise ValueError(f"no {RULE} follows {directives[0]!r}")
    return found


def steps(text: str) -> list[Step]:
    """The steps of a file alone."""
    return [part for part in parts(text) if isinstance(part, Step)]


def performed(text: str, perform: Callable[[str], list[str]]) -> str:
    """The file with what its directives give now."""
    lines: list[str] = []
    for part in parts(text):
        if isinstance(part, Step):
            given = [line for directive in part.directives for line in perform(directive)]
            lines += [*part.directives, RULE, *given]
        else:
            lines.append(part)
    return "\n".join(lines) + "\n"
