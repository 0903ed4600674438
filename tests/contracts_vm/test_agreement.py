"""All nodes decide alike, whatever their Python and however it orders its sets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERS = {"3.11": "3.12", "3.12": "3.11"}
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


def digest_by(python: str, hash_seed: str) -> str:
    """What a process of its own makes of the same decisions."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
    environment = {"PYTHONPATH": paths, "PYTHONHASHSEED": hash_seed, "PATH": os.environ["PATH"]}
    command = [python, "-m", "decided"]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def other_python() -> str:
    """The Python that OTHER_PYTHON names, else the one of the other version in an environment that make has set up."""
    named = os.environ.get("OTHER_PYTHON")
    if named:
        return named
    for python in (ROOT / ".venv" / "bin" / "python", ROOT / ".venv-node" / "bin" / "python"):
        if (python.parent / f"python{OTHERS[THIS]}").exists():
            return str(python)
    pytest.skip(f"not run: no Python {OTHERS[THIS]} with our packages; make test-node PYTHON=python{OTHERS[THIS]}")


def test_two_hash_seeds_give_the_same_decisions() -> None:
    assert digest_by(sys.executable, "1") == digest_by(sys.executable, "2")


def test_another_python_gives_the_same_decisions() -> None:
    assert digest_by(other_python(), "3") == digest_by(sys.executable, "4")
