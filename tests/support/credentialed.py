"""A consortium's certificates, a time-stamp authority, and sealed pictures, for tests of Content Credentials."""

from __future__ import annotations

import io
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import c2pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from bench.painted.scenes import draw_scene
from pictures.credentials.certificates import (
    Issuer,
    Subject,
    Term,
    claim_certificate,
    issuing_certificate,
    new_authority_key,
    new_leaf_key,
    root_certificate,
    stamp_certificate,
)
from pictures.credentials.manifest import Claim, Program, Sealed, Signing, seal
from pictures.credentials.timestamps import StampKeys, answer
from pictures.source_types import SourceType

CONTAINERS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
IMAGE_CODE = "ISCC:EEDZ3NRWJBFWVTRFORG4VMVKVVSRYLOJKOL3ANU6SLJXELDOYVEDVWQ"
NODE = Program("Remarque", "0.1.0")


class CredentialedStudio:
    """A member with a certificate of its consortium, and with a time-stamp authority."""

    def __init__(self, claim_days: int = 365, org: str = "studio") -> None:
        self.begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        keys = new_authority_key(), new_authority_key()
        self.key, self.stamp_key = new_leaf_key(), new_leaf_key()
        self.root = root_certificate(Subject("DE", "Consortium", "Root"), keys[0], Term(self.begins, 3650))
        above = Issuer(self.root, keys[0])
        self.issuing = issuing_certificate(
            Subject("DE", "Consortium", "Issuing"), keys[1].public_key(), above, Term(self.begins, 1827)
        )
        self.issuer = Issuer(self.issuing, keys[1])
        named = Subject("DE", org, f"node1.{org}")
        self.leaf = claim_certificate(named, self.key.public_key(), self.issuer, Term(self.begins, claim_days))
        self.stamp_leaf = stamp_certificate(
            Subject("DE", "studio", "time.studio"), self.stamp_key.public_key(), self.issuer, Term(self.begins, 1827)
        )

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def stamp(self, request: bytes) -> bytes:
        keys = StampKeys(self.stamp_key, (self.stamp_leaf, self.issuing))
        return answer(request, keys, datetime.now(UTC), secrets.randbits(63))

    def signing(self, *, stamped: bool = True) -> Signing:
        return Signing((self.leaf, self.issuing), self.sign, self.root, self.stamp if stamped else None)

    def sealed(self, data: bytes, *, stamped: bool = True, **changed: Any) -> Sealed:
        return seal(data, a_claim(**changed), self.signing(stamped=stamped))


def with_actions(studio: CredentialedStudio, data: bytes, actions: list[dict[str, Any]]) -> bytes:
    """The manifest store of a PNG that tells of any actions."""
    return _store(studio, data, actions, update=False)


def updated(studio: CredentialedStudio, data: bytes) -> bytes:
    """The manifest store of a PNG with an update manifest, such as we do not make."""
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
    return _store(studio, data, [opened], update=True)


def _store(studio: CredentialedStudio, data: bytes, told: list[dict[str, Any]], *, update: bool) -> bytes:
    actions = {"label": "c2pa.actions.v2", "data": {"allActionsIncluded": True, "actions": told}, "created": True}
    said = {"label": a_label(), "claim_generator_info": [{"name": "A", "version": "1.0.0"}], "assertions": [actions]}
    signer = c2pa.Signer.from_callback(studio.sign, c2pa.C2paSigningAlg.ES256, studio.leaf + studio.issuing)
    context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
    with context, c2pa.Builder(said, context) as builder:
        if update:
            builder.set_intent(c2pa.C2paBuilderIntent.UPDATE)
            parent = {"relationship": "parentOf", "instance_id": "parent", "label": "parent"}
            builder.add_ingredient(parent, "image/png", io.BytesIO(data))
        return bytes(builder.sign(signer, "image/png", io.BytesIO(data), io.BytesIO()))


@cache
def the_studio() -> CredentialedStudio:
    """One for all tests of a process: keys and certificates take a while."""
    return CredentialedStudio()


def a_label() -> str:
    return f"urn:c2pa:{uuid.uuid4()}"


def a_claim(**changed: Any) -> Claim:
    said: dict[str, Any] = {
        "label": a_label(),
        "signer": NODE,
        "at": datetime(2026, 11, 22, 8, tzinfo=UTC),
        "title": "picture",
        "image_code": IMAGE_CODE,
    }
    if "parent" not in changed:
        said |= {"source": SourceType.TRAINED, "made_with": Program("model", "1")}
    return Claim(**{**said, **changed})


def a_file(container: str = "PNG", size: int = 128, scene: int = 3, **options: Any) -> bytes:
    out = io.BytesIO()
    image = draw_scene(scene).image.resize((size, size), Image.Resampling.BICUBIC)
    image.save(out, container, **{**({"quality": 90} if container not in ("PNG", "TIFF") else {}), **options})
    return out.getvalue()
