"""What a command works with: which node it talks to, as whom, and how it prints."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
import msgspec

from ledger.encoding import encode
from ledger.receipt import Receipt
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import load_key
from remarque.requesting import node_address


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

    @property
    def signer(self) -> str:
        """The account that a command is about unless it names another."""
        if self.account is None:
            raise click.UsageError("say whose: name an account, or give --account")
        return self.account

    def client(self) -> Client:
        """A client as the chosen account."""
        return Client(self.urls, self.account, None if self.key is None else load_key(self.key))

    def done(self, receipt: Receipt, text: str) -> None:
        """Print what a committed transaction did, and where it stands."""
        self.show(receipt, f"{text}\ntransaction {receipt.signed.id}, block {receipt.header.height}")

    def show(self, value: Any, text: str | None = None) -> None:
        """Print a value: as JSON if asked for, else as text."""
        if self.as_json or text is None:
            click.echo(msgspec.json.format(encode(value), indent=2).decode())
        else:
            click.echo(text)


def with_target(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the target as its first argument."""

    @click.pass_obj
    def wrapper(target: Target, *arguments: Any, **named: Any) -> Any:
        return function(target, *arguments, **named)

    return update_wrapper(wrapper, function)
