"""One word, one thing: a public class has a name that no other class of any package has."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("contracts_vm", "threshold", "ledger", "consensus", "generator", "remarque", "node", "devnet")


def test_a_class_name_means_one_thing() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(ROOT)))

    assert len(places) > 500
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
