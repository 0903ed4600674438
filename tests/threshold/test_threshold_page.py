"""docs/threshold.md against the code: the tests it names, its lengths, and the words of its refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

from threshold import ThresholdCode

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threshold.md").read_text(encoding="utf-8")


def test_every_attack_on_the_page_has_its_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "threshold").glob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", PAGE)

    assert len(named) > 20
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_messages_have_the_lengths_of_the_page() -> None:
    vectors = json.loads((ROOT / "tests" / "vectors" / "threshold.json").read_text())
    t, n = 3, 5
    messages = {
        "HolderKey": (96, vectors["holder_key"]["message"]),
        "Dealing": (3 + 32 * (t + n + 5), vectors["first"]["dealings"][0]),
        "Complaint": (98, vectors["lie"]["complaint"]),
        "ThresholdKey": (6 + 32 * (n + 1), vectors["first"]["key"]),
        "Capsule": (128, vectors["capsule"]),
        "DecryptionShare": (101, vectors["decryption_shares"][0]),
    }
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.M))

    assert rows == {
        "HolderKey": "96", "Dealing": "3 + 32 (t + n + 5)", "Complaint": "98", "ThresholdKey": "6 + 32 (n + 1)",
        "Capsule": "128", "DecryptionShare": "101",
    }  # fmt: skip
    for length, message in messages.values():
        assert len(bytes.fromhex(message)) == length
    assert [len(vectors["sealed"][suite]["sealed"]) // 2 for suite in ("X25519", "MLKEM768_X25519")] == [150, 1238]


def test_the_codes_that_the_page_names_are_in_the_code() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))

    assert named
    assert named <= {code.name for code in ThresholdCode}
