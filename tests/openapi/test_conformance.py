"""A node does what its description says, for whatever schemathesis thinks of: right requests and wrong ones.

Every operation is asked with a member's session, and as a stranger what is open to strangers. The run is bounded and
always the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from every_record import Names, every_record
from sessions import open_session

from devnet.cluster import Cluster
from devnet.story import CREATOR
from node.api.gateway import PROBE
from remarque.client import Client

HERE = Path(__file__).resolve().parent
SECONDS_MAX = 900
AS_A_STRANGER = ["--phases", "examples,coverage", "--mode", "positive"]
"""What is open to strangers looks at no session, so the member has made all wrong requests to it already."""
NOT_DONE = {
    "DELETE /v1/generations/{generation}",
    "DELETE /pinning/pins/{requestid}",
    "DELETE /v1/uploads/{upload}",
    "GET /.well-known/scitt-keys/{kid}",
    "GET /entries/{entry}",
    "GET /c2pa/manifests/{manifest}",
    "GET /c2pa/manifests/{manifest}/receipts",
    "GET /v1/assets/{asset}/at",
    "GET /v1/assets/{asset}/openings",
    "GET /v1/copies",
    "GET /v1/copies/{cid}",
    "GET /v1/events",
    "GET /v1/generations/{generation}",
    "GET /v1/generations/{generation}/events",
    "GET /v1/releases/{transaction}",
    "GET /v1/releases/{transaction}/seals/{node}",
    "GET /v1/tlog/tile/{path}",
    "GET /v1/uploads/{upload}",
    "POST /c2pa/matches/byReference",
    "POST /entries",
    "POST /v1/archives",
    "POST /v1/copies",
    "GET /pinning/pins",
    "GET /pinning/pins/{requestid}",
    "POST /pinning/pins",
    "POST /pinning/pins/{requestid}",
    "POST /v1/generations",
    "POST /v1/policies/evaluate",
    "POST /v1/sessions",
    "POST /v1/viewings",
    "POST /v1/viewings/{transaction}",
    "POST /v1/timestamps",
    "POST /v1/transactions",
    "POST /v1/transactions/batch",
    "POST /v1/uploads/{upload}",
    "POST /v1/leases",
    "POST /v1/leases/end",
    "POST /v1/leases/pictures",
    "POST /v1/leases/progress",
}
"""What only refuses here: it needs an administrator, a signature, a generator, a manifest, DER, a full tile, an upload
or one of two parameters."""
BINDING = urlsafe_b64encode(bytes.fromhex("2107" + "0f" * 32)).decode()


@pytest.fixture(scope="module")
def names(one_node: Cluster) -> Iterator[Names]:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice:
        yield every_record(one_node, alice)


def known(description: dict[str, Any], names: Names) -> dict[str, dict[str, Any]]:
    """Parameters whose examples stand for something, with what is there on this chain."""
    real = {
        "asset": names["picture"],
        "token": names["token"],
        "transaction": names["refused"],
        "proposal": names["proposal"],
        "piece": names["piece"],
        "collection": "spring@studio",
        "height": int(names["height"]),
        "from": 1,
        "to": int(names["newest"]),
        "key": [f"asset/{names['picture']}", "none"],
        "anchor": int(names["newest"]),
        "value": BINDING,
        "upload": names["upload"],
        "block": PROBE,
    }
    operations = [one for path in description["paths"].values() for one in path.values()]
    examples = {one["name"]: one["example"] for operation in operations for one in operation["parameters"]}
    return {name: {"example": examples[name], "real": value} for name, value in real.items() if name in examples}


@pytest.mark.parametrize("who", ["member", "stranger"])
def test_a_node_does_what_its_description_says(one_node: Cluster, names: Names, who: str, tmp_path: Path) -> None:
    with urllib.request.urlopen(one_node.url("node1") + "/openapi.json", timeout=10) as answer:
        description = json.load(answer)
    if who == "stranger":
        description["paths"] = open_to_strangers(description["paths"])
    (tmp_path / "openapi.json").write_text(json.dumps(description), encoding="utf-8")
    authorization = f"Authorization: Bearer {open_session(one_node, CREATOR)}"
    answers = tmp_path / "answers"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", "openapi.json", "--url", one_node.url("node1")),
            *(["-H", authorization] if who == "member" else AS_A_STRANGER),
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
            "REMARQUE_KNOWN": json.dumps(known(description, names)),
            "REMARQUE_ANSWERS": str(answers),
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    met = {tuple(line.split("\t")) for line in answers.read_text().splitlines()}
    every = {f"{method.upper()} {path}" for path, at in description["paths"].items() for method in at}
    assert {operation for operation, _ in met if operation in every} == every - {"GET /v1/events"}
    if who == "member":
        assert every - {operation for operation, status in met if status.startswith("2")} <= NOT_DONE


def open_to_strangers(paths: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What asks for no session. tests/end_to_end/test_who_reads_what.py asks for all else without one."""
    found = {path: {method: one for method, one in at.items() if one["security"] == []} for path, at in paths.items()}
    return {path: at for path, at in found.items() if at}
