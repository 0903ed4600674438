"""One way to write a policy: only spaces and line breaks change, never a lexeme or a comment.

Every declaration and clause begins on its own line, indented by two for each block it is in; where its author broke it,
it goes on with two more. At most one empty line stands between two others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from contracts_vm import parse
from contracts_vm.lexer import decode, lexemes

_COMMENT = re.compile(r"//[^\n]*|\n")
_WORDS = frozenset(
    ("when", "in", "reason", "as", "on", "to", "by", "permit", "forbid", "require", "pay", "base", "cap", "floor")
)
_BLOCKS = frozenset({"policy", "royalty"})


class _Item(NamedTuple):
    text: str
    kind: str
    """The kind of a lexeme, or `comment`."""
    breaks: int
    """Line breaks before it in the source, at most two."""

    def is_op(self, *texts: str) -> bool:
        return self.kind == "op" and self.text in texts


def formatted(source: str) -> str:
    """A policy's source, laid out. PolicyError if it is none."""
    parse(source)
    lines: list[str] = []
    blocks = 0
    for statement in _statements(_items(decode(source))):
        first = statement[0]
        if first.kind == "comment" and not first.breaks and lines:
            lines[-1] += f" {first.text}"
            continue
        blocks -= first.is_op("}")
        if first.breaks == 2 and lines and not first.is_op("}"):
            lines.append("")
        for number, line in enumerate(_broken(statement)):
            lines.append(" " * (2 * blocks + 2 * (number > 0)) + _spaced(line))
        blocks += statement[-1].is_op("{")
    return "\n".join(lines) + "\n"


def one_line(text: str) -> str:
    """A part of a policy on one line, without its comments."""
    return _spaced([item for item in _items(text) if item.kind != "comment"])


def _items(text: str) -> Iterator[_Item]:
    """Lexemes and comments, in order."""
    offset = 0
    for lexeme in lexemes(text):
        breaks = 0
        for part in _COMMENT.findall(text[offset : lexeme.start]):
            if part == "\n":
                breaks = min(breaks + 1, 2)
            else:
                yield _Item(part.rstrip(), "comment", breaks)
                breaks = 0
        if lexeme.kind != "end":
            yield _Item(text[lexeme.start : lexeme.end], lexeme.kind, breaks)
        offset = lexeme.end


def _statements(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    """What stands on lines of its own: the head of a block, its end, a rule, a clause, a comment between them."""
    statement: list[_Item] = []
    within = 0
    for item in items:
        statement.append(item)
        opens = item.is_op("{") and statement[0].text in _BLOCKS
        alone = item.kind == "comment" and len(statement) == 1
        if within == 0 and (alone or opens or item.is_op(";", "}")):
            yield statement
            statement = []
        else:
            within += item.is_op("(", "[", "{") - item.is_op(")", "]", "}")


def _broken(statement: list[_Item]) -> Iterator[list[_Item]]:
    """A statement's lines: as its author broke them, and after each comment."""
    line: list[_Item] = []
    for item in statement:
        if line and (item.breaks or line[-1].kind == "comment"):
            yield line
            line = []
        line.append(item)
    yield line


def _spaced(line: list[_Item]) -> str:
    return "".join(item.text if place == 0 else _between(line, place) + item.text for place, item in enumerate(line))


def _between(line: list[_Item], place: int) -> str:
    before, item = line[place - 1], line[place]
    called = before.kind == "name" and before.text not in _WORDS
    glued = (
        item.is_op(",", ";", ")", "]", ".", "@")
        or before.is_op("(", "[", ".", "@")
        or _is_unary(line, place - 1)
        or (item.is_op("(") and called)
        or (item.is_op("[") and (called or before.is_op(")", "]")))
        or (item.is_op("%") and line[0].text in ("pay", "cap"))
    )
    return "" if glued else " "


def _is_unary(line: list[_Item], place: int) -> bool:
    """Whether a `!` or `-` belongs to what follows it alone."""
    if not line[place].is_op("!", "-"):
        return False
    before = line[place - 1] if place else None
    return before is None or before.text in _WORDS or (before.kind == "op" and not before.is_op(")", "]", "}"))
