"""The pages' scripts by themselves, under Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from ledger.encoding import encode

pytestmark = pytest.mark.peers

PAGES = files("node").joinpath("pages")
SCRIPTS = sorted(file.name for file in PAGES.iterdir() if file.name.endswith(".js"))


def node(*arguments: str, said: str = "") -> str:
    program = shutil.which("node") or pytest.fail("no node; run scripts/install_peers.sh")
    done = subprocess.run([program, *arguments], input=said, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_module(name: str, folder: Path) -> Path:
    """The script under a name by which every Node knows it as a module."""
    module = folder / name.replace(".js", ".mjs")
    module.write_bytes(PAGES.joinpath(name).read_bytes())
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_parses(name: str, tmp_path: Path) -> None:
    node("--check", str(as_module(name, tmp_path)))


def test_text_of_others_turns_nothing_around_on_a_page(tmp_path: Path) -> None:
    """The prompt of an asset's page, as it may be: right to left from here on, a control, and words of two scripts."""
    for name in SCRIPTS:
        (tmp_path / name).write_bytes(PAGES.joinpath(name).read_bytes())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    script = (
        f'import {{ el }} from "{(tmp_path / "elements.js").as_uri()}"; import {{ readFileSync }} from "node:fs"; '
        "globalThis.document = { createElement: () => ({ append(...children) { this.children = children; } }) };"
        "const said = JSON.parse(readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(el('p', {}, said, undefined, false, 'a').children));"
    )
    said = "boat\u202e4711 :dees\u2066\u009b31m\x1b \u05e1\u05d9\u05e8\u05d4 \N{BOY}\u200d\N{GIRL} <b>\n"

    shown = json.loads(node("--input-type=module", "--eval", script, said=json.dumps(said)))

    written = {"\u202e": "\\u202e", "\u2066": "\\u2066", "\x9b": "\\u009b", "\x1b": "\\u001b"}
    assert shown == [said.translate(str.maketrans(written)), "a"]


def test_the_page_writes_an_amount_as_commands_do(tmp_path: Path) -> None:
    cases = json.loads((Path(__file__).parent.parent / "vectors" / "amounts.json").read_text())
    for name in SCRIPTS:
        (tmp_path / name).write_bytes(PAGES.joinpath(name).read_bytes())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    script = (
        f'import {{ money }} from "{(tmp_path / "words.js").as_uri()}"; import {{ readFileSync }} from "node:fs"; '
        + (
            "const cases = JSON.parse(readFileSync(0, 'utf8'));"
            "process.stdout.write(JSON.stringify(cases.map((one) => money(one.units, one.currency, one.decimals))));"
        )
    )

    written = json.loads(node("--input-type=module", "--eval", script, said=json.dumps(cases)))

    assert [text.replace("\u202f", "") for text in written] == [case["text"] for case in cases]


@pytest.mark.parametrize(
    "value",
    [
        {"b": [1, {"z": "", "a": True}], "a": -(2**53) + 1, "_": [], "B": {}},
        {"text": 'quote " backslash \\ slash / tab \t line \n feed \f back \b bell \x07 end \x7f'},
        {"text": "umlaut ü, separator \u2028, beyond the first plane 🖼, nul \x00"},
    ],
)
def test_the_page_spells_a_value_as_the_ledger_does(value: object, tmp_path: Path) -> None:
    module = as_module("node.js", tmp_path).as_uri()
    script = f'import {{ canonical }} from "{module}"; import {{ readFileSync }} from "node:fs"; ' + (
        "process.stdout.write(canonical(JSON.parse(readFileSync(0, 'utf8'))));"
    )

    spelled = node("--input-type=module", "--eval", script, said=json.dumps(value))

    assert spelled.encode() == encode(value)
    assert msgspec.json.decode(spelled) == value
