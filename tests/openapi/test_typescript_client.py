"""A TypeScript client made from a node's description: strict types hold, and under Node it does its work."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR

pytestmark = pytest.mark.peers

HERE = Path(__file__).resolve().parent / "typescript"
PACKAGES = HERE / "node_modules"


def run(*arguments: str | Path, folder: Path, said: str = "") -> str:
    """What a program says under Node."""
    program = shutil.which("node") or pytest.fail("no node; run scripts/install_peers.sh")
    done = subprocess.run(
        [program, *map(str, arguments)],
        cwd=folder,
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
    return done.stdout


@pytest.fixture(scope="module")
def compiled(one_node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story with its generated client, compiled."""
    if not (PACKAGES / "openapi-typescript").exists():
        pytest.fail("no openapi-typescript; run scripts/install_peers.sh")
    folder = tmp_path_factory.mktemp("typescript")
    with urllib.request.urlopen(one_node.url("node1") + "/openapi.json", timeout=10) as answer:
        (folder / "openapi.json").write_bytes(answer.read())
    for name in ("package.json", "tsconfig.json", "story.ts"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(PACKAGES)
    run(PACKAGES / "openapi-typescript" / "bin" / "cli.js", "openapi.json", "-o", "api.ts", folder=folder)
    run(PACKAGES / "typescript" / "bin" / "tsc", "--project", folder, folder=folder)
    return folder


def test_a_generated_client_does_the_storys_first_steps(one_node: Cluster, compiled: Path) -> None:
    seed = one_node.key(CREATOR).seed.hex()

    said = run(compiled / "out" / "story.js", one_node.url("node1"), CREATOR, folder=compiled, said=seed)

    assert len(said.strip()) == 64


def test_strict_types_refuse_a_field_that_the_description_does_not_have(compiled: Path) -> None:
    wrong = compiled / "wrong.ts"
    wrong.write_text(
        'import type { components } from "./api.js";\n'
        'export const ask: components["schemas"]["AskChallenge"] = { account: "alice@studio", acount: "" };\n'
    )
    with pytest.raises(AssertionError, match="acount"):
        run(PACKAGES / "typescript" / "bin" / "tsc", "--strict", "--noEmit", wrong, folder=compiled)
