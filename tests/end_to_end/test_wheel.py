"""The wheel, in an empty environment outside the checkout, without torch, brings a node to ready."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from devnet.cluster import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "dist", "out", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT, source, ignore=ignored)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(directory),
            ".",
        ],
        cwd=source,
        check=True,
    )
    return next(directory.glob("remarque-*.whl"))


def test_the_wheel_holds_the_packages_with_their_pages_and_policies_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}

    assert tops == {"contracts_vm", "ledger", "consensus", "generator", "node", "devnet", "remarque.py"}
    for wanted in ("node/pages/index.html", "contracts_vm/policies/asset_default.policy"):
        assert wanted in names
    assert any(name.startswith("generator/models/default/unet/") for name in names)


def test_a_node_runs_from_the_wheel_without_torch(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "a path with a space"
    venv.create(home / "env", with_pip=True)
    python = home / "env" / "bin" / "python"
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", ROOT / "locks" / "node.txt"], check=True, env=clean
    )
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True, env=clean)
    peer, api = free_ports(2)
    (home / "plan.toml").write_text(
        f'name = "wheel"\n[orgs]\nacme = "Acme"\n[nodes.n1]\norg = "acme"\npeer = "127.0.0.1:{peer}"\n'
        f'api = "127.0.0.1:{api}"\n[accounts."alice@acme"]\n'
    )
    remarque = [str(home / "env" / "bin" / "remarque")]
    subprocess.run([*remarque, "init", "plan.toml", "c"], cwd=home, check=True, env=clean, capture_output=True)
    node = subprocess.Popen(
        [*remarque, "node", "run", "--config", "c/nodes/n1/node.toml"], cwd=home, env=clean, stderr=subprocess.DEVNULL
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
        [python, "-c", "import node.run, sys; assert 'torch' not in sys.modules"], check=False, env=clean
    )
    assert listed.returncode == 0
    assert (
        "torch"
        not in subprocess.run(
            [python, "-m", "pip", "list"], capture_output=True, text=True, check=True, env=clean
        ).stdout
    )
