"""Files that commands write: never over another one unasked, and whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger.crypto import SigningKey
from node.cli.exits import Exit
from node.cli.main import cli
from node.cli.output_files import OutputFile
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import save_key

KEY = SigningKey(b"\x01" * 32)


def signing(tmp_path: Path, *more: str) -> list[str]:
    save_key(tmp_path / "a.key", KEY) if not (tmp_path / "a.key").exists() else None
    (tmp_path / "said").write_text("{}")
    who = ["--json", "--account", "alice@studio", "--key", str(tmp_path / "a.key")]
    out = str(tmp_path / "signed")
    return [*who, "statement", "sign", str(tmp_path / "said"), "--subject", "x", "--out", out, *more]


def test_a_command_overwrites_only_when_that_is_asked_for(tmp_path: Path) -> None:
    first = CliRunner().invoke(cli, signing(tmp_path))
    written = (tmp_path / "signed").read_bytes()
    (tmp_path / "signed").write_bytes(b"other")
    refused = CliRunner().invoke(cli, signing(tmp_path))
    kept = (tmp_path / "signed").read_bytes()
    forced = CliRunner().invoke(cli, signing(tmp_path, "--force"))

    assert (first.exit_code, refused.exit_code, forced.exit_code) == (0, Exit.REFUSED, 0), refused.output
    assert json.loads(refused.stdout)["code"] == "FILE_EXISTS"
    assert kept == b"other"
    assert (tmp_path / "signed").read_bytes() == written


def test_what_breaks_off_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"before")

    def break_off() -> None:
        with OutputFile(path, force=True).opened() as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()

    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_written_to_as_it_is() -> None:
    OutputFile(Path("/dev/null"), force=False).write(b"gone")

    assert not Path("/dev/null").is_file()


def test_a_file_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    with pytest.raises(NodeError, match="--force") as refused:
        OutputFile(tmp_path / "out", force=False)
    assert refused.value.code is NodeCode.FILE_EXISTS
