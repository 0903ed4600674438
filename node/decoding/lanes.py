"""Who may have how much decoded at the same time.

Each lane has its own places, so that no member waits behind strangers; in each, small pictures have places of their
own, so that none waits behind a large one. A picture is first taken for a small one: if its header says that it is not,
it gives the place back within milliseconds and waits for a large one. Places are few and each is of so many pixels, so
what all children together hold in memory is bounded, whatever is brought.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple, TypeVar

import msgspec

from node.decoding.asking import (
    Answer,
    Ask,
    ComparedWith,
    Declined,
    Ended,
    Facts,
    FileBytes,
    Findable,
    KeptBytes,
    Limits,
)
from node.decoding.process import ForkingProcess, Signs
from node.decoding.signing import MarkAsked, PictureMarked, PictureShown, SealAsked, StoreHeld, StoreMade, ViewAsked
from node.ground import metrics
from node.ground.logs import Seldom
from pictures.comparing import PictureComparison
from pictures.opening import PICTURE_PIXELS_MAX
from remarque.errors import NodeCode, NodeError

SMALL = Limits(pixels=4_000_000, memory_bytes=512 << 20, processor_seconds=5, seconds=20)
SMALL_BYTES_MAX = 16 << 20
"""Of a file that is small where only its bytes count: some copies of it are held at a time."""
UNDECODED = ("sealed", "stamped", "held")
"""Questions for which no picture is decoded."""
SMALL_PLACES = 2
LARGE = Limits(pixels=PICTURE_PIXELS_MAX, memory_bytes=1536 << 20, processor_seconds=30, seconds=90)
LARGE_PLACES = 1
OPEN_MAX = 16
"""Pictures of a lane that are looked at, most of them waiting."""
OPEN_EACH_MAX = 2
"""Of one account, or of one address: whoever brings the costliest pictures leaves the other places to others."""
OPEN_BYTES_MAX = 256 << 20
"""Bytes of their files together."""
WAIT_SECONDS_MAX = 30.0
"""How long a picture waits for a place."""

Made = TypeVar("Made", StoreMade, StoreHeld, PictureMarked, PictureShown)

_OUT_OF_TIME = (signal.SIGXCPU, signal.SIGALRM)
_failed = Seldom("decoding_failed")


class LookedFor(NamedTuple):
    """What is looked for in a picture beside what identifies it."""

    anchors: str = ""
    """PEM of the roots whose credentials are trusted."""
    watermark_key: bytes = b""


NOTHING_MORE = LookedFor()


class Lane:
    """Places of those who bring pictures, apart from the places of others."""

    def __init__(self, name: str, process: ForkingProcess) -> None:
        """`name`: in metrics and logs."""
        self._name = name
        self._process = process
        self._small = asyncio.Semaphore(SMALL_PLACES)
        self._large = asyncio.Semaphore(LARGE_PLACES)
        self._open: Counter[str] = Counter()
        """Pictures by who brought them."""
        self._open_bytes = 0

    @contextmanager
    def room(self, size: int, who: str) -> Iterator[None]:
        """Take room for one picture of somebody's whose `size` bytes are here. ACCOUNT_BUSY if they have others
        looked at, OVERLOADED if there is none.
        """
        if self._open[who] >= OPEN_EACH_MAX:
            fact = f"{self._open[who]} pictures of {who or 'yours'} are being looked at"
            raise NodeError(NodeCode.ACCOUNT_BUSY, f"{fact}; bring the next one after them", 2)
        if self._open.total() >= OPEN_MAX or self._open_bytes + size > OPEN_BYTES_MAX:
            fact = f"{self._open.total()} pictures of {self._open_bytes} bytes are being looked at"
            raise NodeError(NodeCode.OVERLOADED, f"{fact}; try again", 2)
        self._open[who] += 1
        self._open_bytes += size
        try:
            yield
        finally:
            self._open[who] -= 1
            self._open_bytes -= size
            if not self._open[who]:
                del self._open[who]

    async def facts(self, data: FileBytes, looked_for: LookedFor = NOTHING_MORE) -> Facts:
        """What identifies a picture. IMAGE_UNREADABLE, IMAGE_TOO_LARGE, IMAGE_TOO_COSTLY or DECODER_FAILED."""
        ask = Ask("facts", SMALL, len(data), anchors=looked_for.anchors, watermark_key=looked_for.watermark_key)
        found = await self._asked(ask, data)
        if not isinstance(found, Facts):
            raise self._refusal(found)
        return found

    async def kept(self, data: bytes, pixels: str) -> KeptBytes | None:
        """What is kept of a recorded picture to find copies of it; None if its content has other pixels than its record
        says. Refuses as `facts` does.
        """
        found = await self._asked(Ask("kept", SMALL, len(data), pixels=pixels), data)
        if not isinstance(found, Findable):
            raise self._refusal(found)
        return found.kept

    async def compared(
        self, recorded: bytes, brought: Facts, pixels: str, kept: KeptBytes | None = None
    ) -> PictureComparison | None:
        """How a picture that was brought lies in a recorded one, if it does; `kept` is what is kept of that, and spares
        making it again. Refuses as `facts` does.
        """
        ask = Ask("compared", SMALL, len(recorded), brought=brought.sides, pixels=pixels, kept=kept)
        found = await self._asked(ask, recorded + brought.reduction)
        if not isinstance(found, ComparedWith):
            raise self._refusal(found)
        return found.found

    async def sealed(self, data: bytes, parent: bytes, seal: SealAsked, anchors: str, signs: Signs) -> StoreMade:
        """Manifests for a file, signed by what a child calls for. Refuses as `facts` does, and NOT_SIGNED."""
        ask = Ask("sealed", SMALL, len(data), anchors=anchors, other_size=len(parent), seal=seal)
        return self._made(await self._asked(ask, data + parent, signs), StoreMade)

    async def stamped(self, data: bytes, store: bytes, signs: Signs) -> StoreMade:
        """The manifests of a file with a time-stamp. Refuses as `sealed` does."""
        ask = Ask("stamped", SMALL, len(data), other_size=len(store))
        return self._made(await self._asked(ask, data + store, signs), StoreMade)

    async def held(self, data: bytes, store: bytes, label: str, anchors: str) -> StoreHeld:
        """Whether manifests are those of a file, in force under a label, and hold. Refuses as `sealed` does."""
        ask = Ask("held", SMALL, len(data), anchors=anchors, other_size=len(store), label=label)
        return self._made(await self._asked(ask, data + store), StoreHeld)

    async def marked(self, data: FileBytes, mark: MarkAsked) -> PictureMarked:
        """A picture with marks in it. Refuses as `facts` does, and NOT_LABELLED."""
        return self._made(await self._asked(Ask("marked", SMALL, len(data), mark=mark), data), PictureMarked)

    async def viewed(self, data: bytes, view: ViewAsked) -> PictureShown:
        """A picture with the mark of a viewing in it. Refuses as `marked` does."""
        return self._made(await self._asked(Ask("viewed", SMALL, len(data), view=view), data), PictureShown)

    def _made(self, found: Answer, kind: type[Made]) -> Made:
        if not isinstance(found, kind):
            raise self._refusal(found)
        return found

    async def _asked(self, ask: Ask, data: FileBytes, signs: Signs | None = None) -> Answer:
        if ask.wanted in UNDECODED and len(data) > SMALL_BYTES_MAX:
            found: Answer = Declined("IMAGE_TOO_LARGE", "its bytes are many")
        else:
            async with self._place(self._small):
                found = await self._process.ask(ask, data, signs)
        if isinstance(found, Declined) and found.code == NodeCode.IMAGE_TOO_LARGE.name:
            async with self._place(self._large):
                found = await self._process.ask(msgspec.structs.replace(ask, limits=LARGE), data, signs)
        metrics.PICTURES_DECODED.labels(self._name, type(found).__name__.lower()).inc()
        return found

    @asynccontextmanager
    async def _place(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await places.acquire()
        except TimeoutError:
            fact = f"{self._open.total()} pictures are being looked at, and none was done in {WAIT_SECONDS_MAX:.0f} s"
            raise NodeError(NodeCode.OVERLOADED, f"{fact}; try again", 10) from None
        try:
            yield
        finally:
            places.release()

    def _refusal(self, found: Answer) -> NodeError:
        """Why there is no answer."""
        if isinstance(found, Declined):
            return NodeError(NodeCode[found.code], found.detail)
        ended = found.signal if isinstance(found, Ended) else 0
        if ended in _OUT_OF_TIME:
            fact = f"decoding it takes over {LARGE.processor_seconds} s, or {SMALL.processor_seconds} s if it is small"
            return NodeError(NodeCode.IMAGE_TOO_COSTLY, f"{fact}; save it anew, or send a smaller copy")
        _failed.warning(lane=self._name, signal=ended)
        how = f"was ended by {signal.Signals(ended).name}" if ended else "ended"
        return NodeError(NodeCode.DECODER_FAILED, f"the process that decoded the picture {how}; send it again", 2)


class Decoders:
    """All that decodes for a node."""

    def __init__(self, process: ForkingProcess | None = None) -> None:
        """With a process of its own that forks, unless it is given one that others use too."""
        self._process = process or ForkingProcess()
        self.strangers = Lane("strangers", self._process)
        """For what anybody brings to be verified, and for the recorded pictures that it is compared with."""
        self.members = Lane("members", self._process)
        """For what members store."""
        self.recorded = Lane("recorded", self._process)
        """For what is recorded, which nobody waits for."""

        self.signing = Lane("signing", self._process)
        """For what this node signs, and for what others have signed of what is recorded."""

    def close(self) -> None:
        """End every process that decodes."""
        self._process.close()
