"""What others say stays in its line of a command's output, and a terminal obeys nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import inspect

from ledger.records import Account, Asset, Collection, Currency
from node.cli.main import cli
from node.cli.printing import in_line, in_lines, json_text
from node.cli.target import Target
from remarque.api.assets import HistoryRow
from remarque.api.chain import Status
from remarque.api.explanations import Explanation
from remarque.api.generation import DONE, Generation, OpenedSettings
from remarque.api.governance import ProposalView
from remarque.api.market import TokenView
from remarque.api.past import StateAt
from remarque.api.transactions import TransactionView
from remarque.api.verification import Verification
from remarque.errors import RemarqueError

FORGED = "seed: 4711"
HOSTILE = f"x\n{FORGED}\r{FORGED}\u2028{FORGED}\x85\x1b[2J\x9b31m\u202e\u2066\x00"
TOKEN = "ab" * 32


def said_by_others(kind: Any) -> Any:
    """A value of a kind, in which every text is hostile and nothing is left out."""
    return _said(inspect.type_info(kind))


def _said(kind: Any) -> Any:
    if isinstance(kind, inspect.StructType):
        return kind.cls(**{one.name: _said(one.type) for one in kind.fields})
    if isinstance(kind, inspect.UnionType):
        empty = (inspect.NoneType, inspect.UnionType)
        return _said(next(one for one in kind.types if not isinstance(one, empty) and "Unset" not in str(one)))
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return (_said(kind.item_type),) * 2
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    plain = {inspect.IntType: 1, inspect.BoolType: True, inspect.DictType: {}, inspect.RawType: msgspec.Raw(b"{}")}
    return plain.get(type(kind), HOSTILE)


class Saying:
    """A client whose node answers each method with one value, or refuses."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def __enter__(self) -> Saying:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        def answered(*_: object, **__: object) -> Any:
            found = self._answers[name]
            if isinstance(found, Exception):
                raise found
            return found

        return answered


def whole(generation: Generation) -> Generation:
    return msgspec.structs.replace(generation, state=DONE, pictures=())


COMMANDS: dict[str, dict[str, Any]] = {
    "openings show a": {"openings": said_by_others(OpenedSettings)},
    "verify https://a": {"verify_at": said_by_others(Verification)},
    "history a": {"history": [said_by_others(HistoryRow)]},
    "governance show a": {"proposal": said_by_others(ProposalView)},
    "status": {"status": said_by_others(Status)},
    "state at a --height 1": {"state_at": said_by_others(StateAt)},
    "policy ask a view b": {"evaluate": SimpleNamespace(explanation=said_by_others(Explanation))},
    "policy explain a": {"transaction": said_by_others(TransactionView)},
    "generate p": {"generate": "g", "progress": [whole(said_by_others(Generation))]},
    "asset list --all": {"assets": [said_by_others(Asset)]},
    "token show a": {"token": said_by_others(TokenView), "currency": said_by_others(Currency)},
    "account show a": {"account_record": said_by_others(Account)},
    "collection show a": {"collection": said_by_others(Collection), "collection_assets": [HOSTILE]},
    "currency list": {"currencies": [said_by_others(Currency)]},
    "show a": {"asset": RemarqueError("POLICY_DENIED", HOSTILE)},
    "fetch a --out file": {"released": RemarqueError("MANIFEST_MISSING", HOSTILE), "picture": b""},
}


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_that_others_say_makes_a_line_or_reaches_the_terminal(
    words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Target, "client", lambda _: Saying(COMMANDS[words]))

    done = CliRunner().invoke(cli, words.split())

    lines = done.output.removeprefix("\r").split("\n")
    assert FORGED in done.output, done.exception
    assert [line for line in lines if not line.replace("\r", "").isprintable()] == []
    assert [line for line in lines if line.startswith(FORGED)] == []


def test_what_does_not_print_is_escaped_as_repr_does() -> None:
    every = [chr(code) for code in (*range(0x250), *range(0x2000, 0x2100), 0xFFF9, 0xE0001, 0x1F6A2)]

    assert [in_line(one) for one in every if not one.isprintable()] == [
        repr(one)[1:-1] for one in every if not one.isprintable()
    ]
    assert in_line("".join(one for one in every if one.isprintable())) == "".join(filter(str.isprintable, every))
    assert in_lines("a\n\tb\x1b\n") == "a\n\tb\\x1b\n"


def test_json_says_the_same_and_prints() -> None:
    value = {"said": HOSTILE + "é\U000e0001"}

    laid_out, short = json_text(value), json_text(value, indent=0)

    assert json.loads(laid_out) == json.loads(short) == value
    assert short.isprintable()
    assert all(line.isprintable() for line in laid_out.split("\n"))
    assert "é" in short
