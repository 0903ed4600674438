"""Recording what was generated: bytes and openings are kept, the record is committed, and only then is it released."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from generator.protocol import Generated
from ledger import records
from ledger.actions import Content, RegisterGenerated
from ledger.crypto import SigningKey
from ledger.encoding import decode
from ledger.execution.confidential import key_in_force
from ledger.generation import Attestation
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.generation.jobs import Job
from node.generation.marking import Marking
from node.ordering.own import own_transaction
from node.ordering.submitter import Submitter
from remarque import sealing
from remarque.api.generation import GeneratedPicture, RefusedPicture
from remarque.encapsulating import encapsulated_content
from threshold import ThresholdKey

RECORD_VALID_MS = 300_000


class Recorder:
    """Keeps the bytes of generated pictures, and finds those that are recorded."""

    def __init__(self, chain: Chain, blockstore: Blockstore, openings: OpeningStore, marking: Marking) -> None:
        self._chain = chain
        self._blockstore = blockstore
        self._openings = openings
        self._marking = marking

    async def recorded(self, job: Job, index: int) -> GeneratedPicture | None:
        """A picture of a job, if its record is committed. Its openings are kept here from then on.

        Not earlier: a record that the ledger refuses may be about a picture that another record has, and its openings
        must not take the place of that one's.
        """
        ledger = self._chain.ledger()
        asset = ledger.find(records.request_key(job.id, index), str)
        if asset is None:
            return None
        record = ledger.asset(asset)
        await asyncio.to_thread(self._openings.put, ledger.disclosure(job.id), job.openings)
        return GeneratedPicture(
            index=index,
            asset=asset,
            cid=record.content.cid,
            transaction=record.transaction,
            unmarked=self._marking.watermarks and not isinstance(record.mark, str),
        )

    async def store(self, job: Job, asset: str, png: bytes, account: str) -> Content:
        """Take a picture's bytes for a record to come, at the cost of an account; if confidential, encrypted, with the
        key encapsulated to the consortium's, or, while there is none, sealed to its custodians.
        """
        request = job.request
        if not request.confidential:
            cid = await self._blockstore.aside(self._blockstore.take, account, png)
            return Content(cid=cid, size=len(png), media_type="image/png")
        cipher, held = await asyncio.to_thread(self._encrypted, png, asset, request.creator)
        cid = await self._blockstore.aside(self._blockstore.take, account, cipher)
        return Content(cid=cid, size=len(cipher), media_type="image/png", **held)

    def _encrypted(self, png: bytes, asset: str, creator: str) -> tuple[bytes, dict[str, Any]]:
        """Ciphertext of a picture, with what its content says of the key."""
        shared, genesis = key_in_force(self._chain.ledger()), self._chain.genesis
        if shared is not None:
            key = ThresholdKey.from_bytes(bytes.fromhex(shared.key))
            cipher, encapsulated = encapsulated_content(png, genesis.chain, asset, creator, key)
            return cipher, {"encapsulated": encapsulated}
        cipher, sealed_keys = sealing.sealed_content(png, asset, creator, genesis, self._chain.node)
        return cipher, {"sealed_keys": sealed_keys}


class SigningRecorder:
    """Records what the node's own worker made, as that worker's account."""

    def __init__(
        self,
        account: str,
        key: SigningKey,
        chain: Chain,
        submitter: Submitter,
        recorder: Recorder,
        clock_ms: Callable[[], int],
    ) -> None:
        self._account = account
        self._key = key
        self._chain = chain
        self._submitter = submitter
        self._recorder = recorder
        self._clock_ms = clock_ms

    async def record(self, job: Job, generated: Generated) -> GeneratedPicture | RefusedPicture:
        """Store a picture and commit its record; if the ledger refuses it, it is not released."""
        attestation = decode(generated.attestation, Attestation)
        content = await self._recorder.store(job, attestation.pixel_digest, generated.png, job.request.creator)
        asked = RegisterGenerated(
            request=job.request,
            request_signature=job.signature,
            attestation=attestation,
            attestation_signature=generated.signature,
            content=content,
        )
        until_ms = self._clock_ms() + RECORD_VALID_MS
        signed = own_transaction(self._chain.name, self._account, self._key, asked, until_ms)
        height, position = await self._submitter.commit(signed)
        results = self._chain.finals.at(height).results
        code, detail = results.outcomes[position].code, results.details[position]
        picture = await self._recorder.recorded(job, generated.index)
        if picture is not None:
            return picture
        return RefusedPicture(index=generated.index, code=code, detail=f"{code}: {detail}")
