"""Puts Content Credentials into a picture: one signed manifest that says where it comes from, after C2PA 2.4.

The manifest's label is given by whoever asks, so that a record on the chain can name it before it is signed. The file
that is signed is the recorded one, byte for byte; what `embedding.without_manifest` gives back. A manifest that a file
already has is never dropped: the file becomes an ingredient of the new one, with all that its own manifest says.

Signing is a function of bytes, so the key may lie anywhere. So is time-stamping; where that fails, the manifest is
signed without a time-stamp and says so, and `timestamp_later` adds one.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import c2pa
import iscc_lib

from pictures.containers.kinds import MEDIA_TYPES, container_of
from pictures.credentials.certificates import TRUSTED_PURPOSES
from pictures.credentials.embedding import with_manifest, without_manifest
from pictures.credentials.stamping import stamped
from pictures.credentials.stores import store_in
from pictures.errors import PictureCode, PictureError
from pictures.source_types import SourceType

SPECIFICATION = "2.4.0"
SOFT_BINDING = "io.iscc.v0"
RECEIPT_LABEL = "org.remarque.receipt"
"""Of the assertion that holds a receipt of the ledger."""

Mining = Literal["allowed", "notAllowed", "constrained"]


@dataclass(frozen=True)
class Program:
    """What a picture was made with, or what signs."""

    name: str
    version: str


@dataclass(frozen=True)
class LedgerReceipt:
    """A receipt of the ledger, as it is handed out."""

    media_type: str
    data: bytes


@dataclass(frozen=True)
class Claim:
    """What a manifest is to say of a picture."""

    label: str
    """`urn:c2pa:` and a UUID: the manifest's name, which a record may already hold."""
    signer: Program
    """Of the node."""
    at: datetime
    """When the picture was made, or marked; with its time zone."""
    title: str
    image_code: str
    """ISCC of 256 bits, as `fingerprint.image_code` finds it for the file that is signed."""
    source: SourceType | None = None
    """Where the picture comes from; None claims nothing of it, and then there must be a parent."""
    made_with: Program | None = None
    inputs: tuple[Program, ...] = ()
    """Models that had a part beside that: adapters (LoRA)."""
    parent: bytes | None = None
    """The file that this one was made from, with its own manifest if it has one. Of a format that C2PA does not take
    it is said that it was there, and no more.
    """
    watermarked: bool = False
    receipt: LedgerReceipt | None = None
    mining: Mapping[str, Mining] = field(default_factory=dict)
    """By use, such as `cawg.ai_generative_training`: whether it is allowed."""


@dataclass(frozen=True)
class Signing:
    """Who signs, and how."""

    chain: tuple[str, ...]
    """PEM, the signer's own certificate first; without the root."""
    sign: Callable[[bytes], bytes]
    """ES256 over some bytes: DER, or both numbers of 32 bytes. What it raises, `seal` raises."""
    anchors: str = ""
    """PEM of the roots that are trusted when a parent is taken in."""
    stamp: Callable[[bytes], bytes] | None = None
    """A response of RFC 3161 for a request. What it raises means: not now."""


@dataclass(frozen=True)
class Sealed:
    """A released file."""

    data: bytes
    store: bytes
    """Its manifests, which `embedding.with_manifest` puts into the recorded file again."""
    time_stamped: bool
    rebuilt: bool
    """Whether recorded file and store give this very file, and this the recorded one. Else it must be kept whole."""


def seal(data: bytes, claim: Claim, signing: Signing) -> Sealed:
    """The file with a manifest that says and binds what is claimed, checked once it is signed.

    NOT_SIGNED where the container or the parent takes no manifest, or where chain, signature and claim do not fit.
    What `signing.sign` raises passes through.
    """
    ingredient = (claim.parent,) if claim.parent is not None and container_of(claim.parent) else ()
    released, store = _signed(data, definition_of(claim, soft_binding(data, claim.image_code)), ingredient, signing)
    unstamped = _sealed(data, released, store, time_stamped=False)
    if signing.stamp is None:
        return unstamped
    try:
        return _stamped(data, released, store, signing.stamp)
    except PictureError:
        return unstamped


def timestamp_later(data: bytes, stamp: Callable[[bytes], bytes]) -> Sealed:
    """A sealed file with a time-stamp in its manifest in force, and nothing else changed: not even its size.

    `stamp` answers a request of RFC 3161. NOT_SIGNED if the file has no manifest, if that is stamped or has no room
    left, if no stamp is to be had, or if it does not hold.
    """
    return _stamped(without_manifest(data), data, store_in(container_of(data), data), stamp)


def _stamped(bare: bytes, released: bytes, store: bytes, stamp: Callable[[bytes], bytes]) -> Sealed:
    """A released file whose manifest store got a time-stamp."""
    store = stamped(store, stamp)
    found = with_manifest(bare, store)
    if len(found) != len(released) or not _holds_with_stamp(found):
        raise PictureError(PictureCode.NOT_SIGNED, "the stamp does not hold in this file; seal the picture anew")
    return _sealed(bare, found, store, time_stamped=True)


def soft_binding(data: bytes, image_code: str) -> tuple[str, ...]:
    """The ISCC units of 256 bits of a file exactly as it is signed: of image, data and instance (IEP-0020)."""
    return image_code, iscc_lib.gen_data_code_v0(data, 256).iscc, iscc_lib.gen_instance_code_v0(data, 256).iscc


def bound_bytes(units: tuple[str, ...]) -> bytes:
    """Units as a soft binding of C2PA has them: header and body of each, one behind the other."""
    return b"".join(base64.b32decode(unit[5:] + "=" * (-len(unit[5:]) % 8)) for unit in units)


def definition_of(claim: Claim, units: tuple[str, ...]) -> dict[str, Any]:
    """The manifest as the C2PA library takes it."""
    binding = {
        "alg": SOFT_BINDING,
        "blocks": [{"scope": {}, "value": list(bound_bytes(units))}],
        "bindingMetadata": {"informationalUrl": "https://ieps.iscc.codes/iep-0020/"},
    }
    assertions = [
        _assertion("c2pa.actions.v2", {"allActionsIncluded": True, "actions": _actions(claim)}),
        _assertion("c2pa.soft-binding", binding),
    ]
    if claim.mining:
        entries = {use: {"use": leave} for use, leave in claim.mining.items()}
        assertions.append(_assertion("cawg.training-mining", {"entries": entries}))
    if claim.receipt:
        kept = {"type": claim.receipt.media_type, "receipt": base64.b64encode(claim.receipt.data).decode()}
        assertions.append({**_assertion(RECEIPT_LABEL, kept), "kind": "Cbor"})
    inputs = [
        {
            **_named(_input_name(number), "inputTo", f"{one.name} {one.version}"),
            "data_types": [{"type": "c2pa.types.model"}],
        }
        for number, one in enumerate(claim.inputs)
    ]
    if claim.parent is not None and not container_of(claim.parent):
        inputs.append(_named(_PARENT, "parentOf", "before"))
    return {
        "label": claim.label,
        **_signer(claim.signer),
        "title": claim.title,
        "assertions": assertions,
        **({"ingredients": inputs} if inputs else {}),
    }


def _actions(claim: Claim) -> list[dict[str, Any]]:
    """What was done: made, or opened, and marked."""
    when = claim.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    agent: dict[str, Any] = {"softwareAgent": _program(claim.made_with)} if claim.made_with else {}
    if claim.inputs:
        agent["parameters"] = {"ingredientIds": [_input_name(number) for number in range(len(claim.inputs))]}
    found: list[dict[str, Any]] = []
    if claim.parent is not None:
        found.append({"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": [_PARENT]}})
        if claim.source is not None:
            found.append({"action": "c2pa.edited", "when": when, "digitalSourceType": claim.source.uri, **agent})
    elif claim.source is not None:
        found.append({"action": "c2pa.created", "when": when, "digitalSourceType": claim.source.uri, **agent})
    else:
        raise PictureError(
            PictureCode.NOT_SIGNED, "a manifest says where a picture comes from, or names the file before it"
        )
    if claim.watermarked:
        marked = {"action": "c2pa.watermarked.unbound", "when": when, "softwareAgent": _program(claim.signer)}
        found.append(marked)
    return found


_PARENT = "parent"


def _named(name: str, relationship: str, title: str) -> dict[str, Any]:
    """An ingredient that is named and not embedded: its digest stands in the ledger's record."""
    kind = "application/octet-stream"
    return {"title": title, "format": kind, "instance_id": name, "label": name, "relationship": relationship}


def _input_name(number: int) -> str:
    return f"input{number}"


def _assertion(label: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": label, "created": True, "data": data}


def _program(program: Program) -> dict[str, str]:
    return {"name": program.name, "version": program.version}


def _signer(signer: Program) -> dict[str, Any]:
    return {"claim_generator_info": [{**_program(signer), "specVersion": SPECIFICATION}]}


def _signed(
    data: bytes,
    definition: Mapping[str, Any],
    parents: tuple[bytes, ...],
    signing: Signing,
) -> tuple[bytes, bytes]:
    """The file with its manifest, and the manifest store. NOT_SIGNED, or what the signing function raised."""
    raised: list[BaseException] = []

    def sign(message: bytes) -> bytes:
        try:
            return signing.sign(message)
        except BaseException as error:  # the library swallows it, so it is raised again behind the call
            raised.append(error)
            raise

    out = io.BytesIO()
    try:
        signer = c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg.ES256, "".join(signing.chain))
        context = c2pa.Context.from_dict(_settings(signing.anchors))
        with context, c2pa.Builder(json.dumps(definition), context) as builder:
            for parent in parents:
                ingredient = {"title": "before", "relationship": "parentOf", "instance_id": _PARENT, "label": _PARENT}
                builder.add_ingredient(ingredient, _media_type(parent), io.BytesIO(parent))
            store = builder.sign(signer, _media_type(data), io.BytesIO(data), out)
    except c2pa.C2paError as error:
        if raised:
            raise raised[0] from None
        raise PictureError(PictureCode.NOT_SIGNED, f"{error}"[:300]) from None
    return out.getvalue(), bytes(store)


def _media_type(data: bytes) -> str:
    container = container_of(data)
    if not container:
        raise PictureError(PictureCode.NOT_SIGNED, f"the bytes are none of {', '.join(MEDIA_TYPES)}")
    return MEDIA_TYPES[container]


def _settings(anchors: str) -> dict[str, Any]:
    """Of the library: nothing is fetched but stamps, no small copies are made, what was signed is checked."""
    return {
        "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "trust": {**({"user_anchors": anchors} if anchors else {}), "trust_config": TRUSTED_PURPOSES},
        "soft_binding": {"soft_binding_algorithms": [SOFT_BINDING]},
        "builder": {"thumbnail": {"enabled": False}},
    }


def _holds_with_stamp(data: bytes) -> bool:
    """Whether the library finds that the time-stamp is one of the manifest in force, and that all else holds."""
    context = c2pa.Context.from_dict(_settings(""))
    with context, c2pa.Reader(_media_type(data), io.BytesIO(data), context=context) as reader:
        codes = {one["code"] for one in reader.get_validation_results()["activeManifest"]["success"]}
        return "timeStamp.validated" in codes and reader.get_validation_state() != "Invalid"


def _sealed(data: bytes, released: bytes, store: bytes, *, time_stamped: bool) -> Sealed:
    """What was made of a file, and whether it can be made of it again."""
    try:
        bare = without_manifest(data)
        rebuilt = without_manifest(released, len(bare)) == bare and with_manifest(bare, store) == released
    except PictureError:
        rebuilt = False
    return Sealed(released, store, time_stamped, rebuilt)
