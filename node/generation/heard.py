"""Which workers were heard of lately, and what models they serve: what a node can say that it generates with.

Kept in memory only. After a start the workers that pull ask for work again within half a minute, or report theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachetools import TTLCache

from ledger.generation import GenerationRequest

HEARD_SECONDS = 90
"""How long a worker counts after it was heard of. It waits for work 30 s at a time, and reports more often."""
WORKERS_MAX = 1_024


@dataclass(frozen=True)
class Served:
    """What one worker draws with, by digests."""

    models: tuple[str, ...]
    adapters: tuple[str, ...] = ()

    def has(self, request: GenerationRequest) -> bool:
        """Whether it can do a generation."""
        model, *adapters = request.models
        return model in self.models and set(adapters) <= set(self.adapters)


class HeardWorkers:
    """Workers, by account and what they call themselves."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._serving: TTLCache[tuple[str, str], Served] = TTLCache(WORKERS_MAX, HEARD_SECONDS * 1_000, timer=clock_ms)

    def hear(self, account: str, worker: str, served: Served) -> None:
        """A worker asks for work."""
        self._serving[account, worker] = served

    def works(self, account: str, worker: str, request: GenerationRequest) -> None:
        """A worker is at work: it counts for longer, with all that it named before."""
        model, *adapters = request.models
        self._serving[account, worker] = self._serving.get((account, worker), Served((model,), tuple(adapters)))

    @property
    def served(self) -> list[Served]:
        """What each of them serves."""
        return list(self._serving.values())


def lacks(request: GenerationRequest, served: Sequence[Served]) -> str:
    """Why none of some workers can do a generation; empty if one can."""
    if any(one.has(request) for one in served):
        return ""
    if any(request.model in one.models for one in served):
        return (
            f"no generator of this node has model {request.model[:16]}… together with the adapters that are asked for"
        )
    return f"no generator of this node has model {request.model[:16]}…"
