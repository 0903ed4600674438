"""One node's chain on a disk that may lose power, in a consortium whose administrator alone changes who votes."""

from __future__ import annotations

from pathlib import Path

from consensus.raft_log import RaftEntry
from ledger.actions import AddNode, AnyAction, Propose
from ledger.block import Block, Certificate, Endorsement, decode_block, encode_block, endorse
from ledger.genesis import Genesis
from ledger.governance import SetVoter
from ledger.node_certificate import make_certificate
from ledger.recovery import Recoveries, Recovery
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.storage.raft_log_store import RaftLogStore, open_database
from node.storage.state_store import StateStore
from simulator.consortium import administered, genesis_of, key_of
from simulator.disk import Disk, Fate

NEW = "node9"
"""A node that may begin to vote."""
VALID_MS = 300_000


class Kind:
    """A fate in which nothing befalls the disk."""

    def before(self, volume: str, size: int, *, sync: bool) -> None:
        """It may be made."""

    def after(self, volume: str, size: int, *, sync: bool) -> None:
        """It was made."""


class VotingChain:
    """A chain with its stores, and a line for each block. Block 1 is final and lets `NEW` in, unless it is bare."""

    def __init__(
        self,
        voters: int = 3,
        name: str = "node1",
        *,
        bare: bool = False,
        fate: Fate | None = None,
        path: Path | None = None,
    ) -> None:
        """With a `path` on a real disk, which loses nothing."""
        self.name = name
        self.genesis: Genesis = genesis_of(voters)
        self.disk = Disk(fate or Kind())
        self._place, self._opening = path or Path(), open_database if path else self.disk.open
        self.recoveries: Recoveries = ()
        self._number = 0
        self.open()
        if not bare:
            self.block(AddNode(node=NEW, key=key_of(NEW).public, certificate=make_certificate(key_of(NEW)).hex()))
            self.final()

    def open(self) -> None:
        """Begin a life with what the disk holds."""
        self.disk.life += 1
        self.log = RaftLogStore(self._place / "log", self._opening)
        self.state = StateStore(self._place / "state", self._opening)
        self.chain = Chain(self.genesis, key_of(self.name), self.name, self.log, self.state, self.recoveries)

    def cut_power(self) -> None:
        """Lose all that was not synced, and begin another life."""
        for volume in self.disk.volumes.values():
            volume.lose(volume.unsynced)
        self.open()

    def ask(self, ask: AnyAction) -> SignedTransaction:
        """What the administrator signs."""
        self._number += 1
        number = self._number * 16 + int(self.name[-1])
        return administered(self.genesis, number, ask, self.chain.tip.time_ms + VALID_MS)

    def voting(self, node: str, *, votes: bool) -> SignedTransaction:
        """A change of the voters, which passes at once."""
        changes = (SetVoter(node=node, votes=votes),)
        return self.ask(Propose(changes=changes, until_ms=self.chain.tip.time_ms + VALID_MS))

    def block(self, *asks: AnyAction | SignedTransaction, term: int = 1) -> Block:
        """A block above the tip, on the disk and not final."""
        signed = tuple(ask if isinstance(ask, SignedTransaction) else self.ask(ask) for ask in asks)
        frame = self.chain.build(signed, max(term, self.chain.tip.term), self.chain.tip.time_ms + 1_000)
        return self._keep(frame)

    def change(self, node: str = NEW, *, votes: bool = True) -> Block:
        """A block that changes the voters, not final."""
        return self.block(self.voting(node, votes=votes))

    def take(self, *blocks: Block) -> None:
        """Accept another's blocks, as a follower does."""
        for block in blocks:
            self.chain.accept(block, None)
            self._keep(encode_block(block))

    def certificate(self, height: int | None = None) -> Certificate:
        """Of the tip, or of a block below: by all who certify it."""
        header = self.chain.tip if height is None else self.chain.header(height)
        names = [voter.node for voter in self.chain.sets.of(header).voters]
        signed = tuple(Endorsement(node=name, signature=endorse(key_of(name), header.hash)) for name in names)
        return Certificate(height=header.height, header=header.hash, endorsements=signed)

    def final(self, height: int | None = None) -> Certificate:
        """Make the tip final, or a block below, by its own certificate."""
        certificate = self.certificate(height)
        self.chain.commit(certificate.height, certificate)
        return certificate

    def changed(self, node: str = NEW, *, votes: bool = True) -> Block:
        """A change of the voters that is final, and the opening block of the new epoch, which is too."""
        block = self.change(node, votes=votes)
        self.final()
        self.block(term=self.chain.tip.term + 1)
        self.final()
        return block

    def voters(self) -> list[str]:
        """Who votes now."""
        return [voter.node for voter in self.chain.voters.voters]

    def recover(self, *left: str) -> None:
        """The nodes that are left go on from the tip; a life begins that knows it."""
        header = self.chain.tip
        voters = [voter for voter in self.chain.sets.of(header).voters if voter.node in left]
        lost = [voter.node for voter in self.chain.voters.voters if voter.node not in left]
        recovery = Recovery(
            version=1,
            chain=self.genesis.chain,
            number=len(self.recoveries) + 1,
            height=header.height,
            term=header.term,
            header=header.hash,
            voters=type(self.chain.voters)(voters=tuple(voters)),
            lost=tuple(lost),
            reason="a fire",
            time_ms=header.time_ms,
        )
        self.recoveries = (*self.recoveries, recovery)
        self.open()

    def _keep(self, frame: bytes) -> Block:
        tip = self.chain.tip
        self.log.persist(tip.term, "", None, (RaftEntry(tip.height, tip.term, frame),))
        return decode_block(frame)
