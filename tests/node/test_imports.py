"""What is imported when: a program that uses the SDK pays for no node, and a command only for what it uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
EVERY_MODULE = (
    "import importlib, pkgutil, remarque\n"
    "for module in pkgutil.walk_packages(remarque.__path__, 'remarque.'): importlib.import_module(module.name)\n"
)
VERSION = (
    "import sys\n"
    "sys.argv = ['remarque', '--version']\n"
    "from node.cli.main import main\n"
    "try: main()\n"
    "except SystemExit as end: assert end.code == 0\n"
)


def loaded_by(source: str) -> set[str]:
    """Packages that a Python program has imported at its end."""
    done = subprocess.run([sys.executable, "-c", source + LOADED], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("source", ["import remarque\n", EVERY_MODULE])
def test_the_sdk_brings_no_server_database_or_generator(source: str) -> None:
    found = loaded_by(source)

    assert {"remarque", "ledger", "msgspec", "aiohttp"} <= found
    assert not found & {
        "node", "generator", "consensus", "devnet", "plyvel", "fastapi", "starlette", "uvicorn", "httptools",
        "prometheus_client", "torch", "PIL", "iscc_lib",
    }  # fmt: skip


def test_the_version_is_told_without_what_commands_need() -> None:
    found = loaded_by(VERSION)

    assert {"node", "click"} <= found
    assert not found & {"aiohttp", "msgspec", "nacl", "fastapi", "torch", "plyvel", "PIL", "ledger", "remarque"}
