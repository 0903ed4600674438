"""What a command works with: which node it talks to, as whom, and how it prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
import msgspec

from ledger.encoding import NOT_DECODED
from ledger.receipt import Receipt
from node.cli.printing import in_lines, json_text
from remarque.client import Client
from remarque.errors import NodeCode, Pending, RemarqueError
from remarque.keys.files import load_key
from remarque.requesting import node_address


class Unprinted(Exception):
    """Standard output takes no more. What the command did stays done."""


class Target:
    """Which node a command talks to, as whom, and how it prints."""

    def __init__(self, urls: tuple[str, ...], account: str | None, key: Path | None, as_json: bool) -> None:
        try:
            self.urls = [node_address(url) for url in urls]
        except RemarqueError as error:
            raise click.UsageError(error.detail) from None
        self.account = account
        self.key = key
        self.as_json = as_json
        self._clients: list[Client] = []

    @property
    def signer(self) -> str:
        """The account that a command is about unless it names another."""
        if self.account is None:
            raise click.UsageError("say whose: name an account, or give --account")
        return self.account

    def client(self) -> Client:
        """A client as the chosen account."""
        made = Client(self.urls, self.account, None if self.key is None else load_key(self.key))
        self._clients.append(made)
        return made

    def pending(self) -> Pending | None:
        """What the command has sent to be committed and nothing says yet what became of, if it is interrupted now."""
        unsettled = [signed for client in self._clients for signed in client.unsettled]
        return Pending(tuple(unsettled), "the command was interrupted") if unsettled else None

    def done(self, receipt: Receipt, text: str) -> None:
        """Print what a committed transaction did, and where it stands."""
        self.show(receipt, f"{text}\ntransaction {receipt.signed.id}, block {receipt.header.height}")

    def show(self, value: Any, text: str | None = None) -> None:
        """Print a value: as JSON if asked for, else as text, in which others' words are `in_line` by now."""
        self._print(json_text(value) if self.as_json or text is None else in_lines(text))

    def give(self, answer: bytes) -> None:
        """Print a node's answer: JSON laid out, and anything else byte by byte, but to no terminal and not as JSON."""
        try:
            self.show(msgspec.json.decode(answer))
        except NOT_DECODED:
            if self.as_json or sys.stdout.isatty():
                detail = (
                    f"it is {len(answer)} bytes that are no JSON; leave --json out, and write them to a file by > FILE"
                )
                raise RemarqueError(NodeCode.ANSWER_UNREADABLE.name, detail) from None
            self._print(answer)

    def _print(self, said: str | bytes) -> None:
        try:
            click.echo(said, nl=isinstance(said, str))
            sys.stdout.flush()
        except OSError as error:
            raise Unprinted(f"{error.strerror}: the answer is not printed, and what was asked may be done") from None


def with_target(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the target as its first argument."""

    @click.pass_obj
    def wrapper(target: Target, *arguments: Any, **named: Any) -> Any:
        return function(target, *arguments, **named)

    return update_wrapper(wrapper, function)
