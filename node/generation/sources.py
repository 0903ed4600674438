"""The recorded picture that others are made of.

Whether it may be used is decided twice: when it is asked for, so that nothing is computed for nobody, and by the
record. Its file is decoded by the worker alone.
"""

from __future__ import annotations

from msgspec import UnsetType

from generator.redrawing import SOURCE_BYTES_MAX
from ledger.execution.redrawn import try_source
from ledger.generation import GenerationRequest
from node.chain.chain import Chain
from remarque.api.work import WorkSource
from remarque.errors import NodeCode, NodeError


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


def named_source(request: GenerationRequest, chain: Chain) -> WorkSource | None:
    """The source of a request, if it has one."""
    if isinstance(request.source, UnsetType):
        return None
    record = chain.ledger().asset(request.source.asset)
    return WorkSource(asset=record.id, cid=record.content.cid)
