"""Workers that pull, as actors of Ray: one command runs as many as there are GPUs, and Ray starts anew those that die.

Ray places and watches them and does nothing else: each pulls from the node by itself, so a fleet that falls apart loses
no job. Without an address Ray runs on this machine alone and listens on its loopback interface only; with one, the
actors run in a Ray cluster that is the org's own, all of whose members could read the worker's key.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from generator import logs
from generator.devices import Placement
from generator.errors import GeneratorCode, GeneratorError
from generator.pulling import pull
from generator.worker import Shelf
from ledger.crypto import SigningKey
from remarque.errors import RemarqueError

STOP_SECONDS_MAX = 60.0
"""How long all workers together may take to give back what they have."""
OBJECT_STORE_BYTES = 80 * 1024 * 1024
"""The least that Ray runs with: pictures go to the node, not through Ray."""
LOGS = {"RAY_COLOR_PREFIX": "0", "RAY_DEDUP_LOGS": "0"}
"""That each worker's lines come out, and as they are but for what Ray puts before them."""
ALONE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""What Ray is told where it runs on this machine alone: to tell nobody, and by this odd name, which holds on Linux too,
to make no cluster, so that it listens on loopback only."""


@dataclass(frozen=True)
class Pulling:
    """What each worker of a fleet does, as `generator.pulling.pull` takes it."""

    url: str
    account: str
    seed: bytes
    shelf: Shelf
    placement: Placement


class FleetWorker:
    """One worker, as an actor."""

    def __init__(self, pulling: Pulling) -> None:
        logs.configure()
        self._pulling = pulling
        self._working: asyncio.Task[None] | None = None

    async def work(self) -> tuple[str, str]:
        """Pull and make, until `stop`: then both are empty; else code and detail of what `pull` refuses with.

        A pipeline that says nothing any more ends the process, for Ray to start another.
        """
        does = self._pulling
        key = SigningKey(does.seed)
        self._working = asyncio.create_task(pull(does.url, does.account, key, does.shelf, does.placement))
        try:
            await self._working
        except RemarqueError as error:
            return error.code, error.detail
        except GeneratorError as error:
            return error.code.name, error.detail
        except TimeoutError:
            os._exit(1)
        except asyncio.CancelledError:
            pass
        return "", ""

    async def stop(self) -> None:
        """Give back what is being made."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])


def run_fleet(pulling: Pulling, workers: int, gpus: float, address: str = "") -> None:
    """Run so many workers, each with so many GPUs to itself (none: on processors), until this is interrupted.

    `address`: of a Ray cluster; empty: this machine. DEVICE_UNFIT if there are too few GPUs; what a worker refuses with
    ends all.
    """
    ray = begun(workers, address)
    try:
        _check_room(ray, workers * gpus)
        kind = ray.remote(FleetWorker).options(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=-1)
        fleet = [kind.remote(pulling) for _ in range(workers)]
        _attended(ray, [actor.work.remote() for actor in fleet], lambda: [actor.stop.remote() for actor in fleet])
    finally:
        ray.shutdown()


def begun(workers: int, address: str) -> Any:
    """Ray, begun on this machine for so many workers, or joined at an address."""
    os.environ.update(LOGS | ({} if address else ALONE))
    os.umask(0o077)  # what Ray writes, its token too, is for nobody else on this machine
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ray = import_module("ray")
    except ImportError:
        raise GeneratorError(GeneratorCode.DEVICE_UNFIT, "Ray is not installed; install remarque[fleet]") from None
    if address:
        ray.init(address=address)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # again, for Ray's own handler ends the process at once
    return ray


def _check_room(ray: Any, gpus: float) -> None:
    found = ray.cluster_resources().get("GPU", 0)
    if found < gpus:
        fact = f"the workers want {gpus:g} GPUs together, Ray has {found:g}"
        raise GeneratorError(GeneratorCode.DEVICE_UNFIT, f"{fact}; run fewer workers, or give each less of one")


def _attended(ray: Any, working: list[Any], stop: Callable[[], list[Any]]) -> None:
    """Wait for workers, which end only by a refusal; then, or interrupted, have all of them stop."""
    try:
        ended, _ = ray.wait(working, num_returns=1)
        [(code, detail)] = ray.get(ended)
        raise RemarqueError(code, detail)
    finally:
        ray.wait(stop(), num_returns=len(working), timeout=STOP_SECONDS_MAX)
