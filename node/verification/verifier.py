"""What the chain knows about a picture that anybody brings.

Four answers, each as sure as it says: the very file; the same pixels in another container; a near-duplicate, when the
ISCC Image-Code is within 32 of 256 bits *and* the recorded picture, compared with the one brought, confirms it; or not
recorded, with proofs of absence for both exact digests. Codes within 56 bits, or near ones that could not be confirmed,
are reported as candidates, never as the same picture.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from cachetools import LRUCache
from msgspec import UNSET, UnsetType

from ledger import records
from ledger.actions.assets import SIMILAR_MAX
from ledger.encoding import decode_trusted
from ledger.events import AssetRegistered
from ledger.execution.policy import may
from ledger.execution.view import Ledger
from ledger.receipt import Receipt
from ledger.state_answer import StateAnswer
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.content.cid import CidInvalid
from node.decoding.asking import Facts
from node.decoding.lanes import Decoders, Lane
from node.ground.logs import progress
from node.verification.image_codes import ImageCodes
from node.verification.ranking import Found, by_evidence, fairly, in_words, verdict_of
from pictures.fingerprint import DIFFERENCE_SAME, DISTANCE_CANDIDATE, DISTANCE_SURE, difference, is_featureless
from remarque.api.verification import Attested, Match, MatchedModel, Verification, Withheld
from remarque.errors import NodeCode, NodeError

MATCHES_MAX = 10
NEAR_MAX = 2_000
"""Near codes that are looked at."""
COMPARED_MAX = 100
"""Recorded pictures that are compared with the one brought."""
READ_TOGETHER = 64
"""Records read in one piece of work."""
INDEXED_TOGETHER = 500
"""Assets read in one piece of work after a start."""
MINIATURES_KEPT = 1_000
"""Of 12 KiB each."""


class Verifier:
    """Answers from the committed state and an index of all image codes."""

    def __init__(self, chain: Chain, reading: Reading, blockstore: Blockstore, decoders: Decoders) -> None:
        self._chain = chain
        self._reading = reading
        self._blockstore = blockstore
        self._codes = ImageCodes()
        self._decoders = decoders
        self._miniatures: LRUCache[str, bytes] = LRUCache(MINIATURES_KEPT)
        """Of recorded pictures that were compared, by content id."""
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

    async def verify(self, data: bytes, who: str, *, member: bool) -> Verification:
        """What is known about a picture's bytes: every record of it, whichever way it was found.

        A stranger is told of those whose rules say so, and of the others only what they are. No layer ends the search.
        Whoever declares a copy of a picture, or its very file, is told of beside the generator that attests the
        picture, and never in its place. `who` brings it: an account, or an address.
        """
        lane = self._decoders.members if member else self._decoders.strangers
        with lane.room(len(data), who):
            return await self._verify(data, lane, member=member)

    async def _verify(self, data: bytes, lane: Lane, *, member: bool) -> Verification:
        facts = await lane.facts(data)
        file_digest, pixels = facts.file_digest, facts.pixel_digest
        self._check_indexed()
        # Of this very state, for blocks may be committed while codes are searched.
        height, searched = self._chain.committed.height, len(self._codes)
        exact = self._exact(file_digest, pixels)
        absence = UNSET if exact else self._absence(file_digest, pixels)
        near, similar = await self._like(facts, lane)
        same = sorted([*exact, *near], key=by_evidence)
        first = [*same, *similar][:MATCHES_MAX]
        told = [member or self._opened(found.record) for found in first]
        return Verification(
            verdict=verdict_of(same, similar),
            wording=in_words(same, similar, absence, searched, height, named=told[:1] != [False]),
            matches=tuple(
                [await self._match(found, member) for found, named in zip(first, told, strict=True) if named]
            ),
            withheld=tuple(
                Withheld(relation=found.relation, evidence=found.record.evidence_level)
                for found, named in zip(first, told, strict=True)
                if not named
            ),
            further=len(same) + len(similar) - len(first),
            height=height,
            file_digest=file_digest,
            pixel_digest=pixels,
            image_code=facts.codes[0],
            absence=absence,
        )

    async def similar(self, facts: Facts, lane: Lane, account: str) -> tuple[str, ...]:
        """Pictures that others than an account have recorded and that one is a near-duplicate of."""
        self._check_indexed()
        near, _ = await self._like(facts, lane)
        others = [found.record.id for found in sorted(near, key=by_evidence) if found.record.creator != account]
        return tuple(others[:SIMILAR_MAX])

    def _check_indexed(self) -> None:
        if not self._indexed:
            detail = f"{len(self._codes)} image codes are indexed so far, after this node's start; ask again"
            raise NodeError(NodeCode.INDEX_LOADING, detail, 1)

    async def _like(self, facts: Facts, lane: Lane) -> tuple[list[Found], list[Found]]:
        """Records of near-duplicates, and of those that are only near."""
        near = fairly(await self._recorded(await self._near(facts.codes), facts.pixel_digest))
        compared = {
            found.record.id: await self._same(facts.miniature, found.record.id, lane)
            for found in [one for one in near if one.distance <= DISTANCE_SURE][:COMPARED_MAX]
        }
        same = [one._replace(relation="near_duplicate") for one in near if compared.get(one.record.id)]
        return same, [one for one in near if not compared.get(one.record.id)]

    def _exact(self, file_digest: str, pixels: str) -> list[Found]:
        """The record of the very pixels, if there is one. Anyone may declare a digest as that of their own picture's
        file; only a record of the file's own pixels is about this file."""
        record = self._chain.ledger().find(records.asset_key(pixels), records.Asset)
        if record is None:
            return []
        file = self._chain.ledger().find(records.file_key(file_digest), str)
        return [Found(record, 0, "exact_file" if file == pixels else "same_pixels")]

    def _absence(self, file_digest: str, pixels: str) -> StateAnswer:
        """Proof that the pixels are not recorded, and that the file is not, where that is so."""
        keys = (records.file_key(file_digest), records.asset_key(pixels))
        return self._chain.state_answer([key for key in keys if self._chain.state.get(key) is None])

    async def _near(self, codes: tuple[str, ...]) -> list[tuple[int, str]]:
        """Recorded codes within the candidate distance of any of a picture's, nearest first, of equals the oldest."""
        searched = [code_bits(code) for code in codes if not is_featureless(code)]
        near: list[tuple[int, str]] = []
        pieces = self._codes.near(searched, DISTANCE_CANDIDATE, NEAR_MAX)
        while (found := await self._reading.piece(next, pieces, None)) is not None:
            near = found
        return near

    async def _recorded(self, near: list[tuple[int, str]], pixels: str) -> list[Found]:
        """The records of near codes, but for that of the very pixels; some at a time."""
        others = [(distance, asset) for distance, asset in near if asset != pixels]
        found: list[Found] = []
        for start in range(0, len(others), READ_TOGETHER):
            found += await self._reading.piece(self._read, others[start : start + READ_TOGETHER])
        return found

    def _read(self, near: list[tuple[int, str]]) -> list[Found]:
        ledger = self._chain.ledger()
        return [Found(ledger.asset(asset), distance, "candidate") for distance, asset in near]

    async def _same(self, miniature: bytes, asset: str, lane: Lane) -> bool:
        """Whether the recorded picture itself confirms a near code."""
        cid = self._chain.ledger().asset(asset).content.cid
        try:
            if cid not in self._miniatures:
                recorded = await self._blockstore.aside(self._blockstore.file, cid)
                self._miniatures[cid] = await lane.miniature(recorded)
            return difference(miniature, self._miniatures[cid]) <= DIFFERENCE_SAME
        except NodeError as error:
            if error.code in (NodeCode.OVERLOADED, NodeCode.DECODER_FAILED):
                raise  # of this node and of now: to leave the comparison out would weaken what is answered
            return False
        except CidInvalid:
            return False

    def _opened(self, record: records.Asset) -> bool:
        """Whether the rules in force let a stranger be told of a record."""
        ledger, header = self._chain.ledger(), self._chain.committed
        fuel = self._chain.version(header.height).decision_fuel_max
        return may(ledger, record, "verify", "", header.height, header.time_ms, fuel)

    async def _match(self, found: Found, member: bool) -> Match:
        record = found.record
        return Match(
            asset=record.id,
            relation=found.relation,
            evidence=record.evidence_level,
            creator=record.creator,
            registrant=record.registrant,
            recorded_ms=record.created_ms,
            height=record.height_recorded,
            confidential=record.confidential,
            distance=found.distance,
            receipt=await self._receipt(record.transaction, member),
            recorded_evidence=record.evidence if record.disputed_by else UNSET,
            disputes=open_disputes(self._chain.ledger(), record) if record.disputed_by else UNSET,
            attested=await self._attested(record, member),
            model=self._model(record),
            title=record.title,
            credit=record.credit,
            similar=record.similar,
        )

    async def _attested(self, record: records.Asset, member: bool) -> Attested | UnsetType:
        if not isinstance(record.attested_in, str) or not isinstance(record.attested_by, str):
            return UNSET
        return Attested(by=record.attested_by, receipt=await self._receipt(record.attested_in, member))

    def _model(self, record: records.Asset) -> MatchedModel | UnsetType:
        if not isinstance(record.model, str):
            return UNSET
        model = self._chain.ledger().find(records.model_key(record.model), records.Model)
        if model is None:
            return MatchedModel(digest=record.model)
        return MatchedModel(digest=record.model, name=model.name, version=model.version, provider=model.provider)

    async def _receipt(self, transaction: str, member: bool) -> Receipt | None:
        """Of a transaction that recorded a picture; for a stranger only if it did nothing else."""
        place = self._chain.state.locate(transaction)
        if place is None or place[0] <= self._chain.finals.oldest:
            return None
        receipt = await self._reading.receipt(*place)
        asked = receipt.signed.transaction
        return receipt if member or (len(asked.actions) == 1 and asked.memo is UNSET) else None


def open_disputes(ledger: Ledger, asset: records.Asset) -> tuple[records.Dispute, ...]:
    """Who disputes an asset now, and why; by org."""
    found = (ledger.find(records.dispute_key(asset.id, org), records.Dispute) for org in asset.disputed_by)
    return tuple(dispute for dispute in found if dispute is not None)


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
