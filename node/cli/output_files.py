"""Files that commands write for people: never over another one unasked, and whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from pathlib import Path
from typing import IO, Any

import click

from remarque.errors import NodeCode, NodeError


class OutputFile:
    """A file that a command will write. FILE_EXISTS if there is one of this name, before anything else is done."""

    def __init__(self, path: Path, *, force: bool) -> None:
        self.path = path
        if path.is_file() and not force:
            detail = f"{path} exists and is not overwritten; choose another name, or give --force"
            raise NodeError(NodeCode.FILE_EXISTS, detail)

    def __str__(self) -> str:
        return str(self.path)

    def write(self, data: bytes) -> None:
        """Write it whole."""
        with self.opened() as file:
            file.write(data)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Write it piece by piece. It has its name once all is written; what breaks off leaves nothing behind.

        What is no file, such as /dev/stdout, is written to as it is.
        """
        if self.path.exists() and not self.path.is_file():
            with self.path.open("wb") as file:
                yield file
            return
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            with beside.open("wb") as file:
                yield file
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)


FORCE = click.option("--force", is_flag=True, help="Overwrite the file if it exists.")


def written_to(name: str, *, required: bool = True, what: str = "") -> Callable[[Any], Any]:
    """The option, or the argument, that names a file to write, and `--force` beside it.

    The command is given an `OutputFile`, or None where none is named.
    """
    kind = click.Path(path_type=Path, dir_okay=False)
    parameter = name.lstrip("-")
    if name == parameter:
        named = click.argument(name, type=kind)
    else:
        named = click.option(name, type=kind, required=required, help=what)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*given: Any, force: bool, **named_given: Any) -> Any:
            path = named_given[parameter]
            named_given[parameter] = None if path is None else OutputFile(path, force=force)
            return function(*given, **named_given)

        decorated: Callable[..., Any] = named(FORCE(update_wrapper(wrapper, function)))
        return decorated

    return decorate
