"""The archive: a whole chain as text, one canonical JSON object a line, for auditors and analysts in any language.

    {"archive":1,"genesis":{…},"whole":true}                        first; whole: with state and index
    {"archive":1,"genesis":{…},"start":{"header":{…},…}}            instead: it starts above a certified block
    {"state":{"key":"token/…","value":{…}}}                         if it has a start: the whole state there, in order
    {"block":{"certificate":{…},"header":{…},"height":1,…}}         every block in order
    {"state":{"key":"token/…","value":{…}}}                        if whole: what a node's state holds, after the blocks
    {"located":{"height":…,"position":…,"transaction":"…"}}         if whole: where a node's index says transactions are
    {"end":{"hash":"…","height":…}}                                 last, so that a cut file is told from a short chain

What a block did (`outcomes`) and its certificate are what the node claims; an audit holds them against its own.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.block import Block, Certificate, Header, Outcome
from ledger.encoding import decode, encode
from ledger.epochs import Epochs
from ledger.genesis import Genesis
from ledger.names import Count, Hex32, Hex64
from ledger.transaction import SignedTransaction, parse_signed

ARCHIVE_VERSION = 1
LINE_BYTES_MAX = 64 * 1024 * 1024


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of what stands on a line."""


class ArchivedTransaction(_Line, frozen=True, kw_only=True):
    signatures: Annotated[tuple[Hex64, ...], Meta(max_length=64)]
    transaction: msgspec.Raw


class ArchivedBlock(_Line, frozen=True, kw_only=True):
    header: Header
    proposal: Hex64
    transactions: tuple[ArchivedTransaction, ...]
    outcomes: tuple[Outcome, ...]
    certificate: Certificate | UnsetType = UNSET

    def block(self) -> Block:
        """The block itself. LedgerError if a transaction is not canonical."""
        transactions = tuple(parse_signed(bytes(one.transaction), one.signatures) for one in self.transactions)
        return Block(self.header, self.proposal, transactions)


class ArchivedState(_Line, frozen=True, kw_only=True):
    key: str
    value: msgspec.Raw


class ArchivedPlace(_Line, frozen=True, kw_only=True):
    transaction: Hex32
    height: Count
    position: Count


class ArchivedStart(_Line, frozen=True, kw_only=True):
    """Where an archive starts that does not go back to the genesis: a final block, and the log's peaks there."""

    header: Header
    certificate: Certificate
    epochs: Epochs = ()
    """Up to the header, its own included if it names other voters (`ledger.epochs.epochs_of_start`)."""
    peaks: Annotated[tuple[Hex32, ...], Meta(max_length=64)]


class ArchiveEnd(_Line, frozen=True, kw_only=True):
    height: Count
    hash: Hex32


class ArchiveLine(_Line, frozen=True, kw_only=True):
    """One line. Exactly one of its members is present, except in the first line, whose members come together."""

    archive: int | UnsetType = UNSET
    genesis: Genesis | UnsetType = UNSET
    whole: bool = False
    start: ArchivedStart | UnsetType = UNSET
    block: ArchivedBlock | UnsetType = UNSET
    state: ArchivedState | UnsetType = UNSET
    located: ArchivedPlace | UnsetType = UNSET
    end: ArchiveEnd | UnsetType = UNSET


def parse_line(data: bytes) -> ArchiveLine:
    """What a line says, with or without its line feed. LedgerError if it is no line of an archive."""
    return decode(data.removesuffix(b"\n"), ArchiveLine)


def opening_line(genesis: Genesis, *, whole: bool = False, start: ArchivedStart | UnsetType = UNSET) -> bytes:
    return encode(ArchiveLine(archive=ARCHIVE_VERSION, genesis=genesis, whole=whole, start=start)) + b"\n"


def block_line(block: Block, outcomes: tuple[Outcome, ...], certificate: Certificate | None) -> bytes:
    archived = ArchivedBlock(
        header=block.header,
        proposal=block.proposal,
        transactions=tuple(_transaction(signed) for signed in block.transactions),
        outcomes=outcomes,
        certificate=UNSET if certificate is None else certificate,
    )
    return encode(ArchiveLine(block=archived)) + b"\n"


def state_line(key: str, value: bytes) -> bytes:
    return encode(ArchiveLine(state=ArchivedState(key=key, value=msgspec.Raw(value)))) + b"\n"


def place_line(transaction: str, height: int, position: int) -> bytes:
    return encode(ArchiveLine(located=ArchivedPlace(transaction=transaction, height=height, position=position))) + b"\n"


def closing_line(header: Header) -> bytes:
    return encode(ArchiveLine(end=ArchiveEnd(height=header.height, hash=header.hash))) + b"\n"


def _transaction(signed: SignedTransaction) -> ArchivedTransaction:
    return ArchivedTransaction(signatures=signed.signatures, transaction=msgspec.Raw(signed.body))
