"""A Python client made from a node's description by somebody else's generator: it compiles, and does its work."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def generated(one_node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds the generated package `remarque_api`. A warning of the generator is a fault."""
    folder = tmp_path_factory.mktemp("client")
    description = folder / "openapi.json"
    with urllib.request.urlopen(one_node.url("node1") + "/openapi.json", timeout=10) as answer:
        description.write_bytes(answer.read())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", str(description), "--output-path", str(folder / "remarque_api")),
            *("--config", str(HERE / "python_client.yml")),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    return folder


def test_a_generated_client_compiles(generated: Path) -> None:
    assert len(list(generated.rglob("*.py"))) > 300
    assert compileall.compile_dir(generated, quiet=1)


def test_a_generated_client_does_the_storys_first_steps(one_node: Cluster, generated: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "python_story.py"), one_node.url("node1"), CREATOR],
        input=one_node.key(CREATOR).seed.hex(),
        env=os.environ | {"PYTHONPATH": str(generated)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3_000:]
    assert len(done.stdout.strip()) == 64
