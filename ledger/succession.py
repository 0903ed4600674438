"""What makes a block the next one: how it links to the block below, and the header that executing it must give.

Shared by everybody who runs blocks: the node that builds one, the node that accepts it, the auditor who runs it again.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger import crypto, state_tree
from ledger.block import HEADER_VERSION, Block, Header, Outcome, Voter, Voters
from ledger.epochs import same_change
from ledger.events import StatementRegistered, VoterAdded, VoterRemoved
from ledger.merkle_log import MerkleLog, leaf_hash, previous_entry, transaction_entry
from ledger.transaction import SignedTransaction


def next_voters(voters: Voters, outcomes: Iterable[Outcome]) -> Voters:
    """Who certifies the block after one that these voters certify. A change that would leave nobody changes nothing."""
    by_name = {voter.node: voter for voter in voters.voters}
    for outcome in outcomes:
        for event in outcome.events:
            if isinstance(event, VoterAdded):
                by_name[event.node] = Voter(node=event.node, key=event.key)
            elif isinstance(event, VoterRemoved):
                by_name.pop(event.node, None)
    return Voters(voters=tuple(by_name[name] for name in sorted(by_name))) if by_name else voters


def changes_voters(header: Header) -> bool:
    """Whether others certify the block after this one."""
    return header.voters_digest != header.next_voters_digest


def continues(block: Block, below: Header) -> bool:
    """Whether a block above the last one of an epoch still belongs to it: an opening block, whose leader does not know
    yet that the change of voters is final."""
    header = block.header
    return changes_voters(below) and same_change(header, below) and header.term > below.term and not block.transactions


def linkage_fault(block: Block, below: Header, below_hash: str, voters: Voters) -> str | None:
    """Why a block may not follow the one below, or None if it may. Says nothing yet of what it carries."""
    header = block.header
    if header.height != below.height + 1 or header.previous != below_hash:
        return f"it does not follow block {below.height}"
    if header.time_ms <= below.time_ms:
        return "its time is not after the block below"
    if header.term < below.term:
        return "its term is below that of the block below"
    key = voters.key(header.proposer)
    if key is None or not crypto.verify(key, crypto.PROPOSAL, block.hash.encode(), block.proposal):
        return f"the signature of its proposer {header.proposer} does not verify"
    return None


def block_entries(
    below_hash: str, height: int, transactions: tuple[SignedTransaction, ...], outcomes: tuple[Outcome, ...]
) -> list[bytes]:
    """Entries that a block appends to the log: the header below, each statement, then each transaction and its outcome.

    They have 52, 32 and 120 bytes, so no entry of one kind is ever one of another.
    """
    entries = [previous_entry(below_hash), *statement_entries(outcomes)]
    for signed, outcome in zip(transactions, outcomes, strict=True):
        entries.append(transaction_entry(height, signed.id, signed.signatures_digest, outcome.digest))
    return entries


def statement_entries(outcomes: tuple[Outcome, ...]) -> list[bytes]:
    """Entries of the statements that a block registers, in order: the SHA-256 of each, and nothing else."""
    events = (event for outcome in outcomes for event in outcome.events)
    return [bytes.fromhex(event.digest) for event in events if isinstance(event, StatementRegistered)]


def block_leaves(
    below_hash: str, height: int, transactions: tuple[SignedTransaction, ...], outcomes: tuple[Outcome, ...]
) -> list[bytes]:
    """Hashes of the leaves that a block appends to the log."""
    return [leaf_hash(entry) for entry in block_entries(below_hash, height, transactions, outcomes)]


def next_header(
    below: Header,
    below_hash: str,
    *,
    term: int,
    time_ms: int,
    proposer: str,
    log: MerkleLog,
    tree: state_tree.TreeNode,
    voters: Voters,
    next_voters: Voters,
) -> Header:
    """The header of a block whose leaves are in the log and whose writes are in the tree.

    `voters` certify it, `next_voters` the block after it.
    """
    return Header(
        version=HEADER_VERSION,
        chain=below.chain,
        height=below.height + 1,
        term=term,
        previous=below_hash,
        time_ms=time_ms,
        proposer=proposer,
        log_size=log.size,
        log_root=log.root().hex(),
        state_root=state_tree.root_hash(tree).hex(),
        voters_digest=voters.digest,
        next_voters_digest=next_voters.digest,
    )


def differing_fields(found: Header, expected: Header) -> list[str]:
    """Names of the fields in which two headers differ."""
    return [name for name in found.__struct_fields__ if getattr(found, name) != getattr(expected, name)]
