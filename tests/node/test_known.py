"""`--known`: every command that verifies refuses what has other voters at a checkpoint that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from changing import Changing, branch, grown
from click.testing import CliRunner
from receipts import GENESIS

from ledger.encoding import encode
from node.cli.main import cli
from node.snapshots.snapshots import MANIFEST, chunk_file


def snapshot(chain: Changing, place: Path) -> Path:
    place.mkdir()
    manifest, chunk = chain.snapshot()
    (place / MANIFEST).write_bytes(manifest)
    chunk_file(place, 0).write_bytes(chunk)
    return place


def verifying(command: str, chain: Changing, folder: Path) -> list[str]:
    """The command that verifies something of a chain."""
    if command == "snapshot":
        return ["snapshot", "verify", str(snapshot(chain, folder / "snapshot"))]
    data = {"receipt": chain.receipt(1, 8), "log": chain.consistency(1, 8), "state": chain.state_answer()}[command]
    (folder / command).write_bytes(data)
    return [command, "verify", str(folder / command)]


@pytest.mark.parametrize("command", ["receipt", "log", "state", "snapshot"])
@pytest.mark.parametrize(("make", "at", "status"), [(grown, 6, 0), (branch, 6, 1), (branch, 1, 0), (branch, None, 0)])
def test_a_branch_of_old_voters_is_found_by_a_known_checkpoint(
    command: str, make: type[Changing], at: int | None, status: int, tmp_path: Path
) -> None:
    (tmp_path / "genesis.json").write_bytes(encode(GENESIS))
    words = [*verifying(command, make(), tmp_path), "--genesis", str(tmp_path / "genesis.json")]
    if at is not None:
        (tmp_path / "checkpoint.json").write_bytes(b"\xef\xbb\xbf" + grown().checkpoint(at) + b"\n")
        words += ["--known", str(tmp_path / "checkpoint.json")]

    done = CliRunner().invoke(cli, words)

    assert (done.exit_code, "known to have other voters" in done.output) == (status, status == 1), done.output


def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_bytes(encode(GENESIS))
    (tmp_path / "checkpoint.json").write_bytes(b"{}")
    words = [*verifying("receipt", grown(), tmp_path), "--genesis", str(tmp_path / "genesis.json")]

    done = CliRunner().invoke(cli, [*words, "--known", str(tmp_path / "checkpoint.json")])

    assert done.exit_code not in (0, 1)
    assert "this is no checkpoint" in done.output
