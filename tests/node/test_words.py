"""The command line with words that mean nothing: refused before any node is asked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from node.cli.main import cli

TOKEN = "ab" * 32


@pytest.mark.parametrize("hours", ["nan", "inf", "-inf", "0", "-5", "1e300", "soon"])
@pytest.mark.parametrize(
    "words", [["rent", TOKEN, "carla@club"], ["grant", TOKEN, "carla@club"], ["offer", TOKEN, "5", "EUR"]], ids=" ".join
)
def test_a_length_of_time_is_a_number_above_nothing(words: list[str], hours: str) -> None:
    done = CliRunner().invoke(cli, [*words, f"--hours={hours}"])

    assert done.exit_code == 2
    assert "--hours" in done.output


@pytest.mark.parametrize("words", [["collection", "show", "../../status"], ["governance", "show", ".."]])
def test_an_id_leads_to_no_other_route(words: list[str]) -> None:
    done = CliRunner().invoke(cli, ["--node", "http://127.0.0.1:9", *words])

    assert done.exit_code == 2
    assert "REQUEST_MALFORMED" in done.output
