"""What a generation is made of: the recorded source and the mask, of which the worker is given the bytes.

Whether a source may be used is decided twice: when it is asked for, so that nothing is computed for nobody, and by the
record. Files are read here and decoded by the worker alone.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UnsetType

from generator.redrawing import MASK_BYTES_MAX, SOURCE_BYTES_MAX
from generator.settings import Settings
from ledger.execution.redrawn import try_source
from ledger.generation import GenerationRequest
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.content.cid import cid_of_digest
from remarque.errors import NodeCode, NodeError


class SourceFiles(NamedTuple):
    """What a worker is sent; empty for a picture that is made of nothing."""

    source: str = ""
    """Digest of the source's pixels."""
    source_file: bytes = b""
    mask_file: bytes = b""


def check_source(request: GenerationRequest, chain: Chain, now_ms: int) -> None:
    """GENERATION_INVALID for a source that no worker can be given; else the code that its records would be refused
    with on the present state.
    """
    ledger, height = chain.ledger(), chain.committed.height + 1
    try_source(ledger, request, height, now_ms, chain.version(height))
    if isinstance(request.source, UnsetType):
        return
    record = ledger.asset(request.source.asset)
    for holds, fault in (
        (not record.confidential, "it is confidential, and no node may open it to draw on it; name a public one"),
        (
            record.content.size <= SOURCE_BYTES_MAX,
            f"it has over {SOURCE_BYTES_MAX} bytes; register a smaller one",
        ),
    ):
        if not holds:
            raise NodeError(NodeCode.GENERATION_INVALID, f"source {record.id[:16]}…: {fault}")


class NamedSource(NamedTuple):
    """What pictures are made of, by name."""

    asset: str
    """Digest of the source's pixels."""
    cid: str
    """Content id of its file."""
    mask: str
    """Content id of the mask's; empty for none."""


def named_source(request: GenerationRequest, settings: Settings, chain: Chain) -> NamedSource | None:
    """The source of a request, if it has one.

    A mask of the length that is allowed is one block, so its content id follows from the digest that is committed to.
    """
    if isinstance(request.source, UnsetType):
        return None
    record = chain.ledger().asset(request.source.asset)
    mask = cid_of_digest(bytes.fromhex(settings.mask)) if settings.mask else ""
    return NamedSource(record.id, record.content.cid, mask)


def source_files(request: GenerationRequest, settings: Settings, chain: Chain, blockstore: Blockstore) -> SourceFiles:
    """Both from this node's disk; for a thread. CONTENT_MISSING, or GENERATION_INVALID for too long a mask."""
    named = named_source(request, settings, chain)
    if named is None:
        return SourceFiles()
    mask = blockstore.file(named.mask) if named.mask else b""
    if len(mask) > MASK_BYTES_MAX:
        raise NodeError(NodeCode.GENERATION_INVALID, f"the mask has {len(mask)} bytes, at most {MASK_BYTES_MAX}")
    return SourceFiles(named.asset, blockstore.file(named.cid), mask)
