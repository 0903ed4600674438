"""The chain as one node holds it: committed state, and above it the blocks that are executed but not yet final.

Every uncommitted block has its own layer of writes and its own tree, so that truncation drops layers and commitment
applies them. A leader builds a block here; a follower executes it itself and compares every root before it is made
durable or endorsed. Nothing here waits: the driver calls, in the order consensus asks for.
"""

from __future__ import annotations

import msgspec

from ledger import crypto, state_tree
from ledger.actions import subjects
from ledger.block import (
    Block,
    Certificate,
    Header,
    Outcome,
    Voters,
    certificate_fault,
    decode_block,
    encode_block,
)
from ledger.errors import InvalidBlock, InvariantBroken, LedgerError, ensure
from ledger.events import DisputeDismissed, SettingsDisclosed, SettingsErased
from ledger.execution.block import BlockResult, execute_block
from ledger.execution.view import Ledger
from ledger.genesis import Genesis, genesis_header, genesis_state
from ledger.merkle_log import MerkleLog
from ledger.recovery import Recoveries
from ledger.state_answer import ANSWER_VERSION, StateAnswer, prove_entries
from ledger.succession import block_leaves, differing_fields, linkage_fault, next_header
from ledger.times import span
from ledger.transaction import SignedTransaction
from ledger.version import KNOWN, Protocol, ProtocolUnknown, ProtocolVersion, Versions, protocol_in, version_at
from node.chain.commits import Commits
from node.chain.finals import Final, FinalBlocks
from node.chain.layers import Extended, Layer, TipReader
from node.chain.voter_sets import Postponed, VoterSets
from node.ground.logs import progress
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import Committed, Results, StateStore
from remarque.errors import NodeCode, NodeError


class Chain:
    """State, log and uncommitted blocks of one node."""

    def __init__(
        self,
        genesis: Genesis,
        key: crypto.SigningKey,
        node: str,
        raft_log: RaftLogStore,
        state_store: StateStore,
        recoveries: Recoveries = (),
        versions: Versions = KNOWN,
    ) -> None:
        self.versions = versions
        """The rules of execution that this node can run."""
        self.genesis = genesis
        self.name = genesis.chain
        self.node = node
        self.recoveries = recoveries
        """The recoveries that this node has accepted."""
        self.sets = VoterSets(genesis, raft_log, recoveries)
        self.key = key
        """This node's key: it signs proposals and endorsements."""
        self._raft_log = raft_log
        self.state = state_store
        self.layers: list[Layer] = []
        self.commits = Commits()
        """Whoever needs to know what becomes final follows these."""
        if state_store.applied < 0:
            _apply_genesis(genesis, state_store)
        self._tree = state_store.pages.tree()
        base = state_store.base
        self.log = MerkleLog() if base is None else MerkleLog(base.header.log_size, list(base.peaks))
        self.log.extend(b"".join(progress("leaves_read", state_store.leaves())))
        self.finals = FinalBlocks(genesis_header(genesis), raft_log, state_store, self.log, self.sets.epochs_for)
        state_store.begin_at(self.committed.time_ms)
        self._check_restored()
        for index in progress("blocks_executed", range(state_store.applied + 1, raft_log.last_index() + 1)):
            self._execute_stored(index)
        for epoch in raft_log.epochs:
            if self.committed.height < epoch.header.height <= self.tip.height:
                self.commit(epoch.header.height, epoch.certificate)
        self.version(self.committed.height + 1)

    # What is asked

    @property
    def committed(self) -> Header:
        """Header of the newest final block."""
        return self.finals.newest

    @property
    def voters(self) -> Voters:
        """Who elects leaders now, and certifies what is proposed next."""
        return self.sets.in_force

    @property
    def tip(self) -> Header:
        """Header of the newest executed block."""
        return self.layers[-1].block.header if self.layers else self.committed

    @property
    def tip_tree(self) -> state_tree.TreeNode:
        return self.layers[-1].tree if self.layers else self._tree

    def tip_reader(self) -> TipReader:
        """The state above every executed block."""
        return TipReader(self.state, self.layers)

    def ledger(self) -> Ledger:
        """The committed state, typed."""
        return Ledger(self.state)

    def protocol(self) -> Protocol:
        """Which versions of the rules come into force when, by the newest final block."""
        return protocol_in(self.state.get)

    def version(self, height: int) -> ProtocolVersion:
        """The rules for a block up to the one above the tip. NodeError (PROTOCOL_UNKNOWN) if they are not known here.

        That stops the node: it would come to another state than those who know them.
        """
        try:
            return version_at(self.tip_reader().get, height, self.versions)
        except ProtocolUnknown as unknown:
            raise NodeError(NodeCode.PROTOCOL_UNKNOWN, str(unknown)) from None

    def header(self, height: int) -> Header:
        """Header of any block this node has."""
        above = height - self.committed.height
        return self.finals.header(height) if above <= 0 else self.layers[above - 1].block.header

    def hash_at(self, height: int) -> str:
        """Hash of the header of any block this node has."""
        above = height - self.committed.height
        return self.finals.header(height).hash if above <= 0 else self.layers[above - 1].block.hash

    def state_answer(self, keys: list[str]) -> StateAnswer:
        """What stands under keys at the newest final block, with proofs."""
        header = self.committed
        certificate = self.state.certificate_upto(header.height)
        if certificate is None or certificate.height != header.height:
            raise NodeError(NodeCode.NOTHING_CERTIFIED, f"block {header.height} awaits its certificate; ask again", 1)
        entries = prove_entries({key: self.state.get(key) for key in keys}, self._tree)
        epochs = self.sets.epochs_for(header)
        return StateAnswer(
            version=ANSWER_VERSION, header=header, certificate=certificate, entries=entries, epochs=epochs
        )

    def certificate_holds(self, certificate: Certificate) -> bool:
        """Whether a certificate makes this node's own block of its height final."""
        if not 0 < certificate.height <= self.tip.height:
            return False
        header = self.header(certificate.height)
        return certificate_fault(certificate, header, self.sets.of(header)) is None

    # What changes it

    def build(
        self, transactions: tuple[SignedTransaction, ...], term: int, clock_ms: int, fuel_max: int | None = None
    ) -> bytes:
        """Build, execute and keep a block above the tip; return its frame. While a change of voters is pending, only an
        empty one of a newer term is built.

        With `fuel_max` it holds as many of the transactions, from the first, as have used so much together.
        """
        below = self.tip
        opens = not transactions and term > below.term
        ensure(opens or not self.sets.pending(below), "an epoch ends before the next one begins")
        height, time_ms = below.height + 1, max(clock_ms, below.time_ms + 1)
        version = self.version(height)
        result = execute_block(self.tip_reader(), self.name, height, time_ms, transactions, version, fuel_max)
        transactions = transactions[: len(result.outcomes)]
        extended = self._extend(below, height, transactions, result)
        header = self._next_header(below, term, time_ms, self.node, self.sets.above(below), extended.tree, result)
        block = Block(header, self.key.sign(crypto.PROPOSAL, header.hash.encode()), transactions)
        self.layers.append(Layer(block, result, extended))
        return encode_block(block)

    def accept(self, block: Block, clock_ms: int | None) -> None:
        """Execute a proposed block above the tip and keep it. InvalidBlock or Postponed if it may not be endorsed.

        `clock_ms` is None for blocks this node has accepted before.
        """
        below, header = self.tip, block.header
        voters = self.sets.certifiers(block, below)
        fault = linkage_fault(block, below, self._hash_of(below), voters)
        if fault is not None:
            raise InvalidBlock(header.height, fault)
        if clock_ms is not None and header.time_ms > clock_ms + self.ledger().parameters().clock_ahead_ms_max:
            raise Postponed(f"block {header.height} is {span(header.time_ms - clock_ms)} ahead of this node's clock")
        version = self.version(header.height)
        try:
            result = execute_block(
                self.tip_reader(), self.name, header.height, header.time_ms, block.transactions, version
            )
        except InvalidBlock:
            raise
        except (InvariantBroken, Exception) as bug:
            raise InvalidBlock(header.height, f"executing it breaks: {bug!r}") from None
        extended = self._extend(below, header.height, block.transactions, result)
        expected = self._next_header(below, header.term, header.time_ms, header.proposer, voters, extended.tree, result)
        if expected != header:
            self.log.truncate(below.log_size)
            wrong = ", ".join(differing_fields(header, expected))
            raise InvalidBlock(header.height, f"executing it here gives another {wrong}")
        self.layers.append(Layer(block, result, extended))

    def truncate(self, height: int) -> list[SignedTransaction]:
        """Drop the blocks from a height on; return their transactions."""
        ensure(height > self.committed.height, "final blocks are never dropped")
        kept = height - self.committed.height - 1
        dropped = self.layers[kept:]
        del self.layers[kept:]
        self.log.truncate(self.tip.log_size)
        return [signed for layer in dropped for signed in layer.block.transactions]

    def settle(self, certificate: Certificate) -> bool:
        """A certificate holds: if its block changes the voters, they are others from now on. Whether it does."""
        return self.sets.settle(self.header(certificate.height), certificate)

    def commit(self, height: int, certificate: Certificate | None) -> None:
        """Make the blocks up to a height final, and tell the listeners. The certificate may be of a higher block."""
        if certificate is not None:
            self.settle(certificate)
        count = height - self.committed.height
        done = self.layers[:count]
        for layer in done:
            block, result = layer.block, layer.result
            results = Results(result.outcomes, result.details, result.explanations)
            self.state.apply(
                Committed(
                    height=block.header.height,
                    writes=result.writes,
                    changes=layer.changes,
                    created=result.created,
                    results=results,
                    leaves=b"".join(layer.leaves),
                    transactions=[signed.id for signed in block.transactions],
                    subjects=_histories(block, result.outcomes),
                    certificate=certificate,
                )
            )
            self.finals.add(Final(block, results, certificate))
        if done:
            self._tree = done[-1].tree
            del self.layers[:count]
            self.commits.tell(done)

    def write_pages(self, most: int) -> None:
        """Write page hashes of the committed tree, so that the next start need not compute them."""
        self.state.pages.write(self._tree, most)

    def load_pages(self, prefixes: tuple[bytes, ...]) -> None:
        """Load some pages of the state tree, so that no block need wait for them."""
        tree = self.tip_tree
        for prefix in prefixes:
            tree = state_tree.with_page(tree, prefix)
        if self.layers:
            self.layers[-1].tree = tree
        else:
            self._tree = tree

    # Inside

    def _extend(
        self, below: Header, height: int, transactions: tuple[SignedTransaction, ...], result: BlockResult
    ) -> Extended:
        """Append the block's leaves to the log and its writes to the tree."""
        leaves = block_leaves(self._hash_of(below), height, transactions, result.outcomes)
        for leaf in leaves:
            self.log.append(leaf)
        changes = state_tree.hashed(result.writes)
        return Extended(leaves, changes, state_tree.apply_hashed(self.tip_tree, changes))

    def _hash_of(self, below: Header) -> str:
        return self.layers[-1].block.hash if self.layers else below.hash

    def _next_header(
        self,
        below: Header,
        term: int,
        time_ms: int,
        proposer: str,
        voters: Voters,
        tree: state_tree.TreeNode,
        result: BlockResult,
    ) -> Header:
        """Header above `below`, with the roots as they are now."""
        return next_header(
            below,
            self._hash_of(below),
            term=term,
            time_ms=time_ms,
            proposer=proposer,
            log=self.log,
            tree=tree,
            voters=voters,
            next_voters=self.sets.after(voters, below, result.outcomes),
        )

    def _check_restored(self) -> None:
        header = self.committed
        if state_tree.root_hash(self._tree).hex() != header.state_root or self.log.root().hex() != header.log_root:
            raise NodeError(
                NodeCode.DATA_CORRUPT, f"the state on disk is not that of block {header.height}; join as a new node"
            )
        for recovery in self.recoveries:
            if (
                self.finals.oldest <= recovery.height <= header.height
                and self.header(recovery.height).hash != recovery.header
            ):
                detail = f"recovery {recovery.number} goes on from another block {recovery.height} than this node holds"
                raise NodeError(NodeCode.RECOVERY_INVALID, f"{detail}; join as a new node")

    def _execute_stored(self, index: int) -> None:
        try:
            self.accept(decode_block(self._raft_log.entry(index).data, trusted=True), None)
        except (InvalidBlock, Postponed, LedgerError, msgspec.DecodeError) as error:
            detail = f"block {index} of the Raft log: {error}; join as a new node"
            raise NodeError(NodeCode.DATA_CORRUPT, detail) from None


def _apply_genesis(genesis: Genesis, store: StateStore) -> None:
    writes = tuple(sorted(genesis_state(genesis).items()))
    changes = state_tree.hashed(writes)
    store.apply(Committed(0, writes, changes, frozenset(), Results((), (), ()), b"", [], [], None))


def _histories(block: Block, outcomes: tuple[Outcome, ...]) -> list[tuple[str, int]]:
    """Which assets and tokens the block's transactions are about: by what was asked, and by what a vote has done."""
    found: list[tuple[str, int]] = []
    for position, (signed, outcome) in enumerate(zip(block.transactions, outcomes, strict=True)):
        about = {subject for ask in signed.transaction.actions for subject in subjects(ask)}
        about |= {event.asset for event in outcome.events if isinstance(event, DisputeDismissed)}
        told = (event for event in outcome.events if isinstance(event, SettingsDisclosed | SettingsErased))
        about |= {asset for event in told for asset in event.assets}
        found.extend((subject, position) for subject in sorted(about))
    return found
