"""What a command's exit status says; docs/command_line.md lists them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit statuses other than 0."""

    meaning: str

    def __new__(cls, status: int, meaning: str) -> Exit:
        made = int.__new__(cls, status)
        made._value_ = status
        made.meaning = meaning
        return made

    FOUND_FALSE = (1, "what was to be checked was checked, and does not hold")
    USAGE = (2, "the command is not given as its `--help` says; nothing was done")
    PENDING = (3, "a transaction was sent, and nobody has said yet what became of it; it is kept in a file")
    UNREACHED = (4, "no node answers; nothing was done")
    REFUSED = (5, "refused by a node, by the chain, or because a file cannot be used; `code` says why")
    UNPRINTED = (6, "the answer could not be printed; what the command was to do may be done")
    INTERRUPTED = (130, "interrupted; nothing was sent that may still be committed")
