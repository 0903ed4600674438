"""A generated picture's record with both signed statements, which hold unless a change breaks them."""

from __future__ import annotations

from typing import Any

from consortium import CID, State, a_digest, key_of
from msgspec.structs import replace

from ledger import actions, crypto
from ledger.encoding import encode
from ledger.generation import SETTING_FIELDS, Attestation, GenerationRequest, Opening, Openings

MODEL = a_digest("model")
CODE = "ISCC:" + "A" * 55
VALUES: dict[str, str | int] = {
    "prompt": "a lighthouse",
    "negative_prompt": "",
    "seed": 7,
    "steps": 20,
    "guidance_centi": 750,
    "width": 128,
    "height": 128,
}


def openings() -> Openings:
    return Openings(**{field: Opening(salt="ab" * 16, value=VALUES[field]) for field in SETTING_FIELDS})


def a_record(state: State, **changes: Any) -> actions.RegisterGenerated:
    """A record that holds, unless a change to request, attestation, content or a signature breaks it."""
    asker = changes.get("request", {}).get("creator", "bob@agency")
    creator, generator = key_of(asker), key_of("gen@studio")
    request = GenerationRequest(
        chain=state.genesis.chain,
        creator=asker,
        key=creator.public,
        generator="studio",
        model=MODEL,
        count=2,
        confidential=False,
        commitments=openings().commitments(),
        valid_until_ms=state.time_ms + 1_000,
        nonce="0" * 32,
    )
    request = replace(request, **changes.get("request", {}))
    attestation = Attestation(
        chain=state.genesis.chain,
        generator="gen@studio",
        key=generator.public,
        request=request.id,
        index=0,
        model=MODEL,
        pixel_digest=a_digest("pixels"),
        file_digest=a_digest("file"),
        width=128,
        height=128,
        media_type="image/png",
        image_code=CODE,
        time_ms=state.time_ms,
    )
    attestation = replace(attestation, **changes.get("attestation", {}))
    content = actions.Content(cid=CID, size=9, media_type="image/png")
    return actions.RegisterGenerated(
        request=request,
        request_signature=changes.get("request_signature") or creator.sign(crypto.GENERATION_REQUEST, encode(request)),
        attestation=attestation,
        attestation_signature=changes.get("attestation_signature")
        or generator.sign(crypto.ATTESTATION, encode(attestation)),
        content=replace(content, **changes.get("content", {})),
    )
