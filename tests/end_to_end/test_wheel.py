"""The wheel in an empty environment without torch, outside the checkout: it runs a node, its types reach programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from made_once import made_once

from devnet.cluster import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = Path("env", "bin", "python")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""

    def build(directory: Path) -> None:
        source = directory / "source"
        ignored = shutil.ignore_patterns(".git", ".venv", "build", "dist", "out", "*.egg-info", "__pycache__", "tests")
        shutil.copytree(ROOT, source, ignore=ignored)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*command, "-w", str(directory), "."], cwd=source, check=True)

    return next(made_once(tmp_path_factory, "wheel", build).glob("remarque-*.whl"))


def test_the_wheel_holds_the_packages_with_their_pages_and_policies_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}

    assert tops == {
        "contracts_vm", "threshold", "ledger", "consensus", "pictures", "generator", "remarque", "node", "devnet",
    }  # fmt: skip
    for wanted in (
        "node/pages/index.html",
        "node/pages/vendored/swagger-ui.css",
        "node/pages/vendored/swagger-ui.LICENSE.txt",
        "contracts_vm/policies/asset_default.policy",
    ):
        assert wanted in names
    assert {name for name in names if name.endswith("py.typed")} == {
        "contracts_vm/py.typed", "generator/py.typed", "ledger/py.typed", "pictures/py.typed", "remarque/py.typed",
        "threshold/py.typed",
    }  # fmt: skip
    assert any(name.startswith("generator/models/default/unet/") for name in names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds the wheel, and what it needs to run a node."""

    def install(home: Path) -> None:
        venv.create(home / "env", with_pip=True)
        command = [home / PYTHON, "-m", "pip", "install", "--quiet", "--no-compile"]
        subprocess.run([*command, "-r", ROOT / "locks" / "node.txt"], check=True, env=clean())
        subprocess.run([*command, "--no-deps", wheel], check=True, env=clean())

    return made_once(tmp_path_factory, "a path with a space", install) / PYTHON


def clean() -> dict[str, str]:
    """The environment, without the way to the checkout."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")}


def samples(document: str) -> list[str]:
    """The Python in a document."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.M | re.S)


def checked(python: Path, source: str, directory: Path) -> tuple[int, str]:
    """What mypy says of a program against what is installed beside a Python: its exit status, and its words."""
    (directory / "program.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", str(python)]
    known = f"--cache-dir={python.parents[2] / 'types'}"
    done = subprocess.run(
        [*command, known, "program.py"], cwd=directory, env=clean(), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("document", ["README.md", "docs/use.md"])
def test_samples_of_the_documents_have_the_types_of_the_installed_sdk(
    installed: Path, tmp_path: Path, document: str
) -> None:
    found = samples(document)

    assert found
    for number, sample in enumerate(found):
        status, said = checked(installed, sample, tmp_path)
        assert status == 0, f"sample {number + 1} of {document}:\n{said}"


WRONG = """\
from remarque import AsyncClient, Client, load_key

client = Client("http://127.0.0.1:8100", "alice@studio", load_key("alice.key"))
client.list_token("00", "120000", "EUR")  # arg-type
client.pay("carla@club", 5)  # call-arg
client.verify(b"")["wording"]  # index
client.verify(b"").word  # attr-defined
client.buys("00", 5, "EUR")  # attr-defined
height: str = client.status().height  # assignment
for place, event in client.events():
    event.hight  # attr-defined


async def story(waiting: AsyncClient) -> int:
    return await waiting.balances()  # return-value
"""


def test_a_program_with_wrong_types_is_told_where(installed: Path, tmp_path: Path) -> None:
    wanted = [(number, line.rpartition("# ")[2]) for number, line in enumerate(WRONG.splitlines(), 1) if "  # " in line]

    status, said = checked(installed, WRONG, tmp_path)

    assert status == 1
    told = re.findall(r"^program\.py:(\d+): error: .*\[([\w-]+)\]$", said, re.M)
    assert [(int(number), code) for number, code in told] == wanted, said


def test_a_node_runs_from_the_wheel_without_torch(installed: Path, tmp_path: Path) -> None:
    home, python = tmp_path / "a path with a space", installed
    home.mkdir()
    peer, api = free_ports(2)
    (home / "plan.toml").write_text(
        f'name = "wheel"\n[orgs]\nacme = "Acme"\n[nodes.n1]\norg = "acme"\npeer = "127.0.0.1:{peer}"\n'
        f'api = "127.0.0.1:{api}"\n[accounts."alice@acme"]\nroles = ["administrator"]\n'
    )
    remarque = [str(python.with_name("remarque"))]
    subprocess.run([*remarque, "init", "plan.toml", "c"], cwd=home, check=True, env=clean(), capture_output=True)
    node = subprocess.Popen(
        [*remarque, "node", "run", "--config", "c/nodes/n1/node.toml"], cwd=home, env=clean(), stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{api}/readyz", timeout=2) as answer:
                    assert json.load(answer)["ready"]
                break
            except OSError:
                assert time.monotonic() < deadline
                assert node.poll() is None
                time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{api}/", timeout=2) as page:
            assert b"Remarque" in page.read()
    finally:
        node.terminate()
        assert node.wait(timeout=15) == 0
    listed = subprocess.run(
        [python, "-c", "import node.run, sys; assert 'torch' not in sys.modules"], check=False, env=clean()
    )
    assert listed.returncode == 0
    assert (
        "torch"
        not in subprocess.run(
            [python, "-m", "pip", "list"], capture_output=True, text=True, check=True, env=clean()
        ).stdout
    )
