"""Which recorded pictures one that is brought may be: by every way in which they can be found.

A code of the whole, a watermark and the label of a manifest lead to records; whether those are of this picture is for
the pixels to say. What is recorded is taken from the chain, in one order, so that all nodes find the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger import records
from ledger.encoding import decode_trusted
from ledger.events import AssetAttested, AssetRegistered
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.reading import Reading
from node.decoding.asking import Facts
from node.ground.logs import progress
from node.verification.image_codes import ImageCodes
from node.verification.likenesses import Likenesses
from pictures.errors import PictureError
from pictures.fingerprint import DISTANCE_CANDIDATE, code_bits
from pictures.windows import CODE_BYTES, Codes
from remarque.errors import NodeCode, NodeError

NEAR_MAX = 2_000
"""Near codes that are looked at."""
NAMED_MAX = 64
"""Records that are looked at for one watermark or one manifest, the oldest first."""
FEATURES_LEAST = 8
"""Bits that are set in each quarter of a code that tells something."""
INDEXED_TOGETHER = 500
"""Assets read in one piece of work after a start."""


class Candidate(NamedTuple):
    """A recorded picture that may be the one brought."""

    asset: str
    distance: int | None
    """Bits in which codes of the whole pictures differ; None if it was found in another way."""


class Lookup:
    """What recorded pictures are found by; filled beside the start, and then block by block."""

    def __init__(self, chain: Chain, reading: Reading, likenesses: Likenesses) -> None:
        self._chain = chain
        self._likenesses = likenesses
        self._reading = reading
        self._codes = ImageCodes()
        self._named: dict[str, list[str]] = {}
        """Assets by the watermark or the manifest that their records name, the oldest first."""
        self._complete = False
        """Whether everything recorded before the start is in."""
        self._waiting: dict[int, dict[str, records.Asset]] = {}
        """Assets by height that are not in yet."""
        chain.commits.follow(self._committed)

    async def run(self) -> None:
        """Take what was recorded before the start, beside everything else."""
        stored = progress("assets_read", self._chain.state.items(records.asset_key("")))
        while some := await self._reading.piece(lambda: list(islice(stored, INDEXED_TOGETHER))):
            await self._reading.piece(self._note, [decode_trusted(data, records.Asset) for _, data in some])
        for height in sorted(self._waiting):
            await self._reading.piece(self._take, height)
        for height in sorted(self._waiting):
            self._take(height)
        self._complete = True

    @property
    def codes(self) -> int:
        """Image codes of whole pictures that are searched."""
        return len(self._codes)

    def check(self) -> None:
        """INDEX_LOADING until everything is in: no layer is left out of an answer."""
        if not self._complete:
            detail = f"{self.codes} image codes are indexed so far, after this node's start; ask again"
            raise NodeError(NodeCode.INDEX_LOADING, detail, 1)

    def named(self, name: str) -> list[str]:
        """Assets whose records name a watermark or a manifest."""
        return self._named.get(name, [])[:NAMED_MAX]

    async def near_code(self, code: bytes) -> list[Candidate]:
        """Those whose codes of the whole are near one of 32 bytes, the nearest first. INDEX_LOADING."""
        self.check()
        asked = np.frombuffer(code, np.uint8).reshape(1, CODE_BYTES)
        return [Candidate(asset, distance) for distance, asset in await self._near_codes(asked)]

    async def _near_codes(self, codes: Codes) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        pieces = self._codes.near(codes[_telling(codes)], DISTANCE_CANDIDATE, NEAR_MAX)
        while (nearer := await self._reading.piece(next, pieces, None)) is not None:
            found = nearer
        return found

    async def near(self, facts: Facts) -> list[Candidate]:
        """Those that a picture is like, each once: by the codes of wholes, the nearest first and of equals the oldest;
        then by windows and corners.
        """
        found = await self._near_codes(np.frombuffer(facts.asked_codes, np.uint8).reshape(-1, CODE_BYTES))
        like = await self._likenesses.near(facts)
        known = {asset for _, asset in found}
        return [
            *(Candidate(asset, distance) for distance, asset in found),
            *(Candidate(asset, None) for asset in like if asset not in known),
        ]

    def _committed(self, layers: list[Layer]) -> None:
        ledger = self._chain.ledger()
        for layer in layers:
            events = (event for outcome in layer.result.outcomes for event in outcome.events)
            changed = [event.asset for event in events if isinstance(event, AssetRegistered | AssetAttested)]
            self._note([ledger.asset(asset) for asset in dict.fromkeys(changed)])
            if self._complete:
                self._take(layer.block.header.height)

    def _note(self, assets: Iterable[records.Asset]) -> None:
        for asset in assets:
            self._waiting.setdefault(asset.height_recorded, {})[asset.id] = asset

    def _take(self, height: int) -> None:
        """Take what was recorded at a height, in an order that is the same on every node, whenever it was started."""
        for identifier, asset in sorted(self._waiting.pop(height, {}).items()):
            for code in codes_of(asset):
                self._codes.add(code, identifier)
            if not asset.confidential:
                self._likenesses.want(identifier, asset.content.cid)
            for name in (asset.mark, asset.manifest):
                if isinstance(name, str):
                    self._named.setdefault(name, []).append(identifier)


def codes_of(asset: records.Asset) -> Iterator[bytes]:
    """The image code of an asset, if it publishes one of 256 bits."""
    if isinstance(asset.image_code, str):
        with suppress(PictureError):
            yield code_bits(asset.image_code).to_bytes(CODE_BYTES, "big")


def _telling(codes: Codes) -> NDArray[np.bool_]:
    """Which codes are not so plain that they match those of any other plain picture (IEP-0020: do not match them)."""
    bits = np.bitwise_count(np.ascontiguousarray(codes).view(np.uint64))
    return np.asarray((bits >= FEATURES_LEAST).all(axis=1))
