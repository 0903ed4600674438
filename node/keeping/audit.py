"""Auditing at full speed: blocks run in this process while others check their signatures."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import msgspec
import plyvel

from ledger.archive import ArchiveLine, parse_line
from ledger.audit import AuditFailed, Auditor, Fault, Finding, SignatureCheck, finding, signature_fault
from ledger.audit_evidence import EvidenceBelowStart
from ledger.block import Header
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from ledger.receipt import Receipt
from ledger.recovery import Recoveries
from ledger.version import ProtocolUnknown
from remarque.errors import NodeCode, NodeError

CHUNK_SIGNATURES = 2_000
CHUNKS_AHEAD_MAX = 8
"""Chunks that wait to be checked, before running blocks waits too."""

SignatureChunk = list[tuple[int, list[SignatureCheck]]]
"""Signatures by height."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an audit came to."""

    chain: str
    holds: bool
    height: int
    """Newest block that was run."""
    hash: str
    transactions: int
    seconds: float
    finding: Finding | None = None
    """The first thing that is wrong."""


def audit(
    lines: Iterator[bytes],
    genesis: Genesis,
    evidence: tuple[Receipt, ...] = (),
    recoveries: Recoveries = (),
    progress: Callable[[int, int], None] = lambda height, transactions: None,
    known: Header | None = None,
) -> Report:
    """Run a chain again. `progress` is told height and transactions, once a second.

    NodeError if there can be no result: PROTOCOL_UNKNOWN if a block needs rules that this software does not know,
    EVIDENCE_BELOW_START if a receipt is older than the block that the archive starts from.
    """
    auditor, started = Auditor(genesis, evidence, recoveries, known=known), time.monotonic()
    findings: list[Finding] = []
    checker = SignatureChecker()
    try:
        told = started
        for number, data in enumerate(lines, 1):
            checker.add(auditor.newest.height + 1, auditor.take(_parsed(data, number, auditor)))
            if time.monotonic() - told >= 1.0:
                told = time.monotonic()
                progress(auditor.newest.height, auditor.transactions)
        auditor.finish()
    except AuditFailed as failed:
        findings.append(failed.finding)
    except ProtocolUnknown as unknown:
        checker.finish()
        raise NodeError(NodeCode.PROTOCOL_UNKNOWN, str(unknown)) from None
    except EvidenceBelowStart as older:
        checker.finish()
        raise NodeError(NodeCode.EVIDENCE_BELOW_START, str(older)) from None
    except plyvel.Error as error:
        findings.append(finding(auditor.newest.height, Fault.UNREADABLE, str(error)))
    findings += checker.finish()
    first = min(findings, key=lambda one: one.height, default=None)
    return Report(
        chain=genesis.chain,
        holds=first is None,
        height=auditor.newest.height,
        hash=auditor.newest.hash,
        transactions=auditor.transactions,
        seconds=round(time.monotonic() - started, 3),
        finding=first,
    )


def _parsed(data: bytes, number: int, auditor: Auditor) -> ArchiveLine:
    try:
        return parse_line(data)
    except LedgerError as error:
        raise AuditFailed(auditor.newest.height + 1, Fault.ARCHIVE_MALFORMED, f"line {number}: {error}") from None


class SignatureChecker:
    """Checks signatures in other processes, in large chunks; in this one while there are few."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._chunk: SignatureChunk = []
        self._count = 0
        self._running: deque[Future[list[Finding]]] = deque()
        self._findings: list[Finding] = []

    def add(self, height: int, checks: list[SignatureCheck]) -> None:
        """Check the signatures of a block, now or later."""
        if not checks:
            return
        self._chunk.append((height, checks))
        self._count += len(checks)
        if self._count >= CHUNK_SIGNATURES:
            self._start()

    def finish(self) -> list[Finding]:
        """Wait for all; what was found."""
        while self._running:
            self._findings += self._running.popleft().result()
        self._findings += check_chunk(self._chunk)
        if self._pool is not None:
            self._pool.shutdown()
        return self._findings

    def _start(self) -> None:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(max(1, (os.cpu_count() or 2) - 1), context)
        while len(self._running) >= CHUNKS_AHEAD_MAX:
            self._findings += self._running.popleft().result()
        self._running.append(self._pool.submit(check_chunk, self._chunk))
        self._chunk, self._count = [], 0


def check_chunk(chunk: SignatureChunk) -> list[Finding]:
    """The first block of a chunk whose signatures do not all verify."""
    for height, checks in chunk:
        fault = signature_fault(checks)
        if fault is not None:
            return [finding(height, Fault.SIGNATURE_INVALID, fault)]
    return []
