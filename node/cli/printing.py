"""Text of others, as a command may print it: in its one line, and with nothing in it that a terminal would obey.

Titles, reasons, prompts, labels and what a node says are anybody's words. A line break in them would make a line that
looks like one of the command's own, a control character would move the cursor or change colours, and a mark of
direction would turn what stands beside it around.
"""

from __future__ import annotations

import msgspec

from ledger.encoding import encode


def in_line(said: object) -> str:
    """What somebody says, for one line: what `str.isprintable` denies is escaped, as Python's `repr` does."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in str(said))


def in_lines(text: str) -> str:
    """A text of several lines of the command's own: each as `in_line`, but for tabs. Others' words go there first."""
    return "".join(one if one in "\n\t" else in_line(one) for one in text)


def json_text(value: object, *, indent: int = 2) -> str:
    """A value in JSON, in one line if `indent` is 0. It is the same value: what does not print is escaped in it."""
    data = encode(value)
    text = (msgspec.json.format(data, indent=indent) if indent else data).decode()
    return "".join(one if one.isprintable() or one == "\n" else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    units = one.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
