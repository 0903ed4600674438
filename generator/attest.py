"""The generator's statement about one picture, and the key that signs it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET, UnsetType
from PIL import Image

from generator.errors import GeneratorCode, GeneratorError
from generator.marks import has_manifest, marked
from generator.protocol import Generate, Generated
from ledger.crypto import ATTESTATION, SigningKey
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.generation import Attestation, Computation


@dataclass(frozen=True)
class Attester:
    """Who attests: an account of a chain with one of its keys."""

    account: str
    chain: str
    key: SigningKey


def load_key(path: Path) -> SigningKey:
    """The key in a file of 64 hex digits, its seed. KEY_UNREADABLE otherwise."""
    try:
        return SigningKey(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError, LedgerError) as error:
        raise GeneratorError(
            GeneratorCode.KEY_UNREADABLE, f"{path}: {error}; it must hold an Ed25519 seed as 64 hex digits"
        ) from None


def attest(
    image: Image.Image, index: int, ask: Generate, attester: Attester, computed: Computation | UnsetType = UNSET
) -> Generated:
    """The picture as a file, with everything a record of it needs, signed.

    Its marks are in before the digests are taken, and these are the file's, not those of the image in memory: what is
    attested is what is released.
    """
    file, name = marked(image, ask)
    attestation = Attestation(
        chain=attester.chain,
        generator=attester.account,
        key=attester.key.public,
        request=ask.request,
        index=index,
        model=ask.model,
        pixel_digest=file.pixel_digest,
        file_digest=file.file_digest,
        width=file.width,
        height=file.height,
        media_type=file.media_type,
        image_code=UNSET if ask.confidential else file.image_code,
        mark=UNSET if file.watermark is None else f"{file.watermark:010x}",
        manifest=name if has_manifest(ask) else UNSET,
        computed=computed,
        time_ms=time.time_ns() // 1_000_000,
    )
    payload = encode(attestation)
    return Generated(
        job=ask.job,
        index=index,
        png=file.data,
        width=file.width,
        height=file.height,
        pixel_digest=attestation.pixel_digest,
        file_digest=attestation.file_digest,
        iscc=file.image_code,
        attestation=payload,
        signature=attester.key.sign(ATTESTATION, payload),
    )
