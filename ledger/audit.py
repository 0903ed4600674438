"""The audit: a chain run again from its genesis, every claim of its keeper held against what comes out.

Nothing is taken on trust but the genesis: blocks are executed, and each header, outcome and certificate compared; a
node's own state and index are held against the auditor's; at the end money and tokens are counted. Signatures are left
to the caller, who may check them elsewhere at the same time: `Auditor.take` returns those of a block.

A finding names the first place where something is wrong; nothing above that place means anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from enum import Enum

import msgspec
from msgspec import UNSET

from ledger import crypto, records, state_tree
from ledger.archive import ARCHIVE_VERSION, ArchivedBlock, ArchivedStart, ArchiveLine
from ledger.audit_evidence import Evidence
from ledger.block import Block, Certificate, Header, Voters, certificate_fault
from ledger.encoding import decode_trusted, encode
from ledger.epochs import epochs_below, same_change
from ledger.errors import InvalidBlock, InvariantBroken, LedgerError
from ledger.execution.block import BlockResult, execute_block
from ledger.execution.holding import token_id
from ledger.finality import NotFinal, voters_above
from ledger.genesis import Genesis, genesis_header, genesis_state
from ledger.merkle_log import MerkleLog
from ledger.receipt import Receipt
from ledger.recovery import Recoveries, voters_at
from ledger.succession import (
    block_leaves,
    changes_voters,
    continues,
    differing_fields,
    linkage_fault,
    next_header,
    next_voters,
)
from ledger.version import KNOWN, Versions, version_at

SignatureCheck = tuple[str, bytes, str]
"""Key, what is signed, signature: to be checked under `remarque/transaction/v1`."""


class Fault(Enum):
    """What an audit can find, in words that stay."""

    UNREADABLE = "the source does not give back what was written"
    ARCHIVE_MALFORMED = "a line is not one of an archive, or stands in the wrong place"
    ARCHIVE_CUT = "the archive ends without its last line, or that names another block"
    GENESIS_DIFFERS = "the chain is of another genesis"
    BLOCK_MALFORMED = "a transaction of the block is not in its canonical form"
    LINK_BROKEN = "the block does not follow the one below"
    SIGNATURE_INVALID = "a transaction's signature does not verify"
    BLOCK_INVALID = "the block carries what no block may"
    EXECUTION_BROKEN = "running the block breaks an invariant"
    OUTCOME_DIFFERS = "a transaction did something else than is claimed"
    HEADER_DIFFERS = "running the block gives another header"
    CERTIFICATE_INVALID = "the certificate does not make the block final"
    UNCERTIFIED = "no certificate makes the newest blocks final"
    MONEY_DIFFERS = "balances do not add up to what was issued"
    TOKEN_DIFFERS = "an asset and its token do not name each other"
    STATE_DIFFERS = "the node's state is not what the chain makes of it"
    INDEX_DIFFERS = "the node's index names another place for a transaction"
    TRUNCATED = "evidence shows a final block above the newest of this chain"
    FORKED = "evidence shows another final block at the same height"
    RECOVERY_DIFFERS = "an accepted recovery goes on from a block that this chain does not have"


class Finding(msgspec.Struct, frozen=True):
    """The first thing that is wrong."""

    height: int
    fault: str
    """A word of `Fault`, which stays."""
    meaning: str
    detail: str


def finding(height: int, fault: Fault, detail: str) -> Finding:
    return Finding(height, fault.name, fault.value, detail)


class AuditFailed(Exception):
    """The chain is not what it says. `finding` names the place; nothing above it means anything."""

    def __init__(self, height: int, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault.name} at block {height}: {detail}")
        self.finding = finding(height, fault, detail)


class MemoryState:
    """A state in memory. Satisfies `ledger.execution.view.StateReader`."""

    def __init__(self, values: dict[str, bytes]) -> None:
        self.values = values
        self._seen = [key for key in values if key.startswith(records.SEEN_PREFIX)]
        heapq.heapify(self._seen)

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys of a prefix, in order. Fast for the ids to be forgotten, of which every block takes the first few."""
        if prefix != records.SEEN_PREFIX:
            yield from sorted(key for key in self.values if key.startswith(prefix))
            return
        taken = []
        try:
            while self._seen:
                key = heapq.heappop(self._seen)
                if key in self.values:
                    taken.append(key)
                    yield key
        finally:
            for key in taken:
                heapq.heappush(self._seen, key)

    def apply(self, writes: tuple[tuple[str, bytes | None], ...]) -> None:
        for key, value in writes:
            if value is None:
                self.values.pop(key, None)
            else:
                if key.startswith(records.SEEN_PREFIX) and key not in self.values:
                    heapq.heappush(self._seen, key)
                self.values[key] = value


class Auditor:
    """Runs one chain again, line by line of its archive."""

    def __init__(
        self,
        genesis: Genesis,
        evidence: tuple[Receipt, ...] = (),
        recoveries: Recoveries = (),
        versions: Versions = KNOWN,
        known: Header | None = None,
    ) -> None:
        """`evidence` are verified receipts of the same chain: what they show must be part of it.

        So must the blocks that `recoveries`, which the auditor accepts, go on from, and a header that is `known`.
        """
        self.genesis = genesis
        self._recoveries = recoveries
        self.versions = versions
        """The rules of execution that this auditor can run."""
        self.transactions = 0
        self.newest = genesis_header(genesis)
        """Header of the newest block that was run."""
        self.certified = self.newest
        """Header of the newest block that a certificate makes final."""
        self._hash = self.newest.hash
        self._state = MemoryState(genesis_state(genesis))
        self._tree = state_tree.apply_changes(state_tree.EMPTY, self._state.values.items())
        self._log = MerkleLog()
        self._opened = self._ended = False
        self._certifying = self._named = genesis.voters
        """Who certifies the newest block, and whom it names for the next one."""
        self._start = 0
        """Height that the archive starts at."""
        self._loading: dict[str, bytes] | None = None
        """The state at the start, while it is read."""
        self._places: dict[str, tuple[int, int]] = {}
        self._told: set[str] = set()
        """Keys that the node's state was shown to hold."""
        self._whole = False
        """Whether state and index are to be told after the blocks."""
        self._located: set[str] = set()
        """Transactions that the node's index was shown to hold."""
        self._evidence = Evidence(evidence, recoveries, known)

    def take(self, line: ArchiveLine) -> list[SignatureCheck]:
        """Take the next line; return the signatures to check for it. AuditFailed with the first thing that is wrong.

        ProtocolUnknown if the block's rules are not known here, EvidenceBelowStart if the chain starts above what a
        receipt is of: then nothing was found wrong, but nothing was shown either.
        """
        if self._ended:
            self._fail(Fault.ARCHIVE_MALFORMED, "something follows the last line")
        if not self._opened or (self._loading is not None and line.state is not UNSET):
            self._open(line)
            return []
        if self._loading is not None:
            self._load(self._loading)
        parts = (line.block, line.state, line.located, line.end, line.genesis)
        if sum(part is not UNSET for part in parts) != 1:
            self._fail(Fault.ARCHIVE_MALFORMED, "a line says one thing")
        if line.block is not UNSET:
            if self._told or self._located:
                self._fail(Fault.ARCHIVE_MALFORMED, "a block stands after what the node's state or index holds")
            return self._run(line.block)
        self._hear(line)
        return []

    def finish(self) -> None:
        """Check what can only be said of the whole, once all lines are taken."""
        if not self._ended:
            self._fail(Fault.ARCHIVE_CUT, f"it ends after block {self.newest.height} without saying so")
        if self._whole and (lacking := self._state.values.keys() - self._told):
            self._fail(Fault.STATE_DIFFERS, f"{min(lacking)[:120]} is missing")
        if self._whole and (unlocated := self._places.keys() - self._located):
            self._fail(Fault.INDEX_DIFFERS, f"{min(unlocated)[:16]}… is missing")
        if above := self._evidence.final_above(self.newest.height):
            self._fail(Fault.TRUNCATED, above)
        if above := self._evidence.recovered_above(self.newest.height):
            self._fail(Fault.RECOVERY_DIFFERS, above)
        if self.certified.height != self.newest.height:
            self._fail(Fault.UNCERTIFIED, f"the newest certificate is for block {self.certified.height}")
        self._count_money()
        self._check_tokens()

    # One block

    def _hear(self, line: ArchiveLine) -> None:
        """Take what follows the blocks: the state, the index and the end."""
        if not self._whole and line.end is UNSET:
            self._fail(Fault.ARCHIVE_MALFORMED, "the first line promises neither state nor index")
        if line.state is not UNSET:
            self._check_state(line.state.key, bytes(line.state.value))
        elif line.located is not UNSET:
            place = (line.located.height, line.located.position)
            self._check_place(line.located.transaction, place)
        elif line.end is not UNSET:
            self._end(line.end.height, line.end.hash)
        else:
            self._fail(Fault.ARCHIVE_MALFORMED, "the genesis comes once, first")

    def _open(self, line: ArchiveLine) -> None:
        if self._loading is not None and line.state is not UNSET:
            self._loading[line.state.key] = bytes(line.state.value)
            return
        if line.archive != ARCHIVE_VERSION or line.genesis is UNSET:
            self._fail(Fault.ARCHIVE_MALFORMED, f"the first line names version {ARCHIVE_VERSION} and the genesis")
        elif line.genesis.digest != self.genesis.digest:
            self._fail(Fault.GENESIS_DIFFERS, f"it is of {line.genesis.chain}, audited is {self.genesis.chain}")
        self._opened, self._whole = True, line.whole
        if line.start is not UNSET:
            self._begin(line.start)
        self._compare(self.newest.height, self._hash)

    def _begin(self, start: ArchivedStart) -> None:
        """Start at a certified block: what it claims of the log must be its own, and so must the state that follows."""
        header = start.header
        try:
            above = voters_above(header, start.certificate, start.epochs, self.genesis, self._recoveries)
            self._log = MerkleLog(header.log_size, [bytes.fromhex(peak) for peak in start.peaks])
        except NotFinal as fault:
            raise AuditFailed(header.height, Fault.CERTIFICATE_INVALID, str(fault)) from None
        except InvariantBroken as fault:
            raise AuditFailed(header.height, Fault.HEADER_DIFFERS, f"its peaks make no log: {fault}") from None
        self.newest = self.certified = header
        below = epochs_below(start.epochs, header, self._recoveries)
        self._certifying = voters_at(header.height, self.genesis, self._recoveries, below)
        self._named = above
        self._hash, self._start, self._loading = header.hash, header.height, {}
        if self._log.root().hex() != header.log_root:
            self._fail(Fault.HEADER_DIFFERS, "the peaks are not those of its log")
        if other := self._evidence.other_before(header, start.epochs, self.genesis):
            self._fail(Fault.FORKED, other)
        self._evidence.check_start(header.height)

    def _load(self, values: dict[str, bytes]) -> None:
        """Check the state at the start, once it is read: it must be the one that the header names."""
        self._loading, self._state = None, MemoryState(values)
        self._tree = state_tree.apply_changes(state_tree.EMPTY, values.items())
        if state_tree.root_hash(self._tree).hex() != self.newest.state_root:
            self._fail(Fault.STATE_DIFFERS, "the state at the start is not the one that its header names")

    def _run(self, archived: ArchivedBlock) -> list[SignatureCheck]:
        height = self.newest.height + 1
        try:
            block = archived.block()
        except LedgerError as error:
            raise AuditFailed(height, Fault.BLOCK_MALFORMED, str(error)) from None
        voters, continuing = self._voters(block)
        fault = linkage_fault(block, self.newest, self._hash, voters)
        if fault is not None:
            raise AuditFailed(height, Fault.LINK_BROKEN, fault)
        self._compare(height, block.hash)
        result = self._execute(block)
        self._check_outcomes(archived, block, result)
        self._certifying = voters
        self._named = self._named if continuing else next_voters(voters, result.outcomes)
        self._check_header(block, result)
        if archived.certificate is not UNSET:
            self._check_certificate(archived.certificate, block.header)
        self.newest, self._hash = block.header, block.hash
        self.transactions += len(block.transactions)
        for position, signed in enumerate(block.transactions):
            self._places[signed.id] = (height, position)
        return [
            (signer.key, signed.body, signature)
            for signed in block.transactions
            for signer, signature in zip(signed.transaction.signers, signed.signatures, strict=True)
        ]

    def _compare(self, height: int, shown: str) -> None:
        """Hold a block against the evidence."""
        if other := self._evidence.other_final(height, shown):
            raise AuditFailed(height, Fault.FORKED, other)
        if other := self._evidence.other_recovered(height, shown):
            raise AuditFailed(height, Fault.RECOVERY_DIFFERS, other)

    def _voters(self, block: Block) -> tuple[Voters, bool]:
        """Who certifies the block above the newest, and whether it continues an epoch that a change has ended."""
        below = self.newest
        recovered = next((one.voters for one in reversed(self._recoveries) if one.height == below.height), None)
        if recovered is not None:
            return recovered, False
        if continues(block, below):
            return self._certifying, True
        between = any(self.certified.height <= one.height < below.height for one in self._recoveries)
        if changes_voters(below) and (between or not same_change(self.certified, below)):
            detail = "it changes the voters, and no certificate of those before makes it final"
            raise AuditFailed(below.height, Fault.CERTIFICATE_INVALID, detail)
        return self._named, False

    def _execute(self, block: Block) -> BlockResult:
        header = block.header
        version = version_at(self._state.get, header.height, self.versions)
        try:
            return execute_block(
                self._state, self.genesis.chain, header.height, header.time_ms, block.transactions, version
            )
        except InvalidBlock as error:
            raise AuditFailed(header.height, Fault.BLOCK_INVALID, error.reason) from None
        except (InvariantBroken, Exception) as broken:
            raise AuditFailed(header.height, Fault.EXECUTION_BROKEN, repr(broken)) from None

    def _check_outcomes(self, archived: ArchivedBlock, block: Block, result: BlockResult) -> None:
        if len(archived.outcomes) != len(result.outcomes):
            detail = f"{len(archived.outcomes)} outcomes of {len(result.outcomes)} transactions"
            raise AuditFailed(block.header.height, Fault.OUTCOME_DIFFERS, detail)
        for signed, claimed, outcome in zip(block.transactions, archived.outcomes, result.outcomes, strict=True):
            if encode(claimed) != encode(outcome):
                detail = f"{signed.id[:16]}… is claimed to be {claimed.code}, it is {outcome.code}, or differs within"
                raise AuditFailed(block.header.height, Fault.OUTCOME_DIFFERS, detail)

    def _check_header(self, block: Block, result: BlockResult) -> None:
        header = block.header
        for leaf in block_leaves(self._hash, header.height, block.transactions, result.outcomes):
            self._log.append(leaf)
        self._state.apply(result.writes)
        self._tree = state_tree.apply_changes(self._tree, result.writes)
        expected = next_header(
            self.newest,
            self._hash,
            term=header.term,
            time_ms=header.time_ms,
            proposer=header.proposer,
            log=self._log,
            tree=self._tree,
            voters=self._certifying,
            next_voters=self._named,
        )
        if header != expected:
            detail = f"it differs in {', '.join(differing_fields(header, expected))}"
            raise AuditFailed(header.height, Fault.HEADER_DIFFERS, detail)

    def _check_certificate(self, certificate: Certificate, header: Header) -> None:
        fault = certificate_fault(certificate, header, self._certifying)
        if fault is not None:
            raise AuditFailed(header.height, Fault.CERTIFICATE_INVALID, fault)
        self.certified = header

    # The whole

    def _end(self, height: int, shown: str) -> None:
        if (height, shown) != (self.newest.height, self._hash):
            self._fail(Fault.ARCHIVE_CUT, f"its last line names block {height} ({shown[:16]}…)")
        self._ended = True

    def _check_state(self, key: str, value: bytes) -> None:
        found = self._state.get(key)
        if found != value or key in self._told:
            have = "nothing" if found is None else found[:120].decode(errors="replace")
            self._fail(Fault.STATE_DIFFERS, f"{key[:120]} holds {value[:120]!r}, the chain makes it {have}")
        self._told.add(key)

    def _check_place(self, transaction: str, place: tuple[int, int]) -> None:
        if place[0] <= self._start:
            return
        found = self._places.get(transaction)
        if found != place or transaction in self._located:
            self._fail(Fault.INDEX_DIFFERS, f"{transaction[:16]}… is said to be at {place}, it is at {found}")
        self._located.add(transaction)

    def _count_money(self) -> None:
        """Sum every balance anew, and compare with what each currency's issuer has issued."""
        held: dict[str, int] = {}
        for key, value in self._state.values.items():
            if key.startswith(records.BALANCE_PREFIX):
                units = decode_trusted(value, int)
                currency = key.rpartition("/")[2]
                held[currency] = held.get(currency, 0) + units
                if units <= 0:
                    self._fail(Fault.MONEY_DIFFERS, f"{key} holds {units}")
        for key, value in self._state.values.items():
            if key.startswith("currency/"):
                record = decode_trusted(value, records.Currency)
                if held.pop(record.currency, 0) != record.supply:
                    self._fail(Fault.MONEY_DIFFERS, f"{record.currency}: {record.supply} issued, another sum is held")
        if held:
            self._fail(Fault.MONEY_DIFFERS, f"{min(held)} is held and was never created")

    def _check_tokens(self) -> None:
        """Every token is one that its asset names: the one without a number, or one of its numbers."""
        unnamed = {key for key in self._state.values if key.startswith("token/")}
        for key, value in self._state.values.items():
            if not key.startswith("asset/"):
                continue
            asset = decode_trusted(value, records.Asset)
            for number in self._numbers(asset):
                name = token_id(asset.id, number or None)
                held = self._state.get(records.token_key(name))
                token = None if held is None else decode_trusted(held, records.Token)
                if token is None or (token.id, token.asset, token.number) != (name, asset.id, number or UNSET):
                    self._fail(Fault.TOKEN_DIFFERS, f"asset {asset.id[:16]}… names token {name[:16]}…")
                unnamed.discard(records.token_key(name))
        if unnamed:
            self._fail(Fault.TOKEN_DIFFERS, f"{min(unnamed)[:24]}… has no asset that names it")

    def _numbers(self, asset: records.Asset) -> range:
        """The numbers of the tokens that an asset names; 0 stands for the one without a number."""
        if asset.token is UNSET:
            return range(1, 1 if asset.editions is UNSET else asset.editions + 1)
        if asset.editions is not UNSET or asset.token != token_id(asset.id):
            self._fail(Fault.TOKEN_DIFFERS, f"asset {asset.id[:16]}… names token {asset.token[:16]}…")
        return range(1)

    def _fail(self, fault: Fault, detail: str) -> None:
        raise AuditFailed(self.newest.height, fault, detail)


def signature_fault(checks: list[SignatureCheck]) -> str | None:
    """The first signature that does not verify, in words, or None."""
    for key, body, signature in checks:
        if not crypto.verify(key, crypto.TRANSACTION, body, signature):
            return f"a signature under {key[:16]}… does not verify"
    return None
