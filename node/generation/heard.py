"""Which workers were heard of lately, and what models they serve: what a node can say that it generates with.

Kept in memory only. After a start the workers that pull ask for work again within half a minute, or report theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetools import TTLCache

HEARD_SECONDS = 90
"""How long a worker counts after it was heard of. It waits for work 30 s at a time, and reports more often."""
WORKERS_MAX = 1_024


class HeardWorkers:
    """Workers, by account and what they call themselves."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._models: TTLCache[tuple[str, str], tuple[str, ...]] = TTLCache(
            WORKERS_MAX, HEARD_SECONDS * 1_000, timer=clock_ms
        )

    def hear(self, account: str, worker: str, models: Sequence[str]) -> None:
        """A worker asks for work for some models."""
        self._models[account, worker] = tuple(models)

    def works(self, account: str, worker: str, model: str) -> None:
        """A worker is at work with a model: it counts for longer, with all models that it named before."""
        self._models[account, worker] = self._models.get((account, worker), (model,))

    @property
    def models(self) -> list[str]:
        """Digests of the models that are served, each once."""
        return list(dict.fromkeys(model for served in self._models.values() for model in served))
