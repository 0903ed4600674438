"""State with its proof: what stood under some keys, or that nothing did, at a certified height.

One answer holds any number of keys under one header, so that what it says of them is true at the same moment. It is
checked with the genesis alone, like a receipt.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.block import Certificate, Header
from ledger.encoding import decode
from ledger.epochs import PROOF_BYTES_MAX, Epochs
from ledger.errors import LedgerError, Refused
from ledger.finality import NotFinal, check_final
from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.state_tree import StateProof, TreeNode, proof_holds, prove

ANSWER_VERSION = 1
KEYS_MAX = 100


class StateAnswerRefused(Refused):
    """The answer does not prove what it says. Trust nothing in it; its text says what failed."""


class ProvenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One key with its value, or without one, and why that is so."""

    key: Annotated[str, Meta(min_length=1, max_length=512)]
    """As in `ledger/records.py`, such as `token/<id>` or `balance/alice@acme/EUR`."""
    value: msgspec.Raw | UnsetType = UNSET
    """The record's canonical JSON; absent if there was none."""
    proof: StateProof


class StateAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Entries of the state at a header, and why that header is final."""

    version: int
    header: Header
    certificate: Certificate
    epochs: Epochs = ()
    entries: Annotated[tuple[ProvenEntry, ...], Meta(min_length=1, max_length=KEYS_MAX)]

    def value(self, key: str) -> bytes | None:
        """What stood under a key of the answer. KeyError if it says nothing about the key."""
        for entry in self.entries:
            if entry.key == key:
                return None if isinstance(entry.value, UnsetType) else bytes(entry.value)
        raise KeyError(key)


def prove_entries(values: dict[str, bytes | None], tree: TreeNode) -> tuple[ProvenEntry, ...]:
    """Entries for keys whose values are those of the tree."""
    return tuple(
        ProvenEntry(key=key, value=UNSET if value is None else msgspec.Raw(value), proof=prove(tree, key))
        for key, value in values.items()
    )


def verify_state_answer(
    data: bytes, genesis: Genesis, recoveries: Recoveries = (), known: Header | None = None
) -> StateAnswer:
    """The answer, if it proves its entries on the chain of this genesis; else StateAnswerRefused.

    `recoveries` are those of the chain that whoever checks has accepted, `known` a header that they know to be of it.
    """
    _require(len(data) <= PROOF_BYTES_MAX, f"{len(data)} bytes, an answer has at most {PROOF_BYTES_MAX}")
    try:
        answer = decode(data, StateAnswer)
    except LedgerError as error:
        raise StateAnswerRefused(f"this is no answer about the state: {error}") from None
    _require(answer.version == ANSWER_VERSION, f"version {answer.version} is not known here")
    _require(len({entry.key for entry in answer.entries}) == len(answer.entries), "it names a key twice")
    try:
        check_final(answer.header, answer.certificate, answer.epochs, genesis, recoveries, known)
    except NotFinal as fault:
        raise StateAnswerRefused(str(fault)) from None
    root = bytes.fromhex(answer.header.state_root)
    for entry in answer.entries:
        holds = proof_holds(root, entry.key, answer.value(entry.key), entry.proof)
        _require(holds, f"what it says of {entry.key} is not in the state")
    return answer


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise StateAnswerRefused(fault)
