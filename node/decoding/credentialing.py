"""What a child does to mark a picture, to put a manifest into its file, and to hold a manifest against a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from node.decoding.asking import Answer, Ask
from node.decoding.signing import ClaimAsked, PictureMarked, PictureShown, StoreHeld, StoreMade
from pictures.containers.kinds import MEDIA_TYPES, container_of
from pictures.credentials.embedding import with_manifest, without_manifest
from pictures.credentials.findings import CredentialState
from pictures.credentials.manifest import Claim, LedgerReceipt, Program, Sealed, Signing, seal, timestamp_later
from pictures.credentials.reading import read_credentials
from pictures.errors import PictureCode, PictureError
from pictures.labels import Label
from pictures.marking import Container, Layers, mark, mark_viewing
from pictures.opening import open_frames
from pictures.source_types import SourceType
from pictures.watermark import read

Calling = Callable[[Literal["sign", "stamp"], bytes], bytes]
CONTAINERS: Mapping[str, Container] = {
    "PNG": "PNG",
    "JPEG": "JPEG",
    "WEBP": "WEBP",
    "AVIF": "AVIF",
    "TIFF": "TIFF",
}
"""In which container a picture of each is marked; of every other one, as PNG."""


def no_call(what: Literal["sign", "stamp"], message: bytes) -> bytes:
    """Of a question that needs no signature."""
    raise PictureError(PictureCode.NOT_SIGNED, f"nobody is here to {what} {len(message)} bytes; ask a node")


def sealed(ask: Ask, data: bytes, parent: bytes, call: Calling) -> Answer:
    """Sign a manifest for a file, whose parent has `parent`'s bytes if there are any."""
    if ask.seal is None:
        raise PictureError(PictureCode.NOT_SIGNED, "no claim is given; say what is to be signed")
    claim = _claim(ask.seal.claim, parent or None)
    stamp = (lambda request: call("stamp", request)) if ask.seal.stamped else None
    return _made(seal(data, claim, Signing(ask.seal.chain, lambda said: call("sign", said), ask.anchors, stamp)))


def stamped(ask: Ask, data: bytes, store: bytes, call: Calling) -> Answer:
    """Put a time-stamp into the manifest of a file."""
    return _made(timestamp_later(with_manifest(data, store), lambda request: call("stamp", request)))


def held(ask: Ask, data: bytes, store: bytes, call: Calling) -> Answer:
    """Hold a manifest store against the file that it is said to be of."""
    released = with_manifest(data, store)
    if without_manifest(released, len(data)) != data:
        return StoreHeld(False, "file and manifests do not come apart again")
    found = read_credentials(released, ask.anchors)
    if found.state not in (CredentialState.VALID, CredentialState.TRUSTED) or found.active is None:
        return StoreHeld(False, f"it is {found.state.name}: {', '.join(found.failures)}"[:1_000])
    if found.active.label != ask.label:
        return StoreHeld(False, f"what is in force is {found.active.label[:100]}")
    return StoreHeld(True)


def marked(ask: Ask, data: bytes, other: bytes, call: Calling) -> Answer:
    """Put watermark and label into the only picture of a file, in sRGB and upright."""
    if ask.mark is None:
        raise PictureError(PictureCode.NOT_LABELLED, "no marks are given; say which")
    first, *others = open_frames(data, ask.limits.pixels)
    if others:
        fact = "the file holds several pictures, and marks are of one; save the one that is meant"
        raise PictureError(PictureCode.NOT_LABELLED, fact)
    asked, image = ask.mark, first.picture.in_srgb
    if asked.watermark_key and read(np.asarray(image.convert("RGB")), asked.watermark_key):
        fact = "it has a watermark of this consortium, which a second one would hide; bring the picture without it"
        raise PictureError(PictureCode.NOT_LABELLED, fact)
    source = SourceType(asked.source) if asked.source else None
    label = Label(source, unique_id=asked.label if asked.unique_id else "") if source else None
    container = CONTAINERS.get(container_of(data), "PNG")
    made = mark(image, container, Layers(asked.watermark_key, label), asked.label)
    return PictureMarked(
        data=made.data,
        media_type=made.media_type,
        file_digest=made.file_digest,
        pixel_digest=made.pixel_digest,
        image_code=made.image_code,
        width=made.width,
        height=made.height,
        mark=None if made.watermark is None else f"{made.watermark:010x}",
        credentialed=read_credentials(data, ask.anchors).state is not CredentialState.ABSENT,
    )


def viewed(ask: Ask, data: bytes, other: bytes, call: Calling) -> Answer:
    """Put the mark of a viewing into the only picture of a file, in sRGB and upright."""
    if ask.view is None:
        raise PictureError(PictureCode.NOT_LABELLED, "no viewing is given; say which mark is its")
    first, *others = open_frames(data, ask.limits.pixels)
    if others:
        raise PictureError(PictureCode.NOT_LABELLED, "the file holds several pictures, and a viewing's mark is of one")
    container = CONTAINERS.get(container_of(data), "PNG")
    made = mark_viewing(first.picture.in_srgb, container, ask.view.number, ask.view.watermark_key)
    if made is None:
        fact = "the picture is too smooth or too small to carry a mark"
        raise PictureError(PictureCode.NOT_LABELLED, f"{fact}, and without one it is not shown")
    return PictureShown(made, MEDIA_TYPES[container])


SIGNING: Mapping[str, Callable[[Ask, bytes, bytes, Calling], Answer]] = {
    "sealed": sealed,
    "stamped": stamped,
    "held": held,
    "marked": marked,
    "viewed": viewed,
}
"""What is done for each question about marks and manifests."""


def _claim(asked: ClaimAsked, parent: bytes | None) -> Claim:
    return Claim(
        label=asked.label,
        signer=Program(asked.signer.name, asked.signer.version),
        at=datetime.fromtimestamp(asked.at_ms / 1_000, UTC),
        title=asked.title,
        image_code=asked.image_code,
        source=SourceType(asked.source) if asked.source else None,
        inputs=tuple(Program(one.name, one.version) for one in asked.inputs),
        made_with=Program(asked.made_with.name, asked.made_with.version) if asked.made_with else None,
        parent=parent,
        watermarked=asked.watermarked,
        receipt=LedgerReceipt(asked.receipt_type, asked.receipt) if asked.receipt else None,
        mining=asked.mining,
    )


def _made(found: Sealed) -> StoreMade:
    """NOT_SIGNED if file and manifests could not be put together again: then they could not be kept apart."""
    if not found.rebuilt:
        raise PictureError(PictureCode.NOT_SIGNED, "the manifest cannot be taken off again; save the picture as PNG")
    return StoreMade(found.store, found.time_stamped)
