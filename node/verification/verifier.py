"""What the chain knows about a picture that anybody brings.

Four answers, each as sure as it says: the very file; the same pixels in another container; a near-duplicate, when the
ISCC Image-Code is within 32 of 256 bits *and* the recorded picture, compared with the one brought, confirms it; or not
recorded, with proofs of absence for both exact digests. Codes within 56 bits, or near ones that could not be confirmed,
are reported as candidates, never as the same picture.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from generator.errors import GeneratorCode, GeneratorError
from generator.fingerprint import (
    DIFFERENCE_SAME,
    DISTANCE_CANDIDATE,
    DISTANCE_SURE,
    Picture,
    difference,
    is_featureless,
    open_picture,
    pixel_digest,
    search_codes,
)
from ledger import records
from ledger.encoding import decode_trusted
from ledger.events import AssetRegistered
from ledger.execution.view import Ledger
from ledger.receipt import Receipt
from ledger.state_answer import StateAnswer
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.content.cid import CidInvalid
from node.ground.logs import progress
from node.verification.image_codes import ImageCodes
from remarque.api.content import PictureFacts
from remarque.api.verification import Attested, Match, MatchedModel, Verdict, Verification
from remarque.errors import NodeCode, NodeError

MATCHES_MAX = 10
NEAR_MAX = 100
"""Recorded pictures that are compared, so that look-alike records without content cannot crowd the real one out."""
INDEXED_TOGETHER = 500
"""Assets read in one piece of work after a start."""
PICTURES_MAX = 16
"""Pictures being verified at the same time, most of them waiting."""
DECODERS_MAX = 2
"""Pictures decoded at the same time."""

NOT_RECORDED = (
    "Not recorded: neither this file nor its pixels are on this chain (proven), and no match among {codes} image codes "
    "up to height {height}. This does not mean that it is not AI-made."
)
WORDING: dict[Verdict, str] = {
    "exact_file": "This very file is recorded on the chain.",
    "same_pixels": "The same pixels are recorded on the chain, in another file.",
    "near_duplicate": "A near-duplicate of this picture is recorded: re-encoded, resized or lightly edited.",
    "candidates": "Similar pictures are recorded. None is shown to be the same: look at them.",
}

CONTESTED = " What is recorded of it is disputed: read by whom, and why, before you rely on it."

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}


class Verifier:
    """Answers from the committed state and an index of all image codes."""

    def __init__(self, chain: Chain, reading: Reading, blockstore: Blockstore) -> None:
        self._chain = chain
        self._reading = reading
        self._blockstore = blockstore
        self._codes = ImageCodes()
        self._decoding = asyncio.Semaphore(DECODERS_MAX)
        self._describing = asyncio.Semaphore(DECODERS_MAX)
        """For members' uploads, which do not wait for what strangers bring."""
        self._open = 0
        self._indexed = False
        """Whether everything recorded before the start is in the index."""
        self._waiting: dict[int, dict[str, int]] = {}
        """Codes by asset, by height, that are not in the index yet."""
        chain.commits.follow(self._committed)

    async def run(self) -> None:
        """Index what was recorded before the start, beside everything else. Until then only exact digests are told."""
        stored = progress("assets_read", self._chain.state.items(records.asset_key("")))
        while some := await self._reading.piece(lambda: list(islice(stored, INDEXED_TOGETHER))):
            await self._reading.piece(self._note, [decode_trusted(data, records.Asset) for _, data in some])
        for height in sorted(self._waiting):
            await self._reading.piece(self._index, height)
        for height in sorted(self._waiting):
            self._index(height)
        self._indexed = True

    def _committed(self, layers: list[Layer]) -> None:
        ledger = self._chain.ledger()
        for layer in layers:
            events = (event for outcome in layer.result.outcomes for event in outcome.events)
            self._note([ledger.asset(event.asset) for event in events if isinstance(event, AssetRegistered)])
            if self._indexed:
                self._index(layer.block.header.height)

    def _note(self, assets: list[records.Asset]) -> None:
        for height, asset, code in codes_of(assets):
            self._waiting.setdefault(height, {})[asset] = code

    def _index(self, height: int) -> None:
        """Index what was recorded at a height, in an order that is the same on every node, whenever it was started."""
        for asset, code in sorted(self._waiting.pop(height, {}).items()):
            self._codes.add(code, asset)

    @contextmanager
    def room(self) -> Iterator[None]:
        """Take a place for one picture before its bytes are read, or refuse."""
        if self._open >= PICTURES_MAX:
            raise NodeError(NodeCode.OVERLOADED, f"{self._open} pictures are being verified; try again", 2)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def verify(self, data: bytes) -> Verification:
        """What is known about a picture's bytes."""
        async with self._decoding:
            picture, file_digest, pixels, codes = await asyncio.to_thread(describe, data)
        brought = _Brought(self._chain.committed.height, file_digest, pixels, codes[0])
        exact = self._chain.state.get(records.file_key(file_digest))
        # Anyone may declare another file's digest; only pixels that are its own make it this file.
        if exact is not None and decode_trusted(exact, str) == pixels:
            return await self._answer(brought, "exact_file", [(0, pixels)])
        if self._chain.state.get(records.asset_key(pixels)) is not None:
            return await self._answer(brought, "same_pixels", [(0, pixels)])
        if not self._indexed:
            detail = f"{len(self._codes)} image codes are indexed so far, after this node's start; ask again"
            raise NodeError(NodeCode.INDEX_LOADING, detail, 1)
        # Of this very state, for blocks may be committed while codes are searched.
        absence = self._chain.state_answer([records.file_key(file_digest), records.asset_key(pixels)])
        not_recorded = NOT_RECORDED.format(codes=len(self._codes), height=brought.height)
        near = await self._near(codes)
        confirmed = [
            (distance, asset)
            for distance, asset in near
            if distance <= DISTANCE_SURE and await self._same(picture, asset)
        ]
        if confirmed:
            return await self._answer(brought, "near_duplicate", confirmed)
        if near:
            return await self._answer(brought, "candidates", near, absence)
        return brought.answered("not_recorded", not_recorded, (), absence)

    async def describe_upload(self, data: bytes) -> PictureFacts:
        """What identifies an uploaded picture, for its registrant."""
        async with self._describing:
            picture, file_digest, pixels, codes = await asyncio.to_thread(describe, data)
        return PictureFacts(
            pixel_digest=pixels,
            file_digest=file_digest,
            image_code=codes[0],
            width=picture.width,
            height=picture.height,
            media_type=MEDIA_TYPES[picture.format],
        )

    async def _near(self, codes: tuple[str, ...]) -> list[tuple[int, str]]:
        """Recorded codes within the candidate distance of any of a picture's, nearest first, of equals the oldest."""
        searched = [code_bits(code) for code in codes if not is_featureless(code)]
        near: list[tuple[int, str]] = []
        pieces = self._codes.near(searched, DISTANCE_CANDIDATE, NEAR_MAX)
        while (found := await self._reading.piece(next, pieces, None)) is not None:
            near = found
        return near

    async def _same(self, picture: Picture, asset: str) -> bool:
        """Whether the recorded picture itself confirms a near code."""
        content = self._chain.ledger().asset(asset).content
        try:
            recorded = await self._blockstore.aside(self._blockstore.file, content.cid)
            async with self._decoding:
                return await asyncio.to_thread(lambda: difference(picture, open_picture(recorded)) <= DIFFERENCE_SAME)
        except (NodeError, GeneratorError, CidInvalid):
            return False

    async def _match(self, distance: int, asset: str) -> Match:
        record = self._chain.ledger().asset(asset)
        return Match(
            asset=asset,
            evidence=record.evidence_level,
            creator=record.creator,
            registrant=record.registrant,
            recorded_ms=record.created_ms,
            height=record.height_recorded,
            confidential=record.confidential,
            distance=distance,
            receipt=await self._receipt(record.transaction),
            recorded_evidence=record.evidence if record.disputed_by else UNSET,
            disputes=open_disputes(self._chain.ledger(), record) if record.disputed_by else UNSET,
            attested=await self._attested(record),
            model=self._model(record),
        )

    async def _attested(self, record: records.Asset) -> Attested | UnsetType:
        if not isinstance(record.attested_in, str) or not isinstance(record.attested_by, str):
            return UNSET
        return Attested(by=record.attested_by, receipt=await self._receipt(record.attested_in))

    def _model(self, record: records.Asset) -> MatchedModel | UnsetType:
        if not isinstance(record.model, str):
            return UNSET
        model = self._chain.ledger().find(records.model_key(record.model), records.Model)
        if model is None:
            return MatchedModel(digest=record.model)
        return MatchedModel(digest=record.model, name=model.name, version=model.version, provider=model.provider)

    async def _receipt(self, transaction: str) -> Receipt | None:
        place = self._chain.state.locate(transaction)
        return None if place is None or place[0] <= self._chain.finals.oldest else await self._reading.receipt(*place)

    async def _answer(
        self,
        brought: _Brought,
        verdict: Verdict,
        near: list[tuple[int, str]],
        absence: StateAnswer | UnsetType = UNSET,
    ) -> Verification:
        matches = [await self._match(distance, asset) for distance, asset in near[:MATCHES_MAX]]
        contested = any(match.disputes is not UNSET for match in matches)
        return brought.answered(verdict, WORDING[verdict] + (CONTESTED if contested else ""), tuple(matches), absence)


class _Brought(NamedTuple):
    """A picture that is asked about, and the height that the answer is about."""

    height: int
    file_digest: str
    pixel_digest: str
    image_code: str

    def answered(
        self, verdict: Verdict, wording: str, matches: tuple[Match, ...], absence: StateAnswer | UnsetType
    ) -> Verification:
        return Verification(verdict=verdict, wording=wording, matches=matches, absence=absence, **self._asdict())


def open_disputes(ledger: Ledger, asset: records.Asset) -> tuple[records.Dispute, ...]:
    """Who disputes an asset now, and why; by org."""
    found = (ledger.find(records.dispute_key(asset.id, org), records.Dispute) for org in asset.disputed_by)
    return tuple(dispute for dispute in found if dispute is not None)


def describe(data: bytes) -> tuple[Picture, str, str, tuple[str, ...]]:
    """A picture decoded, with the digests of file and pixels, and the codes to look it up by, its own first.

    Takes seconds for a large picture: not for the event loop.
    """
    try:
        picture = open_picture(data)
        return picture, hashlib.sha256(data).hexdigest(), pixel_digest(picture), search_codes(picture)
    except GeneratorError as error:
        code = NodeCode.IMAGE_TOO_LARGE if error.code is GeneratorCode.IMAGE_TOO_LARGE else NodeCode.IMAGE_UNREADABLE
        raise NodeError(code, error.detail) from None


def codes_of(assets: Iterable[records.Asset]) -> Iterator[tuple[int, str, int]]:
    """Height, id and image code of those assets that publish a code of 256 bits."""
    for asset in assets:
        if isinstance(asset.image_code, str):
            with suppress(ValueError):
                yield asset.height_recorded, asset.id, code_bits(asset.image_code)


def code_bits(code: str) -> int:
    """The 256 bits of an ISCC Image-Code."""
    body = code.removeprefix("ISCC:")
    packed = base64.b32decode(body + "=" * (-len(body) % 8))
    if len(packed) != 34:
        raise ValueError(f"{code} is not a 256-bit code")
    return int.from_bytes(packed[2:], "big")
