"""The marks that go into a generated picture before it is attested, and the name that they carry.

The name is drawn from the pixels as the model made them, under the members' watermark key: whoever generates the same
picture again, at whichever node, gets the same watermark and so the same pixels, and the ledger knows them. Nobody
without the key can say which name a picture would have.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime

from PIL import Image

from generator.protocol import Generate
from pictures.labels import Label
from pictures.marking import Layers, MarkedFile, mark
from pictures.source_types import SourceType

MANIFEST, NO_MANIFEST = "urn:c2pa:", "urn:uuid:"


def marked(image: Image.Image, ask: Generate) -> tuple[MarkedFile, str]:
    """The file of an RGB picture with the marks that are asked for, and its name, which a manifest may have."""
    marks, name = ask.marks, name_of(image, ask)
    label = Label(
        SourceType.TRAINED, marks.provider, marks.system, marks.version, datetime.now(UTC), name if marks.label else ""
    )
    layers = Layers(marks.watermark_key, label if marks.label else None)
    return mark(image, "PNG", layers, name), name


def name_of(image: Image.Image, ask: Generate) -> str:
    """`urn:c2pa:` and a UUID of version 4, as C2PA wants it; `urn:uuid:` where no manifest will have it."""
    pixels = hashlib.sha256(f"{image.width}x{image.height}/".encode() + image.tobytes()).digest()
    drawn = hmac.digest(ask.marks.watermark_key, pixels, "sha256")[:16]
    return (MANIFEST if has_manifest(ask) else NO_MANIFEST) + str(uuid.UUID(bytes=drawn, version=4))


def has_manifest(ask: Generate) -> bool:
    """Whether a manifest is to be signed: no node may look into a confidential picture to do so."""
    return ask.marks.manifest and not ask.confidential
