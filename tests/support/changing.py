"""A chain in memory whose voters change, by epochs and by recoveries, with whatever third parties are given of it."""

from __future__ import annotations

from typing import Any

from consortium import key_of
from msgspec.structs import replace
from receipts import GENESIS, Chain, certificate, voters

from ledger import crypto
from ledger.block import Certificate, Endorsement, Header, Voters
from ledger.consistency import CertifiedHeader, build_consistency
from ledger.encoding import encode
from ledger.epochs import Epoch, epochs_below, epochs_of_start, epochs_upto
from ledger.genesis import genesis_header
from ledger.receipt import build_receipt, encode_receipt
from ledger.records import balance_key
from ledger.recovery import Recovery, SignedRecovery
from ledger.snapshot import SNAPSHOT_VERSION, Chunk, Manifest, encode_chunk
from ledger.state_answer import ANSWER_VERSION, StateAnswer, prove_entries
from ledger.state_tree import EMPTY, apply_changes


class Changing(Chain):
    """Every block holds one transaction and is certified by all of its voters."""

    def __init__(self) -> None:
        super().__init__()
        self.voters = GENESIS.voters
        """Who certifies the next block."""
        self.voters_of = [GENESIS.voters]
        """Who certifies each block, by height."""
        self.epochs: list[Epoch] = []
        self.recoveries: list[SignedRecovery] = []
        self.made: list[Any] = [None]
        """The transaction of each block, with its outcome."""

    def add(self, blocks: int = 1) -> Header:
        """Blocks under the voters in force."""
        for _ in range(blocks):
            self._add()
        return self.header

    def change(self, *nodes: str, certified: bool = True) -> Header:
        """A block that names other voters. If that is not certified, nobody but its proposer knows of it."""
        new = voters(*nodes)
        self._add(new)
        if certified:
            self.epochs.append(Epoch(header=self.header, certificate=self.certificate(), voters=new))
            self.voters = new
        return self.header

    def open(self) -> Header:
        """The opening block of a newer term, which continues the epoch that the block below ended."""
        old, new = self.voters_of[self.header.height], self.voters
        self.voters = old
        self._add(new)
        self.voters = new
        return self.header

    def recover(self, *left: str, epochs: tuple[Epoch, ...] | None = None, **changes: Any) -> SignedRecovery:
        """Go on from the newest block with the nodes that are left; or with lies: other epochs, `changes`."""
        height = self.header.height
        own = epochs_upto(self.epochs, height, self.recoveries)
        parts: dict[str, Any] = {
            "version": 1,
            "chain": GENESIS.chain,
            "number": len(self.recoveries) + 1,
            "height": height,
            "term": self.header.term,
            "header": self.header.hash,
            "voters": voters(*left),
            "lost": tuple(voter.node for voter in self.voters.voters if voter.node not in left),
            "reason": "a fire",
            "time_ms": self.header.time_ms,
        }
        recovery = Recovery(**(parts | changes))
        signatures = tuple(
            Endorsement(node=node, signature=key_of(node).sign(crypto.RECOVERY, recovery.signed_bytes)) for node in left
        )
        signed = SignedRecovery(recovery=recovery, epochs=own if epochs is None else epochs, signatures=signatures)
        self.recoveries.append(signed)
        self.voters = recovery.voters
        return signed

    def certificate(self, height: int | None = None) -> Certificate:
        """Of the newest block, or of one below."""
        header = self.header if height is None else self.headers[height]
        return certificate(header, *sorted({voter.node for voter in self.voters_of[header.height].voters}))

    def receipt(self, height: int, anchor: int | None = None, epochs: tuple[Epoch, ...] | None = None) -> bytes:
        """Receipt of a block's transaction, anchored there or at a block above; or with the lie of other epochs."""
        own, certified = self.headers[height], self.headers[height if anchor is None else anchor]
        below = epochs_below(self.epochs, certified, self.recoveries)
        proof = self.certificate(certified.height)
        return encode_receipt(
            build_receipt(
                *self.made[height],
                own.log_size - 1,
                own,
                certified,
                proof,
                self.log,
                below if epochs is None else epochs,
            )
        )

    def certified(self, height: int) -> CertifiedHeader:
        """A header with its certificate."""
        return CertifiedHeader(header=self.headers[height], certificate=self.certificate(height))

    def consistency(self, first: int, second: int) -> bytes:
        """Proof between two heights."""
        below, above = self.certified(first), self.certified(second)
        epochs = epochs_below(self.epochs, above.header, self.recoveries)
        return encode(build_consistency(below, above, self.log, epochs))

    def state_answer(self) -> bytes:
        """What stands under a key at the newest block."""
        header, key = self.header, balance_key("bob@agency", "EUR")
        tree = apply_changes(EMPTY, self.state.values.items())
        return encode(
            StateAnswer(
                version=ANSWER_VERSION,
                header=header,
                certificate=self.certificate(),
                epochs=epochs_below(self.epochs, header, self.recoveries),
                entries=prove_entries({key: self.state.get(key)}, tree),
            )
        )

    def snapshot(self) -> tuple[bytes, bytes]:
        """Manifest and only chunk of the state at the newest block."""
        entries = sorted(self.state.values.items())
        chunk = encode_chunk(entries)
        manifest = Manifest(
            version=SNAPSHOT_VERSION,
            header=self.header,
            certificate=self.certificate(),
            epochs=epochs_of_start(self.epochs, self.header, self.recoveries),
            peaks=tuple(peak.hex() for peak in self.log.peaks(self.log.size)),
            protocol=1,
            entries=len(entries),
            chunks=(Chunk(digest=crypto.sha256(chunk).hex(), size=len(chunk)),),
        )
        return encode(manifest), chunk

    def checkpoint(self, height: int) -> bytes:
        """What a node answers that is asked for its newest checkpoint."""
        header = self.headers[height]
        said: dict[str, Any] = {"header": header, "hash": header.hash}
        return encode(said | ({"certificate": self.certificate(height)} if height else {}))

    def _add(self, new: Voters | None = None) -> None:
        self.made += self.block(1, new, certified_by=self.voters)
        self.voters_of.append(self.voters)


A, B, C = ("node1", "node2", "node3"), ("node1", "node2", "node3", "node4"), ("node2", "node3", "node4")
D = ("node2", "node3", "node4", "node5")


def grown() -> Changing:
    """Three changes of the voters, at 2, 5 and 7; block 3 is an opening block that continues the first epoch."""
    chain = Changing()
    chain.add()
    chain.change(*B)
    chain.open()
    chain.add()
    chain.change(*C)
    chain.add()
    chain.change(*D)
    chain.add()
    return chain


def recovered_twice() -> Changing:
    """Changes at 2 and 4, a recovery at 5, a change at 7, a recovery at 8, a change at 10; the newest block is 11."""
    chain = Changing()
    chain.add()
    chain.change(*B)
    chain.add()
    chain.change(*C)
    chain.add()
    chain.recover("node2")
    chain.add()
    chain.change("node2", "node5")
    chain.add()
    chain.recover("node5")
    chain.add()
    chain.change("node5", "node6")
    chain.add()
    return chain


def pending() -> Changing:
    """A recovery at block 2, which names other voters and was never certified; then a change at 4 and a block."""
    chain = Changing()
    chain.add()
    chain.change(*B, certified=False)
    chain.recover("node1")
    chain.add()
    chain.change("node1", "node4")
    chain.add()
    return chain


def branch() -> Changing:
    """Another history above block 1, certified by the voters of genesis alone: their keys leaked once they had left."""
    chain = Changing()
    chain.add()
    chain.state.time_ms += 1
    chain.add(7)
    return chain


def an_epoch(height: int, old: Voters, new: Voters, by: Voters | None = None, **changes: Any) -> Epoch:
    """A change of voters that stands in no block, certified by the old voters or by others; with header `changes`."""
    parts = {"height": height, "voters_digest": old.digest, "next_voters_digest": new.digest} | changes
    header = replace(genesis_header(GENESIS), **parts)
    names = sorted({voter.node for voter in (by or old).voters})
    return Epoch(header=header, certificate=certificate(header, *names), voters=new)


def behind(last: Voters, *epochs: Epoch) -> bytes:
    """Receipt of block 4, which is certified by the last voters, behind these changes."""
    chain = Changing()
    chain.add(3)
    chain.voters = last
    chain.add()
    return chain.receipt(4, epochs=epochs)
