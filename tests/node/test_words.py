"""The command line with words that mean nothing: refused before any node is asked, with a status that says so."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli.exits import Exit
from node.cli.main import cli
from remarque.requesting import node_address

TOKEN = "ab" * 32


@pytest.mark.parametrize("until", ["nan", "inf", "-5", "0h", "1e300", "soon", "2026-12-01T18:00"])
@pytest.mark.parametrize(
    "words", [["rent", TOKEN, "carla@club"], ["grant", TOKEN, "carla@club"], ["offer", TOKEN, "5", "EUR"]], ids=" ".join
)
def test_an_end_is_a_time_or_a_span(words: list[str], until: str) -> None:
    done = CliRunner().invoke(cli, [*words, f"--until={until}"])

    assert done.exit_code == Exit.USAGE
    assert "--until" in done.output


@pytest.mark.parametrize("words", [["collection", "show", "../../status"], ["governance", "show", ".."]])
def test_an_id_leads_to_no_other_route(words: list[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        node = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = CliRunner().invoke(cli, ["--node", node, *words])

    assert done.exit_code in (Exit.USAGE, Exit.REFUSED, Exit.UNREACHED)
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "words", [["--bogus"], ["nothing"], ["pay"], ["status", "--bogus"], ["--node", "ftp://x", "status"]], ids=" ".join
)
def test_a_usage_error_is_json_where_json_is_asked_for(words: list[str]) -> None:
    in_words = CliRunner().invoke(cli, words)
    as_json = CliRunner().invoke(cli, ["--json", *words])

    told = json.loads(as_json.stdout)
    assert (in_words.exit_code, as_json.exit_code, told["code"]) == (2, 2, "COMMAND_MALFORMED")
    assert told["detail"] in in_words.output


def test_a_node_that_does_not_answer_has_a_status_of_its_own() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        node = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = CliRunner().invoke(cli, ["--json", "--node", node, "status"])

    assert done.exit_code == Exit.UNREACHED
    assert json.loads(done.stdout)["code"] == "NODE_UNREACHED"


def test_a_file_that_cannot_be_used_is_a_refusal(tmp_path: Path) -> None:
    key = tmp_path / "a.key"
    key.write_text("no key")
    key.chmod(0o600)
    done = CliRunner().invoke(cli, ["--json", "keys", "show", str(key)])

    assert (done.exit_code, json.loads(done.stdout)["code"]) == (Exit.REFUSED, "KEY_UNREADABLE")


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("127.0.0.1:8100", "http://127.0.0.1:8100"),
        ("localhost:8100", "http://localhost:8100"),
        ("[::1]:8100/", "http://[::1]:8100"),
        ("http://10.0.0.1:8100/", "http://10.0.0.1:8100"),
        ("https://node.example", "https://node.example"),
    ],
)
def test_a_node_on_this_machine_needs_no_scheme(given: str, asked: str) -> None:
    assert node_address(given) == asked


@pytest.mark.parametrize(
    "given",
    [
        "",
        "10.0.0.1:8100",
        "node.example",
        "127.0.0.1:99999",
        "http://",
        "http://x:y",
        "ftp://127.0.0.1",
        "http://x?a=1",
    ],
)
def test_what_is_no_address_is_a_usage_error(given: str) -> None:
    done = CliRunner().invoke(cli, [f"--node={given}", "status"])

    assert done.exit_code == Exit.USAGE
    assert "write it as http" in done.output
