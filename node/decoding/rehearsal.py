"""Doing once what children do, before the first is forked.

What does something imports and opens what it needs when it is first done, and a child can open no file for it.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

import cv2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from node.decoding.asking import Ask, Limits
from node.decoding.credentialing import CONTAINERS
from node.decoding.decoding import answer_to, facts_of
from node.decoding.signing import MarkAsked
from pictures.comparing import Seen, compare
from pictures.credentials.certificates import (
    Issuer,
    Subject,
    Term,
    claim_certificate,
    issuing_certificate,
    new_authority_key,
    new_leaf_key,
    root_certificate,
)
from pictures.credentials.manifest import Claim, Program, Signing, seal
from pictures.fingerprint import image_code
from pictures.marking import Container
from pictures.opening import formats, open_picture
from pictures.picture import Picture
from pictures.reduction import reduce
from pictures.source_types import SourceType

KEY = bytes(32)
PIXELS_MAX = 1 << 17
LABEL = "urn:c2pa:00000000-0000-4000-8000-000000000000"


def rehearse() -> None:
    """Read a picture of each format, one in LAB, whose colours a library of their own converts, and one that is signed;
    then compare a picture with copies of it, by every step."""
    Image.init()
    cv2.setNumThreads(1)  # a thread of this process would be in no child
    for kind, mode in [*((kind, "RGB") for kind in formats()), ("TIFF", "LAB")]:
        facts_of(_file(Image.new(mode, (8, 8)), kind), PIXELS_MAX, watermark_key=KEY)
    facts_of(_signed(_file(Image.new("RGB", (64, 64)), "PNG")), PIXELS_MAX, watermark_key=KEY)
    for container in CONTAINERS.values():
        _mark(Image.effect_noise((96, 72), 64).convert("RGB"), container)
    picture = Image.effect_noise((96, 72), 64).convert("RGB").resize((384, 288), Image.Resampling.BICUBIC)
    altered = picture.copy()
    altered.paste((255, 0, 0), (100, 100, 200, 200))
    copies = picture, altered, picture.crop((40, 30, 340, 280)), picture.rotate(30), picture.reduce(3)
    for copy in copies:
        compare(*(Seen(reduce(Picture(image, 1, "RGB", "PNG"))) for image in (copy, picture)))


def _file(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def _mark(image: Image.Image, container: Container) -> None:
    """Mark a picture as a child does, whatever comes of so small a one."""
    asked = MarkAsked(watermark_key=KEY, source=SourceType.DRAWN.value, label=LABEL, unique_id=True)
    limits = Limits(PIXELS_MAX, 0, 0, 0)
    data = _file(image, container)
    answer_to(Ask("marked", limits, len(data), mark=asked), data)


def _signed(data: bytes) -> bytes:
    """A file with a manifest, by keys that nobody has afterwards."""
    now, who = datetime.now(UTC), Subject("XX", "Rehearsal", "Rehearsal")
    term = Term(now, 1)
    root_key, issuing_key, leaf_key = new_authority_key(), new_authority_key(), new_leaf_key()
    root = root_certificate(who, root_key, term)
    issuing = issuing_certificate(who, issuing_key.public_key(), Issuer(root, root_key), term)
    leaf = claim_certificate(who, leaf_key.public_key(), Issuer(issuing, issuing_key), term)
    signing = Signing((leaf, issuing), lambda signed: leaf_key.sign(signed, ec.ECDSA(hashes.SHA256())))
    claim = Claim(
        LABEL,
        Program("rehearsal", "1.0.0"),
        now,
        "rehearsal",
        image_code(open_picture(data)),
        SourceType.DRAWN,
    )
    return seal(data, claim, signing).data
