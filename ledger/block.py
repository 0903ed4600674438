"""Blocks and what is signed about them: header, proposal, endorsement, certificate, outcome.

A header is all that is hashed, linked and signed; it binds the whole history by `log_root` and the whole state by
`state_root`. An endorsement is a node's signature on a header, given once it has executed the block and made it
durable. Endorsements from a majority of the voters on one header are a certificate: the block and all before it are
final. Certificates are never hashed into later blocks, so the chain's bytes do not depend on who answered first.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger import crypto
from ledger.encoding import Value, encode
from ledger.events import AnyEvent
from ledger.names import ChainName, Count, Hex32, Hex64, NodeName, TimeMs
from ledger.transaction import SignedTransaction, parse_signed, restore_signed

HEADER_VERSION = 1


class Header(Value, frozen=True, kw_only=True):
    """What a certificate signs: the whole history up to this block, in a few hundred bytes."""

    version: Count
    """Form of this header."""
    chain: ChainName
    height: Count
    """Position in the chain; the genesis block is 0. Equals the Raft index."""
    term: Count
    """Consensus term in which the block was first proposed; it never changes afterwards."""
    previous: Hex32
    """Hash of the header below; zeros for genesis."""
    time_ms: TimeMs
    """max(the proposer's clock, the time of the block below + 1). Rules see this time and no other."""
    proposer: NodeName
    log_size: Count
    """Leaves of the log after this block."""
    log_root: Hex32
    state_root: Hex32
    voters_digest: Hex32
    """Of the voters who certify this block."""
    next_voters_digest: Hex32
    """Of the voters who certify the next one."""

    @property
    def hash(self) -> str:
        """Digest of the header, 64 hex digits."""
        return crypto.digest(crypto.HEADER, encode(self))


class Decision(Value, frozen=True, kw_only=True):
    """What the rules said about one action of a transaction."""

    action: Count
    """Position of the action in the transaction."""
    kind: str
    """What was to be decided: `view`, `sale`, …"""
    code: str
    """`PERMITTED`, or why not."""
    policy: str
    """`name@version` of the policy whose rule decided; if no rule did, of all policies that had a say."""
    rule: str
    digest: Hex32
    """Of the whole explanation, which is kept beside the chain."""


class Outcome(Value, frozen=True, kw_only=True):
    """What a transaction did; part of the log for ever."""

    code: str
    """`OK`, or the permanent code of the refusal."""
    action: Count | UnsetType = UNSET
    """Position of the action that was refused."""
    decisions: tuple[Decision, ...] = ()
    events: tuple[AnyEvent, ...] = ()

    @property
    def digest(self) -> bytes:
        """32 bytes binding the outcome."""
        return crypto.sha256(crypto.OUTCOME + encode(self))


OK = "OK"


class Endorsement(Value, frozen=True, kw_only=True):
    """One node's signature (`remarque/endorsement/v1` + header hash) on a header."""

    node: NodeName
    signature: Hex64


class Certificate(Value, frozen=True, kw_only=True):
    """Endorsements from a majority of the voters on one header."""

    height: Count
    header: Hex32
    """Hash of the header they endorse."""
    endorsements: Annotated[tuple[Endorsement, ...], Meta(min_length=1, max_length=64)]


class Voter(Value, frozen=True, kw_only=True):
    """A node whose endorsement counts."""

    node: NodeName
    key: Hex32


class Voters(Value, frozen=True, kw_only=True):
    """The set of nodes that certify, sorted by name."""

    voters: Annotated[tuple[Voter, ...], Meta(min_length=1, max_length=64)]

    @property
    def digest(self) -> str:
        """What headers name the set by."""
        return crypto.digest(crypto.VOTERS, encode(self))

    @property
    def majority(self) -> int:
        """How many endorsements make a certificate."""
        return len(self.voters) // 2 + 1

    def key(self, node: str) -> str | None:
        """Public key of a voter, or None if the node is not one."""
        return next((voter.key for voter in self.voters if voter.node == node), None)


def endorse(key: crypto.SigningKey, header_hash: str) -> str:
    """A node's endorsement of a header it has executed and made durable."""
    return key.sign(crypto.ENDORSEMENT, header_hash.encode())


def endorsement_holds(public: str, header_hash: str, signature: str) -> bool:
    """Whether an endorsement verifies under a node's key."""
    return crypto.verify(public, crypto.ENDORSEMENT, header_hash.encode(), signature)


def certificate_fault(certificate: Certificate, header: Header, voters: Voters) -> str | None:
    """Why a certificate does not make a header final, or None if it does."""
    if certificate.height != header.height or certificate.header != header.hash:
        return "the certificate is for another header"
    if header.voters_digest != voters.digest:
        return "the header names other voters"
    nodes = [endorsement.node for endorsement in certificate.endorsements]
    if nodes != sorted(set(nodes)):
        return "endorsements are not sorted by node, or one node endorses twice"
    if len(nodes) < voters.majority:
        return f"{len(nodes)} endorsements, a majority is {voters.majority}"
    for endorsement in certificate.endorsements:
        key = voters.key(endorsement.node)
        if key is None:
            return f"{endorsement.node} is not a voter"
        if not endorsement_holds(key, certificate.header, endorsement.signature):
            return f"{endorsement.node}'s endorsement does not verify"
    return None


class Block:
    """A header, its proposer's signature, and the transactions it orders, with their exact bytes."""

    __slots__ = ("hash", "header", "proposal", "transactions")

    def __init__(self, header: Header, proposal: str, transactions: tuple[SignedTransaction, ...]) -> None:
        self.header = header
        self.hash = header.hash
        self.proposal = proposal
        """The proposer's signature over `remarque/proposal/v1` + header hash."""
        self.transactions = transactions


class _BlockFrame(msgspec.Struct, frozen=True, array_like=True):
    header: bytes
    proposal: bytes
    transactions: tuple[tuple[bytes, tuple[bytes, ...]], ...]


_frame_decoder = msgspec.msgpack.Decoder(_BlockFrame)
_header_decoder = msgspec.json.Decoder(Header)


def encode_block(block: Block) -> bytes:
    """MessagePack frame of a block, carrying header and transactions untouched."""
    transactions = tuple(
        (signed.body, tuple(bytes.fromhex(signature) for signature in signed.signatures))
        for signed in block.transactions
    )
    return msgspec.msgpack.encode(_BlockFrame(encode(block.header), bytes.fromhex(block.proposal), transactions))


def decode_block(data: bytes, *, trusted: bool = False) -> Block:
    """Block from its frame. Raises msgspec.DecodeError or LedgerError on anything that is not one.

    `trusted` skips the check for canonical bytes: for blocks this node has checked before.
    """
    try:
        frame = _frame_decoder.decode(data)
        header = _header_decoder.decode(frame.header)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.ValidationError(f"it is not UTF-8, or nested too deep: {error}") from None
    if encode(header) != frame.header:
        raise msgspec.ValidationError("the header is not canonical")
    parse = restore_signed if trusted else parse_signed
    return Block(
        header,
        frame.proposal.hex(),
        tuple(
            parse(body, tuple(signature.hex() for signature in signatures)) for body, signatures in frame.transactions
        ),
    )


def decode_header(data: bytes) -> Header:
    """Only the header of a block's frame, without decoding its transactions."""
    return _header_decoder.decode(_frame_decoder.decode(data).header)
