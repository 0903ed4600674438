"""Documents that are not run go wrong: here they are held against the code."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from PIL import Image

from devnet.cluster import Cluster
from devnet.story import CREATOR
from ledger.governance import AnyChange, SetParameters
from node.cli.governance import decode_changes
from node.cli.main import cli
from remarque import AsyncClient

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
PACKAGES = ("contracts_vm", "threshold", "ledger", "consensus", "generator", "remarque", "node", "devnet")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "scripts" / "write_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_pages_are_what_the_code_says(one_node: Cluster, reference: ModuleType) -> None:
    with urllib.request.urlopen(one_node.url("node1") + "/openapi.json", timeout=10) as answer:
        openapi = json.load(answer)

    for name, text in reference.pages(openapi).items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"docs/{name}: run scripts/write_reference.py"


def test_every_word_of_the_glossary_is_in_the_code() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Za-z ]+) \| .+ \| `([^`]+)` \|$", text, re.M)
    assert len(rows) > 25
    for word, place in rows:
        if place.startswith("GET "):
            continue
        module, _, name = place.rpartition(".")
        try:
            found = hasattr(importlib.import_module(module), name)
        except ModuleNotFoundError:
            found = False
        assert found or importlib.util.find_spec(place), f"{word}: {place} does not exist"


def test_links_between_documents_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_files_that_documents_name_exist() -> None:
    for page in PAGES:
        for named in re.findall(
            r"`((?:docs|node|ledger|consensus|tests|scripts|generator|contracts_vm|threshold|locks)/[\w./]+)`",
            page.read_text(encoding="utf-8"),
        ):
            assert (ROOT / named).exists(), f"{page.name} names {named}"


def test_what_the_walks_name_is_in_the_code() -> None:
    text = re.sub(r"^```.*?^```", "", (DOCS / "architecture.md").read_text(encoding="utf-8"), flags=re.S | re.M)
    members: dict[str, set[str]] = {}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for name, found in members_in(ast.parse(file.read_text(encoding="utf-8"))):
                members.setdefault(name, set()).update(found)
    members["AsyncClient"] = set(dir(AsyncClient))

    named = re.findall(r"`([A-Z]\w+)\.(\w+)`", text)
    assert len(named) > 60
    for name, member in named:
        assert member in members.get(name, ()), f"there is no {name}.{member}"
    for function, place in re.findall(r"`([a-z_]\w*)`\s+\(`([\w/]+\.py)`\)", text):
        assert re.search(rf"^(?:async )?def {function}\(", (ROOT / place).read_text(encoding="utf-8"), re.M), function


def members_in(module: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """The classes of a module, each with its methods and with what it sets of itself."""
    for one in module.body:
        if isinstance(one, ast.ClassDef):
            methods = {part.name for part in one.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
            fields = {
                part.attr
                for part in ast.walk(one)
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self"
            }
            yield one.name, methods | fields


def test_every_command_that_documents_name_exists_with_its_options() -> None:
    shown = 0
    for page in PAGES:
        if page.name == "command_line.md":
            continue
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M):
            for line in re.findall(r"^remarque ([^#\n]+)", block, re.M):
                shown += 1
                assert_is_command(shlex.split(line.partition(" > ")[0]), f"{page.name}: remarque {line}")
    assert shown > 30


def assert_is_command(words: list[str], where: str) -> None:
    """Walk from group to group by the words that name commands; the options must be of one of those met."""
    command: click.Command = cli
    options = {option for one in cli.params for option in (*one.opts, *one.secondary_opts)}
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(click.Context(command), word)
            assert found is not None, where
            command = found
            options |= {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert not isinstance(command, click.Group), where
    assert {word for word in words if word.startswith("--")} <= options, where


def test_the_governance_page_shows_every_change_as_it_is_written_and_every_parameter() -> None:
    text = (DOCS / "govern.md").read_text(encoding="utf-8")
    shown = [
        change for block in re.findall(r"```json\n(.+?)```", text, re.S) for change in decode_changes(block.encode())
    ]

    assert {type(change) for change in shown} == set(AnyChange.__args__)
    rows = dict.fromkeys(re.findall(r"^\| `(\w+)` \| [\d,]* ?\| [\d,]* ?\|", text, re.M))
    assert list(rows) == list(SetParameters.__struct_fields__)


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["generator"]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for requirement in wanted + project["dependency-groups"]["dev"]:
        name = re.split(r"[><=~ ]", requirement)[0]
        assert re.search(rf"^\|.*\b{re.escape(name)}\b.*\|", text, re.M), f"docs/architecture.md says nothing of {name}"


def test_targets_that_documents_name_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))

    for page in PAGES:
        for named in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M):
            assert named in targets, f"{page.name} names make {named}"


def test_the_sdk_example_of_the_documentation_has_twelve_lines_and_runs(one_node: Cluster, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.+?)```", readme, re.S)[0]
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    program = example.replace("http://127.0.0.1:8100", one_node.url("node1")).replace(
        "alice.key", str(one_node.root / "accounts" / f"{CREATOR}.key")
    )
    Image.effect_noise((96, 96), 80).convert("RGB").save(tmp_path / "picture.png")

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "This very file is recorded on the chain." in done.stdout


def test_the_project_names_no_machine_and_no_registry() -> None:
    listed = subprocess.run(
        [shutil.which("git") or "git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in listed:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".sh", ".js", ".html", ".css", ".yml") and path.exists():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian|/home/\w+/", text), name
