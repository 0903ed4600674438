"""Writes the reference pages that are read off the code: routes, actions, errors, settings, command line.

    python scripts/write_reference.py

A test compares the pages with what this gives, so they cannot go stale. Routes come from a running node.
"""

from __future__ import annotations

import inspect
import json
import re
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import click
import reference_actions
import reference_http
from click.testing import CliRunner

from contracts_vm import DECISION_CODES
from devnet.cluster import Cluster
from ledger.audit import Fault
from ledger.errors import Code
from node.cli.exits import Exit
from node.cli.main import cli
from node.ground import config
from remarque.errors import NodeCode, status_of

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by scripts/write_reference.py from the code; a test keeps it true. -->\n"


def errors() -> str:
    """docs/errors.md, from the two catalogues."""
    lines = [
        NOTE,
        "# Errors",
        "",
        "Every refusal over HTTP is problem+json (RFC 9457): `code` is one of the words below, for ever; `detail` "
        "names the rule, the fact and the fix. On the chain a refusal is the `code` of an outcome.",
        "",
        "## The ledger's, in the order in which they are checked",
        "",
        "As an answer to a request they come with the status given; as an outcome they stand in a block.",
        "",
        "| code | status | meaning |",
        "|---|---|---|",
        *(f"| `{code.name}` | {status_of(code)} | {code.value} |" for code in Code),
        "",
        "## The node's",
        "",
        "| code | status | meaning |",
        "|---|---|---|",
        *(f"| `{code.name}` | {code.status} | {code.meaning} |" for code in NodeCode),
        "",
        "## What a rule can decide",
        "",
        "In order of precedence: " + ", ".join(f"`{code}`" for code in DECISION_CODES) + ". Only `PERMITTED` allows.",
        "",
        "## What an audit finds",
        "",
        "| finding | meaning |",
        "|---|---|",
        *(f"| `{fault.name}` | {fault.value} |" for fault in Fault),
        "",
    ]
    return "\n".join(lines)


def settings() -> str:
    """docs/settings.md, from the settings' definitions and their docstrings."""
    lines = [NOTE, "# Settings of a node", "", "`node.toml`; paths are relative to the file.", ""]
    for section in (
        config.NodeSection,
        config.ApiSection,
        config.PeersSection,
        config.StorageSection,
        config.MarksSection,
        config.VerificationSection,
        config.DetectorSection,
        config.GeneratorSection,
        config.ScittSection,
        config.KeeperSection,
        config.ViewingSection,
    ):
        title, source = inspect.getdoc(section) or "", inspect.getsource(section)
        lines += [f"## {title}", "", "| setting | default | meaning |", "|---|---|---|"]
        for name, default, meaning in re.findall(
            r'^    (\w+): [^=\n]+?(?: = ([^\n]+))?\n    """(.+?)"""', source, re.M | re.S
        ):
            lines.append(f"| `{name}` | {f'`{default}`' if default else 'required'} | {' '.join(meaning.split())} |")
        lines.append("")
    return "\n".join(lines)


def command_line() -> str:
    """docs/command_line.md, from `--help`."""
    parts = [
        NOTE,
        "# The `remarque` command",
        "",
        "| exit status | meaning |",
        "|---|---|",
        "| 0 | done |",
        *(f"| {exit_.value} | {exit_.meaning} |" for exit_ in Exit),
        "",
        "With `--json` whatever is not done is one JSON object with `code` and `detail` on standard output, else a "
        "line on standard error. A node that runs ends by statuses of its own: [operate.md](operate.md).",
        "",
    ]

    def describe(command: click.Command, names: list[str]) -> None:
        done = CliRunner().invoke(cli, [*names, "--help"], prog_name="remarque", terminal_width=100)
        parts.extend([f"## `{' '.join(['remarque', *names])}`", "", "```", done.output.rstrip(), "```", ""])
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in sorted(command.list_commands(context)):
                inner = command.get_command(context, name)
                describe(inner, [*names, name])

    describe(cli, [])
    return "\n".join(parts)


def pages(openapi: dict[str, Any]) -> dict[str, str]:
    """All pages, by name."""
    return {
        "http_api.md": reference_http.page(NOTE, openapi),
        "actions.md": reference_actions.page(NOTE),
        "errors.md": errors(),
        "settings.md": settings(),
        "command_line.md": command_line(),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster.create(Path(directory) / "devnet", 1)
        cluster.up()
        try:
            with urllib.request.urlopen(cluster.url("node1") + "/openapi.json") as answer:
                openapi = json.load(answer)
        finally:
            cluster.down()
    for name, text in pages(openapi).items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
