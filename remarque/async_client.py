"""The SDK: a typed, asynchronous client of a node's REST.

Here is what it reads, and pictures with their evidence and access. Each part that a client has is a module: how it
reaches nodes (`requesting.py`), signs and submits (`submitting.py`), trades (`market_client.py`) and governs
(`governing_client.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import msgspec

from ledger import actions, crypto
from ledger.actions import AnyAction, Price
from ledger.consistency import ConsistencyProof, ConsistencyRefused, verify_consistency
from ledger.encoding import encode
from ledger.generation import SETTING_FIELDS, GenerationRequest, Opening, Openings
from ledger.genesis import Genesis
from ledger.receipt import Receipt, parse_receipt
from ledger.recovery import Recoveries
from ledger.state_answer import StateAnswer, StateAnswerRefused, verify_state_answer
from remarque import sealing
from remarque.drafts import Draft
from remarque.governing_client import GoverningClient
from remarque.market_client import MarketClient
from remarque.requesting import UNREACHED, RemarqueError, now_ms
from remarque.submitting import VALID_SECONDS


class AsyncClient(MarketClient, GoverningClient):
    """A member's access to nodes. `async with AsyncClient(url, account, key) as client: …`"""

    # The chain

    async def receipt(self, transaction: str, anchor: int | None = None) -> Receipt:
        """Receipt of a committed transaction, proven up to a certified height if one is given."""
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{transaction}/receipt"
        return parse_receipt(await self.request("GET", path, session=False, params=params))

    async def consistency(
        self, first: int, second: int, genesis: Genesis | None = None, recoveries: Recoveries = ()
    ) -> ConsistencyProof:
        """Proof that the log at a certified height begins with that at a lower one: ConsistencyRefused if not.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept.
        """
        params = {"from": str(first), "to": str(second)}
        data = await self.request("GET", "/v1/log/consistency", session=False, params=params)
        proof = verify_consistency(data, genesis or await self.genesis(), recoveries)
        if (proof.first.header.height, proof.second.header.height) != (first, second):
            raise ConsistencyRefused("it is about other heights than were asked for")
        return proof

    async def cose_receipt(self, transaction: str, anchor: int | None = None) -> bytes:
        """COSE receipt of a committed transaction by the node that is asked, for `verify_member_inclusion`."""
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{transaction}/receipt.cose"
        return await self.request("GET", path, session=False, params=params)

    async def register_statement(self, statement: bytes) -> bytes:
        """Register a signed statement; the node's COSE receipt. Safe to repeat, also on REGISTRATION_RUNNING."""
        return await self.request("POST", "/entries", statement, session=False, media_type="application/cose")

    async def transparent_statement(self, digest: str) -> bytes:
        """A registered statement, by the SHA-256 of its bytes, with the receipts of all nodes that answer in time."""
        return await self.request("GET", f"/entries/{digest}", session=False, params={"transparent": "true"})

    async def state(self, *keys: str, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> StateAnswer:
        """What stands under keys of the state, proven: StateAnswerRefused if it does not hold.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        data = await self.request("GET", f"/v1/state?{query}")
        answer = verify_state_answer(data, genesis or await self.genesis(), recoveries)
        if [entry.key for entry in answer.entries] != list(keys):
            raise StateAnswerRefused("it answers about other keys than were asked for")
        return answer

    async def state_at(self, *keys: str, height: int | None = None, time_ms: int | None = None) -> dict[str, Any]:
        """What stood under keys of the state after a block, or at a time, by the word of the node that is asked.

        Each of `entries` says since which block, and which transactions made it so: their receipts prove it.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        when = f"height={height}" if height is not None else f"time_ms={time_ms}"
        found: dict[str, Any] = await self.get(f"/v1/state/at?{query}&{when}")
        return found

    async def events(self, after: str = "") -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Events as (id, event), from a place on, for ever; resumes by itself when cut off."""
        while True:
            try:
                async for place, event in self._stream("/v1/events", after):
                    after = place
                    yield place, event
            except UNREACHED:
                self.urls.append(self.urls.pop(0))
                await asyncio.sleep(0.2)

    # Pictures

    async def generate(
        self,
        prompt: str,
        *,
        model: str = "",
        negative_prompt: str = "",
        seed: int | None = None,
        steps: int = 20,
        guidance_centi: int = 500,
        width: int = 128,
        height: int = 128,
        count: int = 1,
        confidential: bool = False,
    ) -> str:
        """Ask the node's generator for pictures; the id of the generation. Follow it with `generation`."""
        account, key = self._signer()
        if not model:
            models = await self.get("/v1/generators")
            if not models["models"]:
                raise RemarqueError("GENERATOR_ABSENT", "this node has no generator; ask one that has")
            model = models["models"][0]
        settings: dict[str, str | int] = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "seed": secrets.randbits(31) if seed is None else seed,
            "steps": steps,
            "guidance_centi": guidance_centi,
            "width": width,
            "height": height,
        }
        openings = Openings(
            **{field: Opening(salt=secrets.token_hex(16), value=settings[field]) for field in SETTING_FIELDS}
        )
        request = GenerationRequest(
            chain=(await self.genesis()).chain,
            creator=account,
            key=key.public,
            model=model,
            count=count,
            confidential=confidential,
            commitments=openings.commitments(),
            valid_until_ms=now_ms() + VALID_SECONDS * 1000,
            nonce=secrets.token_hex(16),
        )
        signature = key.sign(crypto.GENERATION_REQUEST, encode(request))
        body = encode({"request": request, "signature": signature, "openings": openings})
        return str(msgspec.json.decode(await self.request("POST", "/v1/generations", body))["generation"])

    async def generation(
        self, generation: str, on_progress: Callable[[dict[str, Any]], None] | None = None
    ) -> list[dict[str, Any]]:
        """Wait for a generation, telling its progress; its pictures, each with `asset` and `transaction`."""
        while True:
            try:
                async for _, event in self._stream(f"/v1/generations/{generation}/events"):
                    if on_progress is not None:
                        on_progress(event)
                    if event["state"] == "failed":
                        raise RemarqueError(event.get("code", "GENERATION_FAILED"), event.get("detail", ""))
                    if event["state"] == "done":
                        pictures: list[dict[str, Any]] = event["pictures"]
                        return pictures
            except RemarqueError as error:
                if error.code != "SESSION_INVALID":
                    raise
            except UNREACHED:
                await asyncio.sleep(0.2)

    async def content(self, cid: str) -> bytes:
        """Bytes of stored content."""
        return await self.request("GET", f"/v1/content/{cid}")

    async def picture(self, asset: str) -> bytes:
        """File of a public asset."""
        return await self.content((await self.get(f"/v1/assets/{asset}"))["asset"]["content"]["cid"])

    async def put_content(self, data: bytes) -> dict[str, Any]:
        """Store a picture's bytes at the node before registering it; its content id and what identifies it."""
        stored: dict[str, Any] = msgspec.json.decode(await self.request("POST", "/v1/content", data))
        return stored

    async def register(self, data: bytes, collection: str | None = None) -> tuple[str, Receipt]:
        """Record a picture of one's own (evidence: declared), in a collection of one's own if named; id and receipt."""
        stored = await self.put_content(data)
        asset = stored["pixel_digest"]
        wanted: list[AnyAction] = [
            actions.RegisterAsset(
                pixel_digest=asset,
                file_digest=stored["file_digest"],
                width=stored["width"],
                height=stored["height"],
                content=actions.Content(cid=stored["cid"], size=len(data), media_type=stored["media_type"]),
                image_code=stored["image_code"],
                confidential=False,
            )
        ]
        if collection is not None:
            wanted.append(actions.AddToCollection(collection=collection, asset=asset))
        return asset, await self.submit(*wanted)

    async def verify(self, data: bytes) -> dict[str, Any]:
        """What the chain knows about a picture."""
        found: dict[str, Any] = msgspec.json.decode(await self.request("POST", "/v1/verify", data, session=False))
        return found

    # Evidence

    async def dispute(self, asset: str, reason: str, evidence: bytes) -> Receipt:
        """Dispute what is recorded of an asset; the evidence's digest goes on the chain, its bytes stay here."""
        digest = hashlib.sha256(evidence).hexdigest()
        return await self.submit(actions.DisputeAsset(asset=asset, reason=reason, evidence=digest))

    async def withdraw_dispute(self, asset: str) -> Receipt:
        """Take the dispute of one's org back."""
        return await self.submit(actions.WithdrawDispute(asset=asset))

    # Access

    async def grant(self, asset: str, account: str, until_ms: int) -> Receipt:
        """Let an account see a confidential asset until a time."""
        return await self.submit(actions.GrantAccess(asset=asset, account=account, until_ms=until_ms))

    async def draft_grant(
        self,
        asset: str,
        account: str,
        until_ms: int,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """A grant that the account pays for, for both to sign."""
        paid, seen = Price(amount=price, currency=currency), terms or await self.asset_terms(asset)
        asked = actions.GrantAccess(asset=asset, account=account, until_ms=until_ms, price=paid, terms=seen)
        return await self.draft_with({account: key}, asked, valid_s=valid_s)

    async def revoke(self, asset: str, account: str) -> Receipt:
        """End a grant now."""
        return await self.submit(actions.RevokeAccess(asset=asset, account=account))

    async def open(self, asset: str, purpose: str = "") -> bytes:
        """Ask for a confidential asset, have the chain decide, and decrypt it. RemarqueError says which rule denied."""
        reader = sealing.ReaderKey()
        receipt = await self.submit(actions.RequestAccess(asset=asset, reader_key=reader.public, purpose=purpose))
        released = await self.get(f"/v1/releases/{receipt.signed.id}")
        content_key = reader.open(bytes.fromhex(released["shares"][0]["sealed"]))
        return sealing.decrypt(await self.picture(asset), content_key)
