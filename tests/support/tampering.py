"""The tampering corpus: small chains, each with one planted fault, and what an auditor has to find in it.

`tests/vectors/tampering/` holds them as archives that any auditor can be run against, with `expected.json`. Run as a
program, with the project's root and this folder on the path, this writes them anew after a change of format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from consortium import State, a_genesis, for_sale, key_of, registering
from msgspec.structs import replace
from receipts import certificate, voters

from ledger import actions, archive, crypto, state_tree
from ledger.audit import Fault
from ledger.block import Block, Certificate, Endorsement, Header, Outcome
from ledger.encoding import encode
from ledger.genesis import Genesis, genesis_header
from ledger.merkle_log import MerkleLog
from ledger.receipt import build_receipt, encode_receipt
from ledger.recovery import Recovery, SignedRecovery
from ledger.succession import block_leaves, next_header
from ledger.transaction import SignedTransaction

FOLDER = Path(__file__).parents[1] / "vectors" / "tampering"
GENESIS = a_genesis()
ALL = ("node1", "node2", "node3")
Lines = list[bytes]


class Keeper:
    """Who keeps a chain and writes its archive; with every node's key at hand, so that it can lie with certificates."""

    def __init__(self, genesis: Genesis = GENESIS) -> None:
        self.genesis = genesis
        self.state = State(genesis)
        self.header = genesis_header(genesis)
        self.log = MerkleLog()
        self.blocks: list[tuple[Block, tuple[Outcome, ...], Certificate]] = []
        self.nodes = tuple(node.name for node in genesis.nodes)
        self.leader, self.term, self.recoveries = "node2", 1, 0

    def block(
        self,
        *transactions: SignedTransaction,
        carried: tuple[SignedTransaction, ...] | None = None,
        forged: Callable[[dict[str, bytes]], None] = lambda values: None,
        unheard: int = 0,
        advance_ms: int = 1_000,
        **changes: Any,
    ) -> None:
        """Run transactions and add their block; all that is given beside them is a lie of the keeper.

        Transactions that it `carried` instead, `forged` state, leaves `unheard` before the last, header `changes`.
        """
        result = self.state.run(*transactions, advance_ms=advance_ms)
        forged(self.state.values)
        put = transactions if carried is None else carried
        outcomes = ((*result.outcomes, Outcome(code="OK")) * 9)[: len(put)]
        first, *leaves = block_leaves(self.header.hash, self.state.height, put, outcomes)
        for leaf in (first, *leaves[unheard:]):
            self.log.append(leaf)
        header = next_header(
            self.header,
            self.header.hash,
            term=self.term,
            time_ms=self.state.time_ms,
            proposer=self.leader,
            log=self.log,
            tree=state_tree.apply_changes(state_tree.EMPTY, self.state.values.items()),
            voters=voters(*self.nodes),
            next_voters=voters(*self.nodes),
        )
        self.header = replace(header, **changes)
        proposal = key_of(self.leader).sign(crypto.PROPOSAL, self.header.hash.encode())
        self.blocks.append((Block(self.header, proposal, put), outcomes, certificate(self.header, *self.nodes)))

    def recover(self, *left: str, by: tuple[str, ...] | None = None, **changes: Any) -> bytes:
        """Go on with the nodes that are left; the recovery, with lies: signed by others, or with `changes`."""
        self.recoveries += 1
        parts: dict[str, Any] = {
            "version": 1,
            "chain": self.genesis.chain,
            "number": self.recoveries,
            "height": self.header.height,
            "term": self.term,
            "header": self.header.hash,
            "voters": voters(*left),
            "lost": tuple(node for node in self.nodes if node not in left),
            "reason": "a fire",
            "time_ms": self.state.time_ms,
        }
        recovery = Recovery(**(parts | changes))
        words = tuple(
            Endorsement(node=node, signature=key_of(node).sign(crypto.RECOVERY, recovery.signed_bytes))
            for node in (left if by is None else by)
        )
        self.nodes, self.leader, self.term = left, left[0], self.term + 1
        return encode(SignedRecovery(recovery=recovery, signatures=words))

    def story(self, more: Callable[[Keeper], None] = lambda keeper: None) -> Keeper:
        """A little market: a picture is recorded, minted, listed, bought, money paid; one transaction is refused."""
        state = self.state
        self.block()
        self.block(
            state.transaction(
                "alice@studio", registering("one"), actions.MintToken(asset=registering("one").pixel_digest)
            )
        )
        token = for_sale(State(self.genesis), "one")
        listing = actions.ListToken(token=token, price=1_000, currency="EUR", until_ms=state.time_ms + 900_000)
        self.block(
            state.transaction("alice@studio", listing),
            state.transaction("bob@agency", actions.Pay(to="carol@club", amount=25, currency="EUR")),
            state.transaction("bob@agency", actions.Pay(to="carol@club", amount=10**9, currency="EUR")),
        )
        more(self)
        self.block(state.transaction("bob@agency", actions.BuyToken(token=token, price=1_000, currency="EUR")))
        self.block(state.transaction("carol@club", registering("two")))
        return self

    def lines(self, *, whole: bool = False) -> Lines:
        """The archive; with the state and the index if it is whole."""
        found = [archive.opening_line(self.genesis, whole=whole)]
        found += [archive.block_line(*block) for block in self.blocks]
        if whole:
            found += [archive.state_line(key, value) for key, value in sorted(self.state.values.items())]
            for block, _, _ in self.blocks:
                for position, signed in enumerate(block.transactions):
                    found.append(archive.place_line(signed.id, block.header.height, position))
        return [*found, archive.closing_line(self.header)]

    def receipt(self, height: int) -> bytes:
        """Receipt of the first transaction of a block, anchored at that block."""
        block, outcomes, proof = self.blocks[height - 1]
        log = MerkleLog()
        below = genesis_header(self.genesis).hash
        for other, results, _ in self.blocks[:height]:
            for leaf in block_leaves(below, other.header.height, other.transactions, results):
                log.append(leaf)
            below = other.hash
        first = block.header.log_size - len(block.transactions)
        made = build_receipt(block.transactions[0], outcomes[0], first, block.header, block.header, proof, log)
        return encode_receipt(made)


def edited(height: int, edit: Callable[[Any], Any]) -> Lines:
    """The story's archive with the line of one block changed, and nothing made to fit."""
    lines = Keeper().story().lines()
    value = json.loads(lines[height])
    edit(value["block"])
    return [*lines[:height], encode(value) + b"\n", *lines[height + 1 :]]


def lied(more: Callable[[Keeper], None]) -> Lines:
    """A story into which its keeper puts a lie as block 4, endorsed by every node."""
    return Keeper().story(more).lines()


def signed_by_another(keeper: Keeper) -> None:
    honest = keeper.state.transaction("bob@agency", actions.Pay(to="carol@club", amount=5, currency="EUR"))
    forged = key_of("carol@club").sign(crypto.TRANSACTION, honest.body)
    keeper.block(SignedTransaction(honest.body, (forged,), honest.transaction))


def unsigned(keeper: Keeper) -> None:
    honest = keeper.state.transaction("bob@agency", actions.Pay(to="carol@club", amount=5, currency="EUR"))
    keeper.block(carried=(SignedTransaction(honest.body, (), honest.transaction),))


def late(keeper: Keeper) -> None:
    pay = actions.Pay(to="carol@club", amount=5, currency="EUR")
    keeper.block(carried=(keeper.state.transaction("bob@agency", pay, valid_until_ms=keeper.state.time_ms),))


def foreign(keeper: Keeper) -> None:
    keeper.block(carried=(keeper.state.transaction("bob@agency", registering("x"), chain="other-00000000"),))


def again(keeper: Keeper) -> None:
    keeper.block(carried=keeper.blocks[1][0].transactions)


def twice(keeper: Keeper) -> None:
    one = keeper.state.transaction("carol@club", registering("x"))
    keeper.block(carried=(one, one))


def stating(keeper: Keeper, unheard: int = 0) -> None:
    """A statement is registered; the keeper may leave it out of the log."""
    ask = actions.RegisterStatement(digest="5a" * 32, issuer="alice@studio", subject="a picture")
    keeper.block(keeper.state.transaction("notary@studio", ask), unheard=unheard)


def enriched(values: dict[str, bytes]) -> None:
    values["balance/carol@club/EUR"] = b"999999"


def robbed(values: dict[str, bytes]) -> None:
    key = next(key for key in values if key.startswith("token/"))
    values[key] = values[key].replace(b"alice@studio", b"carol@club")


def forked() -> tuple[Lines, bytes]:
    other = Keeper().story(lambda keeper: keeper.block(keeper.state.transaction("carol@club", registering("three"))))
    return other.lines(), Keeper().story().receipt(4)


def cut_short() -> tuple[Lines, bytes]:
    whole, short = Keeper().story(), Keeper().story()
    del short.blocks[-1]
    short.header = short.blocks[-1][0].header
    return short.lines(), whole.receipt(5)


def without_certificates() -> Lines:
    lines = Keeper().story().lines()
    return [json_edit(line, lambda block: block.pop("certificate")) for line in lines]


def json_edit(line: bytes, edit: Callable[[Any], Any]) -> bytes:
    value = json.loads(line)
    if "block" not in value:
        return line
    edit(value["block"])
    return encode(value) + b"\n"


def with_line(kind: bytes, change: Callable[[bytes], bytes | None]) -> Lines:
    """The whole archive with its first line of a kind changed or, where nothing comes back, left out."""
    lines = Keeper().story().lines(whole=True)
    at = next(at for at, line in enumerate(lines) if line.startswith(kind))
    changed = change(lines[at])
    return [*lines[:at], *([] if changed is None else [changed]), *lines[at + 1 :]]


def told_early() -> Lines:
    """A whole archive whose first state line stands before its last block."""
    lines = Keeper().story().lines(whole=True)
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


def moved(line: bytes) -> bytes:
    value = json.loads(line)
    value["located"]["position"] += 1
    return encode(value) + b"\n"


def recovered(left: str = "node1", **lies: Any) -> tuple[Keeper, bytes]:
    """A chain of two blocks before a recovery and two after; the recovery."""
    keeper = Keeper()
    keeper.block(keeper.state.transaction("carol@club", registering("one")))
    keeper.block()
    recovery = keeper.recover(left, **lies)
    keeper.block(keeper.state.transaction("carol@club", registering("two")))
    keeper.block()
    return keeper, recovery


def dropped() -> bytes:
    """Receipt of the block that the recovery of the same chain dropped."""
    keeper = Keeper()
    for block, _, _ in recovered()[0].blocks[:2]:
        keeper.block(*block.transactions)
    keeper.block(keeper.state.transaction("carol@club", registering("lost")))
    return keeper.receipt(3)


class Case(NamedTuple):
    """A chain, and what is to be said of it."""

    name: str
    lines: Lines
    receipt: bytes | None
    """Given as evidence."""
    fault: Fault | None
    """To be found; None: the chain holds."""
    height: int
    """Where."""
    recovery: bytes | None = None
    """Accepted by the auditor."""


def swapped(lines: Lines, one: int, other: int) -> Lines:
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _certificate(*nodes: str) -> Callable[[Any], Any]:
    def edit(block: Any) -> None:
        header = msgspec.convert(block["header"], Header)
        block["certificate"] = json.loads(encode(certificate(header, *nodes)))

    return edit


def cases() -> list[Case]:
    """Every case."""
    good, fork, cut = Keeper().story(), forked(), cut_short()
    lines = good.lines()
    token = encode({"state": {"key": "token/" + "00" * 32, "value": 1}}) + b"\n"
    last = len(lines) - 1
    edits: list[tuple[str, int, Callable[[Any], Any], Fault]] = [
        ("amount changed in a transaction", 3, lambda b: b["transactions"][1]["transaction"]["actions"][0].update(amount=26), Fault.OUTCOME_DIFFERS),
        ("memo added to a transaction", 2, lambda b: b["transactions"][0]["transaction"].update(memo="x"), Fault.HEADER_DIFFERS),
        ("signature of zeros", 2, lambda b: b["transactions"][0].update(signatures=["00" * 64]), Fault.HEADER_DIFFERS),
        ("outcome turned good", 3, lambda b: b["outcomes"][2].update(code="OK"), Fault.OUTCOME_DIFFERS),
        ("royalty kept back in an outcome", 4, lambda b: b["outcomes"][0]["events"][0]["payments"][0].update(amount=1), Fault.OUTCOME_DIFFERS),
        ("outcome left out", 3, lambda b: b["outcomes"].pop(), Fault.OUTCOME_DIFFERS),
        ("transaction left out", 3, lambda b: (b["transactions"].pop(), b["outcomes"].pop()), Fault.HEADER_DIFFERS),
        ("transactions in another order", 3, lambda b: (b["transactions"].reverse(), b["outcomes"].reverse()), Fault.HEADER_DIFFERS),
        ("time changed in a header", 2, lambda b: b["header"].update(time_ms=b["header"]["time_ms"] + 1), Fault.LINK_BROKEN),
        ("state root changed in a header", 2, lambda b: b["header"].update(state_root="ab" * 32), Fault.LINK_BROKEN),
        ("proposal of zeros", 2, lambda b: b.update(proposal="00" * 64), Fault.LINK_BROKEN),
        ("proposer changed", 2, lambda b: b["header"].update(proposer="node1"), Fault.LINK_BROKEN),
        ("certificate of one node", 3, _certificate("node3"), Fault.CERTIFICATE_INVALID),
        ("certificate with a stranger", 3, _certificate("node1", "node9"), Fault.CERTIFICATE_INVALID),
        ("certificate of another block", 3, lambda b: b.update(certificate=json.loads(encode(certificate(good.header, *ALL)))), Fault.CERTIFICATE_INVALID),
    ]  # fmt: skip
    lies: list[tuple[str, Callable[[Keeper], None], Fault]] = [
        ("all nodes endorse a transaction signed by another", signed_by_another, Fault.SIGNATURE_INVALID),
        ("all nodes endorse a transaction nobody signed", unsigned, Fault.BLOCK_INVALID),
        ("all nodes endorse an expired transaction", late, Fault.BLOCK_INVALID),
        ("all nodes endorse a transaction of another chain", foreign, Fault.BLOCK_INVALID),
        ("all nodes endorse a transaction done before", again, Fault.BLOCK_INVALID),
        ("all nodes endorse a transaction twice in a block", twice, Fault.BLOCK_INVALID),
        ("all nodes endorse money from nothing", lambda k: k.block(forged=enriched), Fault.HEADER_DIFFERS),
        ("all nodes endorse a stolen token", lambda k: k.block(forged=robbed), Fault.HEADER_DIFFERS),
        ("all nodes endorse another log", lambda k: k.block(log_root="ab" * 32), Fault.HEADER_DIFFERS),
        ("all nodes endorse a log that shrank", lambda k: k.block(log_size=2), Fault.HEADER_DIFFERS),
        ("all nodes endorse other voters", lambda k: k.block(next_voters_digest="ab" * 32), Fault.HEADER_DIFFERS),
        ("all nodes endorse a time before the last", lambda k: k.block(time_ms=k.genesis.time_ms), Fault.LINK_BROKEN),
        ("all nodes endorse a term before the last", lambda k: k.block(term=0), Fault.LINK_BROKEN),
        ("all nodes endorse a height left out", lambda k: k.block(height=5), Fault.LINK_BROKEN),
    ]
    spelled = lines[2].replace(b'"transaction":{', b'"transaction":{ ', 1)
    found: list[tuple[str, Lines, bytes | None, Fault | None, int]] = [
        ("sound", lines, None, None, 0),
        ("sound with state and index", good.lines(whole=True), good.receipt(5), None, 0),
        ("tail removed, a receipt remembers", cut[0], cut[1], Fault.TRUNCATED, 4),
        ("other branch, a receipt remembers", fork[0], fork[1], Fault.FORKED, 4),
        ("no certificates", without_certificates(), None, Fault.UNCERTIFIED, 5),
        ("block left out", [*lines[:3], *lines[4:]], None, Fault.LINK_BROKEN, 3),
        ("blocks in another order", swapped(good.lines(), 2, 3), None, Fault.LINK_BROKEN, 2),
        ("transaction spelled with a space", [*lines[:2], spelled, *lines[3:]], None, Fault.BLOCK_MALFORMED, 2),
        ("cut in a line", [*lines[:4], lines[4][:-40]], None, Fault.ARCHIVE_MALFORMED, 4),
        ("cut between lines", lines[:4], None, Fault.ARCHIVE_CUT, 3),
        ("last line names another block", [*lines[:last], archive.closing_line(good.blocks[2][0].header)], None, Fault.ARCHIVE_CUT, 5),
        ("something after the last line", [*lines, token], None, Fault.ARCHIVE_MALFORMED, 5),
        ("another genesis", Keeper(a_genesis(name="other")).story().lines(), None, Fault.GENESIS_DIFFERS, 0),
        ("no first line", lines[1:], None, Fault.ARCHIVE_MALFORMED, 0),
        ("balance changed in the state", with_line(b'{"state":{"key":"balance', lambda line: line.replace(b'"value":', b'"value":9')), None, Fault.STATE_DIFFERS, 5),
        ("owner changed in the state", with_line(b'{"state":{"key":"token', lambda line: line.replace(b"bob@agency", b"carol@club")), None, Fault.STATE_DIFFERS, 5),
        ("key missing from the state", with_line(b'{"state":{"key":"token', lambda line: None), None, Fault.STATE_DIFFERS, 5),
        ("key added to the state", with_line(b'{"state":{"key":"token', lambda line: line + token), None, Fault.STATE_DIFFERS, 5),
        ("state told before the last block", told_early(), None, Fault.ARCHIVE_MALFORMED, 4),
        ("state left out of a whole archive", [line for line in good.lines(whole=True) if not line.startswith(b'{"state"')], None, Fault.STATE_DIFFERS, 5),
        ("state where none is promised", [*lines[:last], archive.state_line("x", b"1"), lines[last]], None, Fault.ARCHIVE_MALFORMED, 5),
        ("place missing from the index", with_line(b'{"located"', lambda line: None), None, Fault.INDEX_DIFFERS, 5),
        ("place told twice", with_line(b'{"located"', lambda line: line + line), None, Fault.INDEX_DIFFERS, 5),
        ("place changed in the index", with_line(b'{"located"', moved), None, Fault.INDEX_DIFFERS, 5),
    ]  # fmt: skip
    found += [(name, edited(height, edit), None, fault, height) for name, height, edit, fault in edits]
    found += [(name, lied(lie), None, fault, 4) for name, lie, fault in lies]
    return [Case(*one) for one in found] + recovered_cases() + statement_cases()


def recovered_cases() -> list[Case]:
    """Chains that went on after a recovery, or are said to have."""
    (kept, recovery), (_, other) = recovered(), recovered(header="ab" * 32)
    lines, receipt = kept.lines(), kept.receipt(3)
    below = [*lines[:2], archive.closing_line(kept.blocks[0][0].header)]
    return [
        Case("sound after a recovery", lines, receipt, None, 0, recovery),
        Case("recovery not accepted", lines, None, Fault.HEADER_DIFFERS, 3),
        Case("recovery goes on from another block", lines, None, Fault.RECOVERY_DIFFERS, 2, other),
        Case("cut below the recovery", below, None, Fault.RECOVERY_DIFFERS, 1, recovery),
        Case("recovery dropped a block, a receipt remembers", lines, dropped(), Fault.FORKED, 3, recovery),
    ]


def statement_cases() -> list[Case]:
    """Chains into whose log a statement was put, or should have been."""
    unheard = lied(lambda keeper: stating(keeper, unheard=1))
    return [
        Case("sound with a statement", Keeper().story(stating).lines(whole=True), None, None, 0),
        Case("all nodes endorse a log without its statement", unheard, None, Fault.HEADER_DIFFERS, 4),
    ]


def files() -> dict[str, bytes]:
    """Every file of the corpus by name."""
    found, expected = {"genesis.json": encode(GENESIS) + b"\n"}, []
    for number, case in enumerate(cases()):
        file = f"{number:02d}_{case.name.replace(' ', '_').replace(',', '')}.jsonl"
        found[file] = b"".join(case.lines)
        fault = None if case.fault is None else case.fault.name
        entry: dict[str, Any] = {"archive": file, "fault": fault, "height": case.height}
        for kind, data in (("receipt", case.receipt), ("recovery", case.recovery)):
            if data is not None:
                entry[kind] = file.replace(".jsonl", f".{kind}.json")
                found[entry[kind]] = data
        expected.append(entry)
    found["expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
    print(f"{len(cases())} cases")
