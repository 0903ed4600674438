"""Pictures: having them generated, recording one's own, fetching, verifying, and disputing what is recorded."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger import actions, crypto
from ledger.actions import AnyAction
from ledger.encoding import decode, encode
from ledger.errors import Code
from ledger.execution.claim import commitment_to
from ledger.generation import (
    OPTIONAL_SETTINGS,
    GenerationRequest,
    ModelAdapter,
    Opening,
    Openings,
    PictureSource,
)
from ledger.genesis import Genesis
from ledger.names import org_of
from ledger.prices import Price
from ledger.receipt import Receipt
from ledger.records import SHARED_KEY, SharedKey, shared_key_key
from ledger.recovery import Recoveries
from remarque import sealing
from remarque.api.bindings import AskReference, ManifestMatch, ManifestMatches, ManifestReceipt
from remarque.api.content import MarkedPicture, PictureFacts, StoredCiphertext, StoredPicture
from remarque.api.generation import FAILED, AskGeneration, GeneratedPicture, Generation, GenerationTaken, Generators
from remarque.api.verification import Verification
from remarque.dag import cid_of_parts
from remarque.encapsulating import encapsulated_content
from remarque.errors import NodeCode, RemarqueError
from remarque.proving import ProofMethods
from remarque.reading import RECONNECT_SECONDS
from remarque.requesting import UNREACHED, now_ms, segment, value_of
from remarque.submitting import VALID_SECONDS
from remarque.transferring import Progress, TransferMethods
from remarque.withholding import checked_readers, withheld_settings
from threshold import ThresholdKey


class PictureMethods(ProofMethods, TransferMethods):
    """What an account does with pictures."""

    # Generation

    async def generators(self) -> tuple[str, ...]:
        """Digests of the models that the node's generator serves; none if it has no generator, or that still starts."""
        return (await self._read("/v1/generators", Generators)).models

    async def adapters(self) -> tuple[str, ...]:
        """Digests of the adapters that the node's generator can add to its models."""
        return (await self._read("/v1/generators", Generators)).adapters

    async def generate(
        self,
        prompt: str,
        *,
        model: str = "",
        adapters: Mapping[str, int] | None = None,
        negative_prompt: str = "",
        seed: int | None = None,
        steps: int = 20,
        guidance_centi: int = 500,
        width: int = 128,
        height: int = 128,
        count: int = 1,
        confidential: bool = False,
        precision: str = "float32",
        batch: int = 1,
        withheld: Mapping[str, Sequence[str]] | None = None,
        source: str | None = None,
        strength_centi: int = 60,
        mask: bytes | None = None,
        value: int | None = None,
        currency: str = "",
        licence: str | None = None,
    ) -> str:
        """Ask the node's generator for pictures; the id of the generation. Follow it with `progress` or `generation`.

        `model` is a digest, of the node's first model if left out; `adapters` (LoRA) are added to it, by their digests,
        each in hundredths: 100 adds one as it was trained. `seed` 0 to 2^32 − 1,001, by chance if left out;
        `guidance_centi` how closely to follow the prompt, in hundredths; `width` and `height` pixels, multiples of 8;
        `count` 1 to 16, `batch` of them computed together. `precision` `float32`, `bfloat16` or `float16`. What has no
        part in the pictures of this model (guidance where nothing guides it, a negative prompt where it is not used)
        makes the generation fail and names itself. Confidential pictures are encrypted before they are stored
        anywhere.

        `withheld` names settings that not everybody may read, each with the accounts that may: nobody's prompt is told
        by `{"prompt": ()}`, and the seed with it unless it is named too, for by a public seed a prompt can be guessed.
        All others are public, and of a confidential picture none is. Oneself, and whoever operates the generator,
        reads them in any case; `disclose` and `erase_settings` change it later.

        `source` is a recorded public picture that these are made of, each as its derivative: its policies decide, and
        oneself pays what they ask, by the terms that are in force now, `value` being what the right is worth for each
        and `licence` one of oneself to derive from it, of which each picture is a use.
        `strength_centi` is how much of it is redrawn, 1 to 100; `mask` a PNG of one channel and of the size that is
        asked for, whose white is redrawn while everything else keeps the source's pixels. Keep it: `regenerate` needs
        it, and only its digest is committed to.

        GENERATOR_ABSENT, GENERATION_INVALID, REQUEST_INVALID, MODEL_UNKNOWN if a model or adapter is not registered,
        MODEL_NOT_LOADED if nobody serves it, ACCOUNT_UNKNOWN, or GENERATION_QUEUE_FULL; with a source
        what `derive` is refused with, and CONTENT_MISSING.
        """
        account, key = self._signer()
        serving = await self._read("/v1/generators", Generators)
        if not model and not serving.models:
            fact = "no generator of this node was heard of lately"
            raise RemarqueError(NodeCode.GENERATOR_ABSENT.name, f"{fact}; ask again later, or another node")
        settings: dict[str, str | int] = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "seed": secrets.randbits(31) if seed is None else seed,
            "steps": steps,
            "guidance_centi": guidance_centi,
            "width": width,
            "height": height,
            "precision": precision,
            "batch": batch,
            "strength_centi": 0 if source is None else strength_centi,
            "mask": "" if mask is None else hashlib.sha256(mask).hexdigest(),
        }
        openings = Openings(
            **{
                field: Opening(salt=secrets.token_hex(16), value=value)
                for field, value in settings.items()
                if value != OPTIONAL_SETTINGS.get(field)
            }
        )
        request = GenerationRequest(
            chain=(await self.genesis()).chain,
            creator=account,
            key=key.public,
            generator=serving.org,
            model=model or serving.models[0],
            adapters=_adapters(adapters),
            count=count,
            confidential=confidential,
            commitments=openings.commitments(),
            source=UNSET if source is None else await self._source(source, value, currency, licence),
            withheld=UNSET if withheld is None else withheld_settings(withheld, confidential=confidential),
            valid_until_ms=now_ms() + VALID_SECONDS * 1000,
            nonce=secrets.token_hex(16),
        )
        signature = key.sign(crypto.GENERATION_REQUEST, encode(request))
        asked = AskGeneration(request=request, signature=signature, openings=openings, mask=mask or b"")
        try:
            return (await self._ask("/v1/generations", asked, GenerationTaken)).generation
        except RemarqueError as error:
            raise error if source is None else _of_source(error, source) from None

    async def _source(self, asset: str, value: int | None, currency: str, licence: str | None) -> PictureSource:
        """A source, by the terms that are in force now."""
        price = UNSET if value is None else Price(amount=value, currency=currency)
        return PictureSource(asset=asset, value=price, terms=(await self.asset(asset)).terms, licence=licence or UNSET)

    async def progress(self, generation: str) -> AsyncGenerator[Generation, None]:
        """How far a generation is, whenever that changes, until all its pictures are recorded.

        RemarqueError with the generator's code if it fails; what was recorded before stays.
        """
        told = None
        while True:
            try:
                path = f"/v1/generations/{segment(generation)}/events"
                async with aclosing(self._stream(path, Generation)) as stream:
                    async for _, now in stream:
                        if now != told:
                            told = now
                            yield now
                        if now.state == FAILED:
                            raise RemarqueError(now.code or NodeCode.GENERATION_FAILED.name, now.detail or "")
                        if now.ended:
                            return
            except RemarqueError as error:
                if error.code != NodeCode.SHUTTING_DOWN.name:
                    raise
            except UNREACHED:
                pass  # the node was started again, or the line was cut: the job goes on
            await asyncio.sleep(RECONNECT_SECONDS)

    async def generation(self, generation: str) -> tuple[GeneratedPicture, ...]:
        """Wait for a generation; its recorded pictures. RemarqueError with the generator's code if it fails."""
        pictures: tuple[GeneratedPicture, ...] = ()
        async for now in self.progress(generation):
            pictures = now.pictures
        return pictures

    async def withdraw_generation(self, generation: str) -> Generation:
        """Give a generation up; how far it is. It ends at its next step, with the code GENERATION_CANCELLED.

        Pictures that are recorded by then stay; one that has ended is left as it is. NOT_FOUND.
        """
        return value_of(await self.request("DELETE", f"/v1/generations/{segment(generation)}"), Generation)

    async def disclose(self, asset: str, *settings: str, to: Sequence[str] | None = None) -> Receipt:
        """Let everybody, or the accounts of `to`, read withheld settings of one's generated picture.

        It holds for all pictures of the same generation and cannot be taken back. REQUEST_MALFORMED if `to` names
        nobody, or no account; CREATOR_MISSING, SETTING_UNKNOWN, SETTING_ERASED, NOTHING_TO_CHANGE, READERS_FULL.
        """
        readers = UNSET if to is None else checked_readers(to)
        if readers == ():
            detail = "nobody is named; name accounts, or leave `to` out for everybody"
            raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, detail)
        request = await self._request_of(asset)
        return await self.submit(actions.DiscloseSettings(request=request, fields=settings, readers=readers))

    async def erase_settings(self, asset: str, *settings: str) -> Receipt:
        """Have every member destroy settings of one's generated picture in clear; its proofs hold as before.

        It holds for all pictures of the same generation, and is final. CREATOR_MISSING, SETTING_UNKNOWN,
        SETTING_ERASED.
        """
        return await self.submit(actions.EraseSettings(request=await self._request_of(asset), fields=settings))

    async def _request_of(self, asset: str) -> str:
        """The generation that a picture is of. NOT_FOUND if it was not generated here."""
        request = (await self.asset(asset)).asset.request
        if not isinstance(request, str):
            raise RemarqueError(NodeCode.NOT_FOUND.name, f"asset {asset} was not generated here, so it has no settings")
        return request

    # Content

    async def content(self, cid: str) -> bytes:
        """Bytes of stored content, encrypted if it is confidential, held against their id.

        CONTENT_MISSING if no node that answers has it, CONTENT_MISMATCH if what a node gives is something else.
        """
        found = await self.request("GET", f"/v1/content/{segment(cid)}")
        if await asyncio.to_thread(cid_of_parts, (found,)) != cid:
            raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"what came is not {cid}; fetch it from another node")
        return found

    async def picture(self, asset: str) -> bytes:
        """File of a public asset; of a confidential one, of the encrypted file, which `open` decrypts."""
        return await self.content((await self.asset(asset)).asset.content.cid)

    async def released(self, asset: str) -> bytes:
        """A picture's file as it is released: with the manifest that its record names, if it names one.

        MANIFEST_MISSING if no node that answers has that yet; `picture` gives the recorded file in any case.
        """
        return await self.request("GET", f"/v1/assets/{segment(asset)}/file")

    async def manifests_like(self, data: bytes) -> tuple[ManifestMatch, ...]:
        """Manifests of recorded pictures that are confirmed to be this one, or a part of it, as C2PA's API names them.

        Open to anybody, as `verify` is. INDEX_LOADING for a while after a node's start.
        """
        known = None not in (self.account, self.key)
        found = await self.request("POST", "/c2pa/matches/byContent", data, session=known)
        return value_of(found, ManifestMatches).matches

    async def manifests_at(self, url: str) -> tuple[ManifestMatch, ...]:
        """The same of the picture at an https address, which the node fetches. URL_REFUSED, URL_FAILED."""
        known = None not in (self.account, self.key)
        asked = encode(AskReference(reference_url=url))
        found = await self.request("POST", "/c2pa/matches/byReference", asked, session=known)
        return value_of(found, ManifestMatches).matches

    async def manifest(self, label: str) -> bytes:
        """A manifest with those of its ingredients (JUMBF), by its label. NOT_FOUND, MANIFEST_MISSING."""
        known = None not in (self.account, self.key)
        return await self.request("GET", f"/c2pa/manifests/{segment(label)}", session=known)

    async def manifest_receipt(self, label: str) -> ManifestReceipt:
        """Proof that a record which names a manifest stands in the log. NOT_FOUND."""
        known = None not in (self.account, self.key)
        found = await self.request("GET", f"/c2pa/manifests/{segment(label)}/receipts", session=known)
        return value_of(found, ManifestReceipt)

    async def timestamp(self, request: bytes) -> bytes:
        """The node's answer to a request for a time-stamp (RFC 3161, DER both). TIMESTAMPS_ABSENT if it gives none."""
        known = None not in (self.account, self.key)
        return await self.request(
            "POST", "/v1/timestamps", request, session=known, media_type="application/timestamp-query"
        )

    async def put_content(self, data: bytes | Path, progress: Progress | None = None) -> StoredPicture:
        """Store a picture's bytes at the node before registering it; its content id and what identifies it.

        A file that is named by its path is sent piece after piece, and goes on where it was after a fault.
        """
        if isinstance(data, bytes):
            return value_of(await self.request("POST", "/v1/content", data), StoredPicture)
        upload = await self.upload(data, progress)
        return value_of(await self.request("POST", f"/v1/content?upload={segment(upload)}"), StoredPicture)

    async def register(
        self,
        data: bytes | Path,
        collection: str | None = None,
        *,
        commit: bool = False,
        creators: Mapping[str, int] | None = None,
        confidential: PictureFacts | None = None,
        title: str | None = None,
        credit: str | None = None,
        similar: bool = False,
        source_type: str | None = None,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
    ) -> tuple[str, Receipt]:
        """Record a picture of one's own (evidence: declared), in a collection of one's own if named; id and receipt.

        To `commit` first takes a transaction more, and keeps whoever sees the registration from coming before it.
        `creators` are paid as such, each by a weight in ppm, 1,000,000 together: oneself alone if left out.

        With `confidential`, what identifies the picture (`pictures.describing.describe` finds that out), it is
        encrypted here and no node sees it. Its key is encapsulated to the consortium's, if that has one; else the nodes
        of one's org in the genesis hold it, or the one asked. Give the `genesis` from a source you trust, and the
        `recoveries` of the chain that you accept; else the genesis is the one that the node itself names, which then
        is trusted not to put keys of its own into it.

        `source_type` is IPTC's word for where it comes from, such as `digitalCapture`.

        A near-duplicate of pictures that others have recorded is refused (SIMILAR_RECORDED names them): derive from
        one, or say that it is `similar`, and the record names them.

        ASSET_EXISTS if the same pixels are recorded already, IMAGE_UNREADABLE, IMAGE_TOO_LARGE or IMAGE_TOO_COSTLY if
        it is no picture that the node takes, CREATORS_INVALID, NOT_CUSTODIAN if no node can hold the key.
        """
        self._signer()
        facts, content = await (
            self._stored(data) if confidential is None else self._sealed(data, confidential, genesis, recoveries)
        )
        asked = actions.RegisterAsset(
            pixel_digest=facts.pixel_digest,
            file_digest=facts.file_digest,
            width=facts.width,
            height=facts.height,
            content=content,
            image_code=facts.image_code if confidential is None else UNSET,
            confidential=confidential is not None,
            creators=_shares(creators),
            title=title or UNSET,
            credit=credit or UNSET,
            similar=_like(facts, similar=similar),
            source_type=source_type or UNSET,
        )
        return asked.pixel_digest, await self._registered(asked, collection, commit=commit)

    async def mark(
        self,
        data: bytes,
        collection: str | None = None,
        *,
        source_type: str | None = None,
        commit: bool = False,
        creators: Mapping[str, int] | None = None,
        title: str | None = None,
        credit: str | None = None,
        similar: bool = False,
    ) -> tuple[MarkedPicture, Receipt]:
        """Have the node mark a picture that was not made here, and record it as one's own; what it is now, and receipt.

        It gets a watermark, a label with its `source_type`, and a manifest that the node signs once the record is
        final: `released` gives the file with all of them. Content Credentials that the file has become an ingredient
        of that manifest; of everything else that it says, nothing is kept. The rest is as for `register`.

        NOT_LABELLED if it has a watermark of the consortium, or several pictures; NOT_SIGNED if its credentials would
        be lost.
        """
        self._signer()
        query = f"?source_type={quote(source_type, safe='')}" if source_type else ""
        made = value_of(await self.request("POST", f"/v1/marks{query}", data), MarkedPicture)
        asked = actions.RegisterAsset(
            pixel_digest=made.pixel_digest,
            file_digest=made.file_digest,
            width=made.width,
            height=made.height,
            content=actions.Content(cid=made.cid, size=made.size, media_type=made.media_type),
            image_code=made.image_code,
            confidential=False,
            creators=_shares(creators),
            title=title or UNSET,
            credit=credit or UNSET,
            similar=_like(made, similar=similar),
            mark=made.mark,
            manifest=made.manifest,
            source_type=source_type or UNSET,
        )
        return made, await self._registered(asked, collection, commit=commit)

    async def _registered(self, asked: actions.RegisterAsset, collection: str | None, *, commit: bool) -> Receipt:
        """Record a picture, after a commitment to it if that is wanted."""
        account, _ = self._signer()
        asset = asked.pixel_digest
        if commit:
            asked = replace(asked, salt=secrets.token_hex(32))
            await self.submit(actions.CommitAsset(commitment=commitment_to(account, asset, str(asked.salt))))
        wanted: list[AnyAction] = [asked]
        if collection is not None:
            wanted.append(actions.AddToCollection(collection=collection, asset=asset))
        return await self.submit(*wanted)

    async def _stored(self, data: bytes | Path) -> tuple[PictureFacts, actions.Content]:
        """Have the node keep a picture's file and say what identifies it."""
        stored = await self.put_content(data)
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        return stored, actions.Content(cid=stored.cid, size=size, media_type=stored.media_type)

    async def _sealed(
        self, data: bytes | Path, facts: PictureFacts, trusted: Genesis | None, recoveries: Recoveries
    ) -> tuple[PictureFacts, actions.Content]:
        """Encrypt a picture's file, and have the node keep the ciphertext."""
        data = data if isinstance(data, bytes) else await asyncio.to_thread(data.read_bytes)
        if facts.file_digest != hashlib.sha256(data).hexdigest():
            raise RemarqueError(
                NodeCode.CONTENT_MISMATCH.name, "these facts are of another file; find out those of this"
            )
        account, _ = self._signer()
        status, genesis = await self.status(), trusted or await self.genesis()
        if status.chain != genesis.chain:
            raise RemarqueError(Code.WRONG_CHAIN.name, f"the node is on {status.chain}, the genesis of {genesis.chain}")
        node = status.node
        about = (data, genesis.chain, facts.pixel_digest, account)
        shared, held = await self.consortium_key(genesis, recoveries), dict[str, Any]()
        if shared is not None:
            cipher, held["encapsulated"] = await asyncio.to_thread(encapsulated_content, *about, shared)
        else:
            place = (data, facts.pixel_digest, account, genesis, node)
            cipher, held["sealed_keys"] = await asyncio.to_thread(sealing.sealed_content, *place)
            if not held["sealed_keys"]:
                fact = f"no node of {org_of(account)} is in the genesis, nor is {node}"
                raise RemarqueError(NodeCode.NOT_CUSTODIAN.name, f"{fact}; ask a node that is")
        stored = value_of(await self.request("POST", "/v1/ciphertexts", cipher), StoredCiphertext)
        content = actions.Content(cid=stored.cid, size=len(cipher), media_type=facts.media_type, **held)
        return facts, content

    async def consortium_key(self, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> ThresholdKey | None:
        """The consortium's key, to which content keys are encapsulated; None while there is none.

        It is proven by the chain, for a node that named another could open what is encapsulated to that. Give the
        genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those of the
        chain that you accept.
        """
        epoch = (await self.state(SHARED_KEY, genesis=genesis, recoveries=recoveries)).value(SHARED_KEY)
        if epoch is None:
            return None
        named = shared_key_key(decode(epoch, int))
        found = (await self.state(named, genesis=genesis, recoveries=recoveries)).value(named)
        return None if found is None else ThresholdKey.from_bytes(bytes.fromhex(decode(found, SharedKey).key))

    async def verify(self, data: bytes) -> Verification:
        """What the chain knows about a picture. INDEX_LOADING for a while after a node's start.

        Open to anybody: a client without an account is told what the records' rules open to strangers.
        """
        known = None not in (self.account, self.key)
        return value_of(await self.request("POST", "/v1/verify", data, session=known), Verification)

    async def verify_at(self, url: str) -> Verification:
        """The same of the picture at an https address, which the node fetches. URL_REFUSED, URL_FAILED."""
        known = None not in (self.account, self.key)
        path = f"/v1/verify?url={quote(url, safe='')}"
        return value_of(await self.request("POST", path, session=known), Verification)

    # Evidence

    async def dispute(self, asset: str, reason: str, evidence: bytes) -> Receipt:
        """Dispute what is recorded of an asset; the evidence's digest goes on the chain, its bytes stay here."""
        digest = hashlib.sha256(evidence).hexdigest()
        return await self.submit(actions.DisputeAsset(asset=asset, reason=reason, evidence=digest))

    async def withdraw_dispute(self, asset: str) -> Receipt:
        """Take the dispute of one's org back."""
        return await self.submit(actions.WithdrawDispute(asset=asset))


def _adapters(weights: Mapping[str, int] | None) -> tuple[ModelAdapter, ...] | UnsetType:
    return tuple(ModelAdapter(model=model, weight_centi=weight) for model, weight in (weights or {}).items()) or UNSET


def _of_source(error: RemarqueError, source: str) -> RemarqueError:
    """A refusal of what was only tried on the source's policies: no transaction explains it."""
    if error.code != Code.POLICY_DENIED.name:
        return error
    denied = error.detail.partition("; the transaction's")[0]
    fix = f"the owner of asset {source[:16]}… has to permit `derive`; nothing was made, and nothing paid"
    return RemarqueError(error.code, f"{denied}; {fix}", error.status, error.receipt)


def _shares(creators: Mapping[str, int] | None) -> tuple[actions.Share, ...] | UnsetType:
    """Who is paid as creator; oneself if nobody is named."""
    return tuple(actions.Share(account=name, weight_ppm=weight) for name, weight in (creators or {}).items()) or UNSET


def _like(facts: PictureFacts, *, similar: bool) -> tuple[str, ...] | UnsetType:
    """Pictures of others that one is like, for its record. SIMILAR_RECORDED unless that is said."""
    like = facts.similar if isinstance(facts, StoredPicture) else ()
    if like and not similar:
        detail = f"it is a near-duplicate of {', '.join(like)}; derive from one, or say that it is similar"
        raise RemarqueError(NodeCode.SIMILAR_RECORDED.name, detail)
    return like or UNSET
