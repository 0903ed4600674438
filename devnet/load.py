"""A stream of transactions that survives what is done to the cluster, and remembers every receipt it was given."""

from __future__ import annotations

import asyncio
import secrets

from ledger.actions import Content, MintToken, RegisterAsset
from ledger.crypto import SigningKey
from remarque.async_client import AsyncClient
from remarque.errors import RemarqueError

_PLACEHOLDER = Content(
    cid="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", size=1, media_type="image/png"
)
"""The empty file's content id: the load is about the ledger, not about content."""


class Stream:
    """Registers and mints from several clients at once, retrying each transaction until it has its receipt."""

    def __init__(self, urls: list[str], account: str, key: SigningKey, pause_seconds: float = 0.0) -> None:
        """`pause_seconds`: how long each client waits after a receipt."""
        self._urls = urls
        self._pause_seconds = pause_seconds
        self._account = account
        self._key = key
        self._stopped = False
        self._more = asyncio.Condition()
        self.acknowledged: list[str] = []
        """Ids of the transactions whose receipts came back."""

    def stop(self) -> None:
        """Let every client finish the transaction it has under way."""
        self._stopped = True

    async def run(self, clients: int) -> None:
        """Stream until stopped."""
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(self._client(number))

    async def acknowledged_at_least(self, count: int, seconds_max: float = 30.0) -> None:
        """Wait until so many receipts have come back."""
        async with asyncio.timeout(seconds_max), self._more:
            await self._more.wait_for(lambda: len(self.acknowledged) >= count)

    async def _client(self, number: int) -> None:
        urls = self._urls[number % len(self._urls) :] + self._urls[: number % len(self._urls)]
        async with AsyncClient(urls, self._account, self._key) as client:
            while not self._stopped:
                asset = secrets.token_hex(32)
                register = RegisterAsset(
                    pixel_digest=asset,
                    file_digest=secrets.token_hex(32),
                    width=128,
                    height=128,
                    content=_PLACEHOLDER,
                    confidential=False,
                )
                signed = await client.sign(register, MintToken(asset=asset))
                while True:
                    try:
                        await client.send(signed)
                        break
                    except (ConnectionError, RemarqueError) as error:
                        if isinstance(error, RemarqueError) and error.status not in (429, 503, 504):
                            raise
                        await asyncio.sleep(0.05)
                async with self._more:
                    self.acknowledged.append(signed.id)
                    self._more.notify_all()
                await asyncio.sleep(self._pause_seconds)

    async def missing_on(self, url: str) -> list[str]:
        """Acknowledged transactions that a node does not have."""
        missing = []
        async with AsyncClient(url, self._account, self._key) as client:
            for transaction in self.acknowledged:
                try:
                    await client.receipt(transaction)
                except RemarqueError:
                    missing.append(transaction)
        return missing
