"""A chain in memory whose receipts tests issue, and attack."""

from __future__ import annotations

import json
from typing import Any

from consortium import State, a_genesis, key_of, registering
from msgspec.structs import replace

from ledger import state_tree
from ledger.block import Certificate, Endorsement, Header, Voter, Voters, endorse
from ledger.encoding import encode
from ledger.epochs import Epoch
from ledger.genesis import genesis_header
from ledger.merkle_log import MerkleLog, leaf_hash, previous_entry, transaction_entry
from ledger.receipt import build_receipt, encode_receipt
from ledger.state_tree import EMPTY, apply_changes

GENESIS = a_genesis()


class Chain:
    """A chain in memory, certified by whom the test wants."""

    def __init__(self) -> None:
        self.state = State(GENESIS)
        self.log = MerkleLog()
        self.header = genesis_header(GENESIS)
        self.headers: list[Header] = [self.header]

    def block(self, count: int, next_voters: Voters | None = None, certified_by: Voters | None = None) -> list[Any]:
        """Add a block of so many registrations; (transaction, outcome) each.

        Others than the header below names may certify it, and others again the next.
        """
        signed = [self.state.transaction("alice@studio", registering((self.state.height, n))) for n in range(count)]
        result = self.state.run(*signed)
        self.log.append(leaf_hash(previous_entry(self.header.hash)))
        for one, outcome in zip(signed, result.outcomes, strict=True):
            entry = transaction_entry(self.state.height, one.id, one.signatures_digest, outcome.digest)
            self.log.append(leaf_hash(entry))
        by = certified_by.digest if certified_by else self.header.next_voters_digest
        root = state_tree.root_hash(apply_changes(EMPTY, self.state.values.items())).hex()
        self.header = replace(
            self.header,
            height=self.state.height,
            term=1,
            previous=self.header.hash,
            time_ms=self.state.time_ms,
            log_size=self.log.size,
            log_root=self.log.root().hex(),
            state_root=root,
            voters_digest=by,
            next_voters_digest=next_voters.digest if next_voters else by,
        )
        self.headers.append(self.header)
        return list(zip(signed, result.outcomes, strict=True))


def certificate(header: Header, *nodes: str) -> Certificate:
    return Certificate(
        height=header.height,
        header=header.hash,
        endorsements=tuple(
            Endorsement(node=node, signature=endorse(key_of(node), header.hash)) for node in nodes or ("node1", "node3")
        ),
    )


def voters(*nodes: str) -> Voters:
    return Voters(voters=tuple(Voter(node=node, key=key_of(node).public) for node in nodes))


def receipts() -> dict[str, bytes]:
    """Receipts anchored at their own block, two blocks above, and behind two changes of the voters."""
    chain = Chain()
    chain.block(3)
    made = chain.block(5)
    chain.block(0)
    chain.block(4)
    signed, outcome = made[2]
    own, newest = chain.headers[2], chain.headers[4]
    first = own.log_size - 5 + 2
    four, others = voters("node1", "node2", "node3", "node4"), voters("node2", "node3", "node4")
    chain.block(1, four)
    chain.block(1)
    chain.block(1, others)
    chain.block(2)
    changes = (
        Epoch(header=chain.headers[5], certificate=certificate(chain.headers[5]), voters=four),
        Epoch(
            header=chain.headers[7], certificate=certificate(chain.headers[7], "node1", "node2", "node4"), voters=others
        ),
    )
    last = chain.header
    issued = {
        "direct": build_receipt(signed, outcome, first, own, own, certificate(own), chain.log),
        "later": build_receipt(signed, outcome, first, own, newest, certificate(newest), chain.log),
        "epochs": build_receipt(
            signed, outcome, first, own, last, certificate(last, "node3", "node4"), chain.log, changes
        ),
    }
    return {name: encode_receipt(receipt) for name, receipt in issued.items()}


RECEIPTS = receipts()


def fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything within a JSON value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += fields(inner, (*path, key))
    return found


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy of a JSON value that lacks one of its parts."""
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copy


def mixtures() -> list[bytes]:
    """Receipts made of two: one part from another."""
    found = []
    values = [json.loads(data) for data in RECEIPTS.values()]
    for base in values:
        for other in values:
            for key in sorted(set(base) | set(other)):
                mixed = {name: value for name, value in base.items() if name != key}
                if key in other:
                    mixed[key] = other[key]
                if mixed not in values:
                    found.append(encode(mixed))
    return found
