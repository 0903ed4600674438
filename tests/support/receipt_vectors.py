"""Receipts that hold and receipts that do not, for any verifier in any language: `tests/vectors/receipts.json`.

Run as a program, with the project's root and this folder on the path, it writes the file anew after a change of format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from receipts import GENESIS, RECEIPTS, certificate, voters
from tampering import dropped, recovered

from ledger.block import Header
from ledger.encoding import decode, encode

FILE = Path(__file__).parents[1] / "vectors" / "receipts.json"


def _header(value: Any) -> Header:
    return decode(encode(value), Header)


def _recertified(value: Any, part: str, nodes: tuple[str, ...], **changes: Any) -> None:
    """Change a header and let nodes endorse the change, as colluding nodes could."""
    value[part] |= changes
    value["certificate"] = json.loads(encode(certificate(_header(value[part]), *nodes)))


def _first_signer_signs_again(value: Any) -> None:
    value["transaction"]["signers"] *= 2
    value["signatures"] *= 2


Change = Callable[[Any], Any]

CHANGES: list[tuple[str, str, Change]] = [
    ("another outcome", "direct", lambda r: r["outcome"].update(code="NOT_OWNER")),
    ("an outcome with a member more", "direct", lambda r: r["outcome"].update(more=1)),
    ("another price, so to speak", "direct", lambda r: r["transaction"]["actions"][0].update(width=65)),
    ("another signer", "direct", lambda r: r["transaction"]["signers"][0].update(account="mallory@club")),
    ("signature of zeros", "direct", lambda r: r.update(signatures=["00" * 64])),
    ("no signature", "direct", lambda r: r.update(signatures=[])),
    ("a signature too many", "direct", lambda r: r["signatures"].append(r["signatures"][0])),
    ("a signer twice", "direct", _first_signer_signs_again),
    ("no signer", "direct", lambda r: (r["transaction"].update(signers=[]), r.update(signatures=[]))),
    ("another time", "direct", lambda r: r["header"].update(time_ms=r["header"]["time_ms"] + 1)),
    ("another height", "direct", lambda r: r["header"].update(height=3)),
    ("a header with a member more", "direct", lambda r: r["header"].update(more=1)),
    ("a header of another version", "direct", lambda r: r["header"].update(version=2)),
    ("another chain", "direct", lambda r: r["header"].update(chain="other-00000000")),
    ("another version of the receipt", "direct", lambda r: r.update(version=2)),
    ("version 1 as a truth value", "direct", lambda r: r.update(version=True)),
    ("a member more", "direct", lambda r: r.update(more=1)),
    ("a null", "direct", lambda r: r.update(anchor=None)),
    ("one endorsement", "direct", lambda r: r["certificate"]["endorsements"].pop()),
    ("no endorsement", "direct", lambda r: r["certificate"].update(endorsements=[])),
    ("one endorsement twice", "direct", lambda r: r["certificate"].update(
        endorsements=r["certificate"]["endorsements"][:1] * 2)),
    ("endorsements out of order", "direct", lambda r: r["certificate"]["endorsements"].reverse()),
    ("an endorsement by a stranger", "direct", lambda r: _recertified(r, "header", ("node1", "node9"))),
    ("an endorsement under another name", "direct", lambda r: r["certificate"]["endorsements"][1].update(node="node2")),
    ("a certificate for another header", "direct", lambda r: r["certificate"].update(header="ab" * 32)),
    ("a certificate for another height", "direct", lambda r: r["certificate"].update(height=3)),
    ("another log root, certified", "direct", lambda r: _recertified(r, "header", (), log_root="ab" * 32)),
    ("an empty log, certified", "direct", lambda r: _recertified(r, "header", (), log_size=0)),
    ("another set of voters, certified", "direct", lambda r: _recertified(
        r, "header", (), voters_digest=voters("node1", "node3").digest)),
    ("a path from another leaf", "direct", lambda r: r["path"].update(index=r["path"]["index"] + 1)),
    ("a path from beyond the log", "direct", lambda r: r["path"].update(index=2**53 - 1)),
    ("a path that is too short", "direct", lambda r: r["path"]["hashes"].pop()),
    ("a path that is too long", "direct", lambda r: r["path"]["hashes"].append("ab" * 32)),
    ("a path with a flipped bit", "direct", lambda r: r["path"]["hashes"].__setitem__(0, "ab" * 32)),
    ("a hash in capitals", "direct", lambda r: r["header"].update(log_root=r["header"]["log_root"].upper())),
    ("a negative number", "direct", lambda r: r["path"].update(index=-1)),
    ("a fraction", "direct", lambda r: r["path"].update(index=0.5)),
    ("a number beyond 2^53 - 1", "direct", lambda r: r["path"].update(index=2**53)),
    ("a text for a number", "direct", lambda r: r["path"].update(index="0")),
    ("a header path without an anchor", "later", lambda r: r.pop("anchor")),
    ("an anchor without a header path", "later", lambda r: r.pop("header_path")),
    ("an anchor that is the block itself", "direct", lambda r: r.update(anchor=r["header"], header_path=r["path"])),
    ("an anchor below the block", "later", lambda r: r.update(header=r["anchor"], anchor=r["header"])),
    ("a header that the anchor's log lacks", "later", lambda r: r["header"].update(term=9)),
    ("a header path from the transaction's leaf", "later", lambda r: r["header_path"].update(index=r["path"]["index"])),
    ("no changes of voters", "epochs", lambda r: r.pop("epochs")),
    ("a change of voters left out", "epochs", lambda r: r["epochs"].pop(0)),
    ("changes of voters out of order", "epochs", lambda r: r["epochs"].reverse()),
    ("a change of voters twice", "epochs", lambda r: r["epochs"].append(r["epochs"][1])),
    ("a change of voters endorsed by the new voters", "epochs", lambda r: r["epochs"][1].update(
        certificate=json.loads(encode(certificate(_header(r["epochs"][1]["header"]), "node3", "node4", "node5"))))),
    ("a change to voters of one's own", "epochs", lambda r: r["epochs"][1].update(
        voters=json.loads(encode(voters("node2", "node3", "node5"))))),
    ("voters with a name twice", "epochs", lambda r: r["epochs"][1]["voters"]["voters"].append(
        r["epochs"][1]["voters"]["voters"][0])),
    ("an anchor certified by voters who have left", "epochs", lambda r: r.update(
        certificate=json.loads(encode(certificate(_header(r["anchor"]), "node1", "node3"))))),
    ("an empty list of changes", "direct", lambda r: r.update(epochs=[])),
]  # fmt: skip
"""(what is wrong, which receipt it was, how it is changed)."""

SPELLINGS: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no JSON", b"{"),
    ("no object", b"[]"),
    ("a byte order mark", b"\xef\xbb\xbf" + RECEIPTS["direct"]),
    ("a space", RECEIPTS["direct"].replace(b":", b": ", 1)),
    ("a line feed at the end", RECEIPTS["direct"] + b"\n"),
    ("a needless escape", RECEIPTS["direct"].replace(b'"OK"', b'"\\u004fK"')),
    ("a name twice", b'{"version":1,' + RECEIPTS["direct"][1:]),
    ("a number with an exponent", RECEIPTS["direct"].replace(b'"version":1}', b'"version":1e0}')),
    ("a minus before zero", RECEIPTS["direct"].replace(b'"term":1', b'"term":-0')),
    ("half a surrogate pair", RECEIPTS["direct"].replace(b'"OK"', b'"\\ud800"')),
    ("not UTF-8", RECEIPTS["direct"].replace(b'"OK"', b'"\xff"')),
    ("a name outside ASCII", RECEIPTS["direct"].replace(b'"code":"OK"', '"code":"OK","é":1'.encode())),
    ("very deep", b'{"a":' * 3_000 + b"1" + b"}" * 3_000),
    ("two receipts", RECEIPTS["direct"] * 2),
]
"""(what is wrong, the bytes)."""


def recovered_cases() -> list[tuple[str, bytes, tuple[bytes, ...], bool]]:
    """(name, receipt, recoveries that are accepted, whether it holds)."""
    keeper, good = recovered()
    before, after, lost = keeper.receipt(1), keeper.receipt(3), dropped()
    more = good.replace(b'"number"', b'"more":1,"number"')
    refused = {
        "no recovery accepted": (),
        "the recovery twice": (good, good),
        "a recovery with a space": (good.replace(b":", b": ", 1),),
        "a recovery with a member more": (more,),
        "a recovery that is none": (b"{}",),
        "another reason than was signed": (good.replace(b"a fire", b"a hire"),),
        "another height than was signed": (good.replace(b'"height":2', b'"height":1'),),
    }
    node2, two = voters("node1", "node2"), ("node1", "node2")
    lies: dict[str, dict[str, Any]] = {
        "a recovery of another version": {"version": 2},
        "a recovery of another chain": {"chain": "other-00000000"},
        "a recovery before missing": {"number": 2},
        "others named as lost": {"lost": ("node2",)},
        "a recovery by a majority": {"voters": node2, "lost": ("node3",), "by": two},
        "a recovery that nobody signed": {"by": ()},
        "a recovery that another signed": {"by": ("node2",)},
        "a recovery signed twice": {"by": ("node1", "node1")},
        "a stranger as survivor": {"left": "node9", "lost": ("node1", "node2", "node3")},
    }
    made = [("after a recovery", after, (good,), True), ("before a recovery", before, (good,), True)]
    made += [("dropped by a recovery", lost, (good,), False), ("dropped, for who knows no recovery", lost, (), True)]
    made += [(f"after a recovery, {name}", after, brought, False) for name, brought in refused.items()]
    for name, lie in lies.items():
        keeper, recovery = recovered(**lie)
        made.append((f"after a recovery, {name}", keeper.receipt(3), (recovery,), False))
    return made


def cases() -> list[dict[str, Any]]:
    """Every case: its name, the receipt as text or, where it is none, in hex, recoveries, and whether it holds."""
    made = [(name, data, True) for name, data in RECEIPTS.items()]
    for name, base, change in CHANGES:
        value = json.loads(RECEIPTS[base])
        change(value)
        made.append((f"{base} with {name}", encode(value), False))
    made += [(f"direct with {name}", data, False) for name, data in SPELLINGS]
    found = [{"name": name, **_written(data), "holds": holds} for name, data, holds in made]
    for name, data, recoveries, holds in recovered_cases():
        brought = [recovery.decode() for recovery in recoveries]
        found.append({"name": name, **_written(data), "recoveries": brought, "holds": holds})
    return found


def _written(data: bytes) -> dict[str, str]:
    try:
        return {"receipt": data.decode()}
    except UnicodeDecodeError:
        return {"receipt_hex": data.hex()}


def read_cases() -> tuple[bytes, list[tuple[str, bytes, list[bytes], bool]]]:
    """The genesis and the cases of the file: (name, receipt, recoveries, whether it holds)."""
    said = json.loads(FILE.read_bytes())
    found = []
    for case in said["cases"]:
        data = case["receipt"].encode() if "receipt" in case else bytes.fromhex(case["receipt_hex"])
        recoveries = [recovery.encode() for recovery in case.get("recoveries", [])]
        found.append((case["name"], data, recoveries, case["holds"]))
    return said["genesis"].encode(), found


def file() -> bytes:
    """What the file says."""
    return (
        json.dumps({"genesis": encode(GENESIS).decode(), "cases": cases()}, indent=1, ensure_ascii=False) + "\n"
    ).encode()


if __name__ == "__main__":
    FILE.write_bytes(file())
    print(f"{len(cases())} cases")
