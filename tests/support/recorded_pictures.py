"""A chain with a generated picture, others that are declared, and a node that verifies what is brought."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from attested import MODEL, a_record
from consortium import registering
from msgspec.structs import replace
from PIL import Image
from written_chain import WrittenChain

from ledger import actions
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.decoding.decoding import facts_of
from node.decoding.lanes import NOTHING_MORE, Decoders, LookedFor
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_PIXELS_MAX
from remarque.api.verification import Verification
from remarque.errors import NodeCode, NodeError

ALICE, CARLA = "bob@agency", "carol@club"
"""Who asked a generator for the picture, and who declares others as hers."""


def file_of(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=95)
    return out.getvalue()


class RecordedPictures:
    """A chain with alice's generated picture, and a verifier."""

    def __init__(
        self,
        path: Path,
        image: Image.Image,
        decoders: Decoders,
        data: bytes = b"",
        request: dict[str, object] | None = None,
        **attested: object,
    ) -> None:
        self.decoders = decoders
        self.written = WrittenChain(path)
        self.store = Blockstore(path / "content")
        self.likenesses = path / "likenesses"
        model = actions.RegisterModel(model=MODEL, name="m", version="1", licence="none")
        self.written.block(self.written.ask(model))
        self.asset = self.generated(data or file_of(image), 0, request, **attested)

    def generated(self, data: bytes, index: int, request: dict[str, object] | None = None, **attested: object) -> str:
        """The id of a picture that a generator attests, for alice unless the request says otherwise."""
        facts = facts_of(data, PICTURE_PIXELS_MAX)
        attestation = {
            "index": index,
            "pixel_digest": facts.pixel_digest,
            "file_digest": facts.file_digest,
            "image_code": facts.main.code,
            "width": facts.width,
            "height": facts.height,
            **attested,
        }
        content = {"cid": self.store.put_file(data), "size": len(data)}
        record = a_record(self.written._signing, request=request or {}, attestation=attestation, content=content)
        self.written.block(self.written.ask(record, signer="gen@studio"))
        return facts.pixel_digest

    def declared(self, data: bytes, **changes: object) -> str:
        """The id of a picture that carla declares as hers."""
        facts = facts_of(data, PICTURE_PIXELS_MAX)
        content = actions.Content(cid=self.store.put_file(data), size=len(data), media_type="image/png")
        ask = registering(
            "", pixel_digest=facts.pixel_digest, file_digest=facts.file_digest, image_code=facts.main.code,
            content=content, width=facts.width, height=facts.height,
        )  # fmt: skip
        self.written.block(self.written.ask(replace(ask, **changes), signer=CARLA))
        return facts.pixel_digest

    def verified(
        self, data: bytes, looked_for: LookedFor = NOTHING_MORE, *, member: bool = True, taken_in: int = 0
    ) -> Verification:
        """What a node says of a picture that somebody brings, once it has taken in the windows of so many others."""

        async def story() -> Verification:
            chain = self.written.chain
            verifier = Verifier(chain, Reading(chain), self.store, self.decoders, self.likenesses, lambda: looked_for)
            running = asyncio.create_task(verifier.run())
            try:
                async with asyncio.timeout(60):
                    while True:
                        found = await _unless_loading(verifier, data, member=member)
                        if found is not None and found.searched.pictures >= taken_in:
                            return found
                        await asyncio.sleep(0)
            finally:
                running.cancel()

        return asyncio.run(story())


async def _unless_loading(verifier: Verifier, data: bytes, *, member: bool) -> Verification | None:
    try:
        return await verifier.verify(data, "bob@agency", member=member)
    except NodeError as error:
        if error.code is not NodeCode.INDEX_LOADING:
            raise
        return None
