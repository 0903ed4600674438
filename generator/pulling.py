"""A generator that pulls its work from a node over HTTPS: it takes a generation, makes it, records it, for ever.

It needs no port of its own and no file of the node's, only an account of the node's org with the role `generator`. When
it is told to end, it gives back what it has, and another goes on with that; when it is killed, the node does the same
once its lease is over.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal

from generator.attest import Attester
from generator.devices import Placement
from generator.in_hand import WorkInHand
from generator.making import MakingThread
from generator.patience import patiently
from generator.protocol import Ready
from generator.worker import Shelf
from ledger.crypto import SigningKey
from remarque.api.work import WAIT_SECONDS_MAX
from remarque.async_client import AsyncClient

log = logging.getLogger("generator.pulling")

PAUSE_SECONDS, PAUSE_SECONDS_MAX = 10.0, 600.0
"""How long a worker that was unable to do a generation lets others have it and the next ones."""


async def pull(url: str, account: str, key: SigningKey, shelf: Shelf, placement: Placement) -> None:
    """Work for the node at an address until this is cancelled.

    MODEL_UNREADABLE or DEVICE_UNFIT if this machine cannot; RemarqueError if the node does not want this account.
    """
    async with AsyncClient(url, account, key) as client:
        genesis = await patiently(client.genesis)
        making = MakingThread(shelf, placement, Attester(account, genesis.chain, key))
        try:
            ready = await making.ready()
            log.info("ready to work for %s on %s with models %s", url, ready.device, ", ".join(ready.models))
            await _work(client, making, ready, genesis.chain)
        finally:
            await making.end()


async def _work(client: AsyncClient, making: MakingThread, ready: Ready, chain: str) -> None:
    name, pause = secrets.token_hex(16), PAUSE_SECONDS
    while True:
        work = await patiently(
            lambda: client.take_work(
                name,
                tuple(ready.models),
                adapters=tuple(ready.adapters),
                device=ready.device,
                wait_seconds=WAIT_SECONDS_MAX,
            )
        )
        if work is not None:
            log.info("taken generation %s, pictures known: %s", work.request.id, list(work.known))
            able = await WorkInHand(client, making, work, chain).do()
            if not able:
                log.error("this worker could not do it; it asks again in %.0f s, so that others may go on", pause)
                await asyncio.sleep(pause)
            pause = PAUSE_SECONDS if able else min(2 * pause, PAUSE_SECONDS_MAX)


async def pull_until_told(url: str, account: str, key: SigningKey, shelf: Shelf, placement: Placement) -> None:
    """The same until SIGTERM or SIGINT: what is being made is given back at once."""
    working = asyncio.create_task(pull(url, account, key, shelf, placement))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        log.info("stopped")
