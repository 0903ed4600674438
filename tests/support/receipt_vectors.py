"""Receipts that hold and receipts that do not, for any verifier in any language: `tests/vectors/receipts.json`.

Run as a program, with the project's root and this folder on the path, it writes the file anew after a change of format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from changing import A, B, C, Changing, an_epoch, behind, branch, grown, pending, recovered_twice
from msgspec.structs import replace
from receipts import GENESIS, RECEIPTS, certificate, voters
from tampering import dropped, recovered

from ledger.block import Header, Voters
from ledger.encoding import decode, encode
from ledger.epochs import Epoch
from ledger.recovery import SignedRecovery

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


class Case(NamedTuple):
    """A receipt, what whoever checks it brings, and what is to be said of it."""

    name: str
    receipt: bytes
    recoveries: tuple[bytes, ...]
    """Those that are accepted."""
    known: bytes | None
    """A checkpoint that is known to be of the chain."""
    holds: bool


def epoch_cases() -> list[Case]:
    """Receipts behind changes of the voters, of which each but the first ones breaks one rule."""
    a, b, c = voters(*A), voters(*B), voters(*C)
    first, second = an_epoch(1, a, b), an_epoch(2, b, c)
    twice = Voters(voters=(b.voters[0], *b.voters))
    disordered = Voters(voters=b.voters[::-1])
    lies: dict[str, tuple[Voters, tuple[Epoch, ...]]] = {
        "of another chain": (c, (an_epoch(1, a, b, chain="other-00000000"), second)),
        "at the genesis block": (c, (an_epoch(0, a, b), second)),
        "with the later one first": (c, (an_epoch(2, a, b), an_epoch(1, b, c))),
        "at one height": (c, (an_epoch(2, a, b), an_epoch(2, b, c))),
        "at the anchor": (c, (first, an_epoch(4, b, c))),
        "above the anchor": (c, (first, an_epoch(5, b, c))),
        "that change nothing": (b, (first, an_epoch(2, b, b))),
        "to others than are named": (c, (an_epoch(1, a, c, next_voters_digest=b.digest),)),
        "to a voter twice": (twice, (an_epoch(1, a, twice),)),
        "to voters out of order": (disordered, (an_epoch(1, a, disordered),)),
        "certified by the new voters": (c, (first, an_epoch(2, b, c, by=c, voters_digest=c.digest))),
        "certified by strangers": (c, (first, an_epoch(2, b, c, by=voters("node7", "node8", "node9")))),
        "certified by a minority": (c, (first, an_epoch(2, b, c, by=voters("node1", "node2")))),
        "that skip one": (c, (second,)),
        "that lead elsewhere": (c, (first,)),
    }
    chain = grown()
    told = {height: chain.receipt(height, 8) for height in range(1, 9)}
    found = [Case(f"three changes, of block {height}", data, (), None, True) for height, data in told.items()]
    continuing, opening = chain.receipt(1, 3), chain.receipt(3)
    found += [
        Case("two changes", behind(c, first, second), (), None, True),
        Case("anchored at an opening block that continues an epoch", continuing, (), None, True),
        Case("of an opening block that continues an epoch", opening, (), None, True),
        Case("of it, with the epoch ended", chain.receipt(3, epochs=tuple(chain.epochs[:1])), (), None, False),
        Case("two changes, one at an opening block", chain.receipt(1, 6, _reopened(chain)), (), None, True),
    ]
    return found + [Case(f"changes {name}", behind(*lie[:1], *lie[1]), (), None, False) for name, lie in lies.items()]


def _reopened(chain: Changing) -> tuple[Epoch, ...]:
    """The two changes below block 6, the first told by the opening block that continues it."""
    return (replace(chain.epochs[0], header=chain.headers[3], certificate=chain.certificate(3)), chain.epochs[1])


def _bytes(*signed: SignedRecovery) -> tuple[bytes, ...]:
    return tuple(map(encode, signed))


def recovered_epoch_cases() -> list[Case]:
    """Recoveries behind changes of the voters, and changes behind recoveries."""
    chain = recovered_twice()
    one, two = _bytes(*chain.recoveries)
    found = []
    for height in range(1, 12):
        for brought, needs in (((), 5), ((one,), 8), ((one, two), 11), ((two, one), 11), ((two,), 0)):
            name = f"two recoveries, of block {height}, with {[(one, two).index(file) + 1 for file in brought]}"
            found.append(Case(name, chain.receipt(height), brought, None, height <= needs))
    waiting = pending()
    found.append(Case("a change waits at a recovery", waiting.receipt(5), _bytes(*waiting.recoveries), None, True))
    for name, (height, make) in _RECOVERY_LIES.items():
        chain = make()
        chain.add()
        found.append(Case(name, chain.receipt(height), _bytes(*chain.recoveries), None, name.endswith("block")))
    return found


def _with_epochs(*epochs: Epoch) -> Callable[[], Changing]:
    """A recovery by node2 from block 3, whose changes are made up; it may then have lost others."""

    def make() -> Changing:
        chain = Changing()
        chain.add(3)
        chain.voters = epochs[-1].voters if epochs else voters(*A)
        chain.recover("node2", epochs=epochs)
        return chain

    return make


def _changed_at_its_block(header: Callable[[Header], Header]) -> Callable[[], Changing]:
    """A recovery from the very block that ended an epoch, or from another of its height."""

    def make() -> Changing:
        chain = Changing()
        chain.add()
        chain.change(*B)
        own = header(chain.header)
        chain.recover("node2", epochs=(Epoch(header=own, certificate=certificate(own, *A), voters=voters(*B)),))
        return chain

    return make


def _behind_the_recovery_before() -> Changing:
    chain = recovered_twice()
    del chain.recoveries[1]
    chain.voters = voters("node2", "node5")
    chain.recover("node5", epochs=(an_epoch(4, voters("node2"), voters("node2", "node5")),))
    return chain


def _again(**changes: Any) -> Callable[[], Changing]:
    """A second loss before a new block."""

    def make() -> Changing:
        chain = Changing()
        chain.add()
        chain.change(*A, "node4", "node5")
        chain.add()
        chain.recover("node1", "node2")
        chain.recover("node2", **changes)
        return chain

    return make


_RECOVERY_LIES: dict[str, tuple[int, Callable[[], Changing]]] = {
    "a recovery from an epoch's last block": (3, _changed_at_its_block(lambda header: header)),
    "a recovery from another block than an epoch's last": (3, _changed_at_its_block(
        lambda header: replace(header, time_ms=header.time_ms + 1))),
    "a recovery with a change above it": (4, _with_epochs(an_epoch(4, voters(*A), voters(*B)))),
    "a recovery with a change that strangers certify": (4, _with_epochs(
        an_epoch(2, voters(*A), voters(*B), by=voters("node7", "node8", "node9")))),
    "a recovery with a change of another chain": (4, _with_epochs(
        an_epoch(2, voters(*A), voters(*B), chain="other-00000000"))),
    "a recovery with a change from before the one before": (12, _behind_the_recovery_before),
    "a second recovery from the same block": (4, _again()),
    "a second recovery from another of its height": (4, _again(header="ab" * 32)),
}  # fmt: skip
"""Of each the height of a block above, and the chain; what ends in `block` holds."""


def known_cases() -> list[Case]:
    """Receipts held against a checkpoint that whoever checks knows to be of the chain."""
    chain, other, plain = grown(), branch(), Changing()
    plain.add(8)
    reopened = chain.receipt(1, 6, _reopened(chain))
    found = [Case("of a branch of old voters", other.receipt(8), (), None, True)]
    for height in range(9):
        checkpoint, strange, kept = (one.checkpoint(height) for one in (chain, other, plain))
        found += [
            Case(f"block {height} known", chain.receipt(1, 8), (), checkpoint, True),
            Case(f"opening block, block {height} known", chain.receipt(1, 3), (), checkpoint, True),
            Case(f"told by an opening block, block {height} known", reopened, (), checkpoint, True),
            Case(f"of a branch of old voters, block {height} known", other.receipt(8), (), checkpoint, height < 2),
            Case(f"block {height} known of a branch", chain.receipt(1, 8), (), strange, height < 2),
            Case(f"of another block 3, block {height} known", other.receipt(3, 8), (), kept, height not in (3, 8)),
        ]
    changed = Changing()
    changed.change(*B)
    found.append(Case("other voters known to follow", plain.receipt(2), (), changed.checkpoint(1), False))
    return found + known_beside_recoveries() + known_spelled(chain)


def known_beside_recoveries() -> list[Case]:
    """The same, where recoveries are accepted too. What comes after a change that waits, a recovery decides."""
    chain, waiting, strange = recovered_twice(), pending(), branch()
    newest, brought = chain.receipt(11), _bytes(*chain.recoveries)
    found = [Case(f"two recoveries, block {at} known", newest, brought, chain.checkpoint(at), True) for at in range(12)]
    newest, brought = waiting.receipt(5), _bytes(*waiting.recoveries)
    for at in range(6):
        found.append(Case(f"a change waits, block {at} known", newest, brought, waiting.checkpoint(at), True))
    another = encode({"header": replace(waiting.headers[2], time_ms=waiting.headers[2].time_ms + 1)})
    found.append(Case("a recovery from another block than is known", newest, brought, another, False))
    found.append(Case("below a recovery from another block than is known", waiting.receipt(1), brought, another, True))
    strange.recover("node1")
    strange.add()
    newest, brought = strange.receipt(9), _bytes(*strange.recoveries)
    found.append(Case("of a branch that an old voter recovered", newest, brought, None, True))
    for at in range(9):
        name = f"of a branch that an old voter recovered, block {at} known"
        found.append(Case(name, newest, brought, grown().checkpoint(at), at < 4))
    return found


def known_spelled(chain: Changing) -> list[Case]:
    """Checkpoints in other spellings, and what is none."""
    good, wrong = json.loads(chain.checkpoint(6)), json.loads(chain.checkpoint(6))
    wrong["certificate"] = json.loads(chain.checkpoint(5))["certificate"]
    header = good["header"]
    said = [
        ("a checkpoint spread over lines", json.dumps(good, indent=1).encode() + b"\n", True),
        ("a header alone", encode({"header": header}), True),
        ("a checkpoint with a member more", encode(good | {"more": None}), True),
        ("nothing", b"", False),
        ("no JSON", b"{", False),
        ("no object", b"[]", False),
        ("no header", encode({"certificate": good["certificate"]}), False),
        ("a header with a member more", encode({"header": header | {"more": 1}}), False),
        ("a header of another chain", encode({"header": header | {"chain": "other-00000000"}}), False),
        ("a checkpoint with another certificate", encode(wrong), False),
        ("a checkpoint whose certificate is none", encode(good | {"certificate": {}}), False),
        ("a checkpoint with half a certificate", encode(good | {"certificate": {"header": good["hash"]}}), False),
    ]
    newest = chain.receipt(8)
    return [Case(f"{name} as known", newest, (), data, holds) for name, data, holds in said]


def all_cases() -> list[Case]:
    """Every case."""
    made = [(name, data, True) for name, data in RECEIPTS.items()]
    for name, base, change in CHANGES:
        value = json.loads(RECEIPTS[base])
        change(value)
        made.append((f"{base} with {name}", encode(value), False))
    made += [(f"direct with {name}", data, False) for name, data in SPELLINGS]
    found = [Case(name, data, (), None, holds) for name, data, holds in made]
    found += [Case(name, data, brought, None, holds) for name, data, brought, holds in recovered_cases()]
    return found + epoch_cases() + recovered_epoch_cases() + known_cases()


def cases() -> list[dict[str, Any]]:
    """As the file has them: the receipt as text or, where it is none, in hex; what is brought where there is any."""
    found = []
    for case in all_cases():
        said: dict[str, Any] = {"name": case.name, **_written(case.receipt)}
        if case.recoveries:
            said["recoveries"] = [recovery.decode() for recovery in case.recoveries]
        if case.known is not None:
            said["known"] = case.known.decode()
        found.append(said | {"holds": case.holds})
    return found


def _written(data: bytes) -> dict[str, str]:
    try:
        return {"receipt": data.decode()}
    except UnicodeDecodeError:
        return {"receipt_hex": data.hex()}


def read_cases() -> tuple[bytes, list[Case]]:
    """The genesis and the cases of the file."""
    said = json.loads(FILE.read_bytes())
    found = []
    for case in said["cases"]:
        data = case["receipt"].encode() if "receipt" in case else bytes.fromhex(case["receipt_hex"])
        recoveries = tuple(recovery.encode() for recovery in case.get("recoveries", []))
        known = case["known"].encode() if "known" in case else None
        found.append(Case(case["name"], data, recoveries, known, case["holds"]))
    return said["genesis"].encode(), found


def file() -> bytes:
    """What the file says."""
    return (
        json.dumps({"genesis": encode(GENESIS).decode(), "cases": cases()}, indent=1, ensure_ascii=False) + "\n"
    ).encode()


if __name__ == "__main__":
    FILE.write_bytes(file())
    print(f"{len(cases())} cases")
