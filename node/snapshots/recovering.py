"""Going on without a majority: looking at what is left, stating from which block to go on, signing that statement, and
putting it in force.

Everything here is for nodes that do not run. A node keeps the recoveries it accepts in `recoveries/` of its data
directory, and starts with the voters that they leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger import crypto
from ledger.block import Endorsement, Header, Voters, decode_header
from ledger.encoding import NOT_DECODED, encode
from ledger.epochs import Epoch, EpochRefused, Epochs, epochs_upto
from ledger.genesis import Genesis, genesis_header
from ledger.recovery import (
    RECOVERY_VERSION,
    Recoveries,
    Recovery,
    RecoveryRefused,
    SignedRecovery,
    check_recoveries,
    check_statement,
    parse_recovery,
    voters_at,
)
from node.chain.stretch import Stretch
from node.ground.config import Config, load_config
from node.snapshots.catching_up import Catching
from node.storage.directory import write_durably
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key, new_key
from remarque.text_files import text_in
from remarque.trusted_files import load_genesis


class Held(msgspec.Struct, frozen=True):
    """What a node that does not run has on its disk."""

    node: str
    votes: bool
    """Whether it is one of those who certify the block above its newest."""
    term: int
    """The term of its newest block."""
    height: int
    header: str
    """Hash of its newest block."""
    certified: int
    """Height of its newest certificate."""
    recoveries: int

    @property
    def place(self) -> tuple[int, int]:
        """What makes one log better than another: the term of its newest block, then its height."""
        return self.term, self.height


class Home:
    """The directory of a node that does not run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.config: Config = load_config(path / "node.toml")
        self.genesis = load_genesis(path / self.config.node.genesis)
        self.data = path / self.config.node.data
        self.recoveries = load_recoveries(self.data, self.genesis)

    def held(self) -> Held:
        """What the node has on its disk. DATA_DIRECTORY_LOCKED if it runs, DATA_DIRECTORY_MISSING if it never did."""
        require_chain(self.data)
        with closing(RaftLogStore(self.data / "log")) as raft_log, closing(StateStore(self.data / "state")) as state:
            newest, epochs = raft_log.last_index(), raft_log.epochs
            base = state.base.header if state.base is not None else genesis_header(self.genesis)
            header = base if newest == base.height else _header_in(raft_log, newest, self.data)
            certificate = state.certificate_upto(newest)
        return Held(
            node=self.config.node.name,
            votes=self._voters_above(newest, epochs).key(self.config.node.name) is not None,
            term=header.term,
            height=newest,
            header=header.hash,
            certified=0 if certificate is None else certificate.height,
            recoveries=len(self.recoveries),
        )

    def fetch(self, source: Home) -> int:
        """Take the final blocks that another node's disk holds beyond this one's; the height that this one has then."""
        with (
            closing(Catching(self.data, self.genesis, new_key(), "ours", self.recoveries)) as ours,
            closing(Catching(source.data, self.genesis, new_key(), "theirs", source.recoveries)) as theirs,
        ):
            while (found := theirs.chain.finals.stretch(ours.chain.committed.height))[1] is not None:
                blocks, certificate = found
                ours.take(Stretch(blocks, encode(certificate), 0, ""))
            return ours.chain.committed.height

    def propose(self, survivors: list[str], reason: str, time_ms: int) -> SignedRecovery:
        """State that this node and other survivors go on from its newest block; signed by this node."""
        held = self.held()
        epochs = self._epochs_upto(held.height)
        former = self._voters_above(held.height, epochs)
        unknown = sorted(set(survivors) - {voter.node for voter in former.voters})
        if unknown or held.node not in survivors:
            detail = f"{', '.join(unknown) or held.node} must be one of the voters and named as a survivor"
            raise NodeError(NodeCode.RECOVERY_INVALID, detail)
        recovery = Recovery(
            version=RECOVERY_VERSION,
            chain=self.genesis.chain,
            number=len(self.recoveries) + 1,
            height=held.height,
            term=held.term,
            header=held.header,
            voters=Voters(voters=tuple(voter for voter in former.voters if voter.node in survivors)),
            lost=tuple(voter.node for voter in former.voters if voter.node not in survivors),
            reason=reason,
            time_ms=time_ms,
        )
        return self.sign(SignedRecovery(recovery=recovery, epochs=epochs, signatures=()))

    def sign(self, signed: SignedRecovery) -> SignedRecovery:
        """Add this node's signature, unless its own Raft log is better than the one that the recovery goes on from.

        Nor does it sign if it knows a change of the voters to be final which the recovery does not count.
        """
        recovery, held = signed.recovery, self.held()
        check_statement(recovery, signed.epochs, self.recoveries, self.genesis)
        changes = _changes(self._epochs_upto(recovery.height))
        if changes != _changes(signed.epochs)[: len(changes)]:
            raise NodeError(
                NodeCode.RECOVERY_INVALID,
                f"{held.node} knows a change of the voters to be final that the recovery does not count: let "
                "the node that proposes it `recover fetch` the blocks of this one first",
            )
        theirs = (recovery.term, recovery.height)
        if held.place > theirs or (held.place == theirs and held.header != recovery.header):
            raise NodeError(
                NodeCode.RECOVERY_INVALID,
                f"{held.node} holds block {held.height} of term {held.term}, the recovery goes on from "
                f"{recovery.height} of term {recovery.term}: propose it from the first voter that `survey` shows",
            )
        key = load_key(self._path / self.config.node.key)
        if recovery.voters.key(held.node) != key.public:
            raise NodeError(NodeCode.RECOVERY_INVALID, f"{held.node} is not one of its survivors")
        own = Endorsement(node=held.node, signature=key.sign(crypto.RECOVERY, recovery.signed_bytes))
        others = [one for one in signed.signatures if one.node != held.node]
        return replace(signed, signatures=tuple(sorted([*others, own], key=lambda one: one.node)))

    def install(self, signed: SignedRecovery) -> Recovery:
        """Put a recovery in force for this node, at its next start. RecoveryRefused if it does not hold."""
        stored, recovery = _stored(self.data), signed.recovery
        if signed in stored:
            return recovery
        check_recoveries((*stored, signed), self.genesis)
        self._cut(recovery)
        _keep(self.data, signed)
        return recovery

    def _epochs_upto(self, height: int) -> Epochs:
        """The changes of voters that this node's disk holds, above the last recovery and up to a height."""
        with closing(RaftLogStore(self.data / "log")) as raft_log:
            return epochs_upto(raft_log.epochs, height, self.recoveries)

    def _voters_above(self, height: int, epochs: Sequence[Epoch]) -> Voters:
        """Who certifies the block above a height, by the changes of voters of this chain."""
        try:
            return voters_at(height + 1, self.genesis, self.recoveries, epochs_upto(epochs, height, self.recoveries))
        except EpochRefused as fault:
            raise NodeError(NodeCode.DATA_CORRUPT, f"{self.data}: {fault}; recover from another node") from None

    def _cut(self, recovery: Recovery) -> None:
        """Drop what this node holds above, if it never was final; else refuse."""
        with closing(RaftLogStore(self.data / "log")) as raft_log, closing(StateStore(self.data / "state")) as state:
            if state.applied > recovery.height:
                raise NodeError(
                    NodeCode.RECOVERY_INVALID,
                    f"{self.config.node.name} knows block {state.applied} to be final, the recovery goes on from "
                    f"{recovery.height}: let a survivor `recover fetch` its blocks first, or join as a new node",
                )
            if any(epoch.header.height > recovery.height for epoch in raft_log.epochs):
                detail = f"{self.config.node.name} knows voters to have changed above block {recovery.height}"
                raise NodeError(NodeCode.RECOVERY_INVALID, f"{detail}; join as a new node")
            if raft_log.last_index() > recovery.height:
                raft_log.persist(raft_log.hard_term, raft_log.hard_vote, recovery.height + 1, ())


def _changes(epochs: Epochs) -> list[tuple[str, str]]:
    """From which voters to which each change leads; the headers may differ, where one continues the other's epoch."""
    return [(epoch.header.voters_digest, epoch.header.next_voters_digest) for epoch in epochs]


def _header_in(raft_log: RaftLogStore, height: int, data: Path) -> Header:
    try:
        return decode_header(raft_log.entry(height).data)
    except NOT_DECODED as error:
        detail = f"block {height} in {data} is none ({error}); leave this node out, and recover from another"
        raise NodeError(NodeCode.DATA_CORRUPT, detail) from None


def require_chain(data: Path) -> None:
    """DATA_DIRECTORY_MISSING unless a data directory holds a chain; opening its stores would make an empty one."""
    if not (data / "log").is_dir() or not (data / "state").is_dir():
        raise NodeError(NodeCode.DATA_DIRECTORY_MISSING, f"{data} holds no chain; name a node's data directory")


def load_recoveries(data: Path, genesis: Genesis) -> Recoveries:
    """The recoveries in force for a node."""
    try:
        return check_recoveries(_stored(data), genesis)
    except RecoveryRefused as refused:
        raise NodeError(NodeCode.RECOVERY_INVALID, f"{data / 'recoveries'}: {refused}") from None


def keep_recoveries(data: Path, files: tuple[Path, ...]) -> None:
    """Put recoveries, from files that hold, in force for a new data directory."""
    for file in files:
        _keep(data, parse_recovery(text_in(file).strip()))


def _keep(data: Path, signed: SignedRecovery) -> None:
    directory = data / "recoveries"
    directory.mkdir(exist_ok=True)
    write_durably(directory / f"{signed.recovery.number:04d}.json", encode(signed))


def _stored(data: Path) -> tuple[SignedRecovery, ...]:
    return tuple(parse_recovery(file.read_bytes()) for file in sorted((data / "recoveries").glob("*.json")))
