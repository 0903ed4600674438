"""Generated pictures: the creator's signed request and the generator's signed attestation, held against each other.

They come with the picture (`asset.register_generated`), or later, for one that its creator has declared
(`asset.attest`): the same two statements, under the same checks.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import AttestAsset, RegisterGenerated, Share
from ledger.encoding import encode
from ledger.errors import Code, LedgerError
from ledger.events import AssetAttested
from ledger.execution.asset import WHOLE_PPM
from ledger.execution.claim import GENERATED, record_asset
from ledger.execution.confidential import check_content, check_key
from ledger.execution.context import SIGNATURE_FUEL, Context, action
from ledger.execution.disclosure import check_withheld, open_disclosure
from ledger.execution.redrawn import check_source, enter_source
from ledger.execution.view import Ledger
from ledger.generation import COUNT_MAX, Attestation, GenerationRequest
from ledger.names import org_of
from ledger.records import Asset, Model, asset_key, model_key, request_key

GENERATOR = "generator"
RECORDED_WITHIN_MS = 24 * 3_600_000
"""How long after the end of its validity a request may still bring records, which may cost its creator money."""


@action(RegisterGenerated)
def register_generated(ledger: Ledger, tx: Context, ask: RegisterGenerated) -> None:
    """Record a generated picture: the creator's request and the generator's attestation hold and fit together."""
    request, attestation = ask.request, ask.attestation
    _check_statements(ledger, tx, ask)
    check_content(ask.content, request.confidential, attestation.image_code)
    check_key(ledger, tx, attestation.pixel_digest, request.creator, ask.content)
    _use_request(ledger, tx, request, attestation)
    record_asset(
        ledger,
        tx,
        Asset(
            id=attestation.pixel_digest,
            evidence=GENERATED,
            registrant=tx.signer,
            creator=request.creator,
            creators=(Share(account=request.creator, weight_ppm=WHOLE_PPM),),
            owner=request.creator,
            confidential=request.confidential,
            file_digest=attestation.file_digest,
            width=attestation.width,
            height=attestation.height,
            content=ask.content,
            image_code=attestation.image_code,
            mark=attestation.mark,
            manifest=attestation.manifest,
            model=request.model,
            adapters=request.adapters,
            request=request.id,
            index=attestation.index,
            commitments=request.commitments,
            created_ms=tx.time_ms,
            height_recorded=tx.height,
            transaction=tx.transaction_id,
        ),
        ask.salt,
    )
    enter_source(ledger, tx, ledger.asset(attestation.pixel_digest), request)


@action(AttestAsset)
def attest(ledger: Ledger, tx: Context, ask: AttestAsset) -> None:
    """Lift a declared asset to generated, once: the statements hold, and are about this picture and its creator."""
    request, attestation = ask.request, ask.attestation
    _check_statements(ledger, tx, ask)
    asset = ledger.asset(attestation.pixel_digest)
    if asset.evidence == GENERATED:
        by = asset.registrant if asset.attested_by is UNSET else asset.attested_by
        raise LedgerError(Code.ATTESTATION_EXISTS, f"asset {asset.id[:16]}… is attested by {by}; nothing is left to do")
    _check_fits(request, attestation, asset)
    check_content(asset.content, request.confidential, attestation.image_code)
    _use_request(ledger, tx, request, attestation)
    attested = replace(
        asset,
        evidence=GENERATED,
        model=request.model,
        adapters=request.adapters,
        request=request.id,
        index=attestation.index,
        commitments=request.commitments,
        attested_by=tx.signer,
        attested_in=tx.transaction_id,
    )
    ledger.put(asset_key(asset.id), attested)
    tx.emit(AssetAttested(asset=asset.id, generator=tx.signer, model=request.model))


def _check_statements(ledger: Ledger, tx: Context, ask: RegisterGenerated | AttestAsset) -> None:
    """Refuse unless the creator's request and the generator's attestation hold and fit together."""
    tx.require_role(GENERATOR)
    tx.spend(2 * SIGNATURE_FUEL)
    check_models(ledger, ask.request)
    _check_request(ledger, tx, ask.request, ask.request_signature)
    _check_attestation(ledger, tx, ask.request, ask.attestation, ask.attestation_signature)


def check_models(ledger: Ledger, request: GenerationRequest) -> None:
    """MODEL_UNKNOWN unless a request's model and its adapters are registered as such; REQUEST_INVALID if one is named
    twice.
    """
    model, *adapters = request.models
    for digest, adapter in ((model, False), *((one, True) for one in adapters)):
        found, wanted = ledger.find(model_key(digest), Model), "adapter" if adapter else "model"
        if found is None:
            raise LedgerError(Code.MODEL_UNKNOWN, f"{wanted} {digest[:16]}… is not registered; its provider does it")
        if found.adapter != adapter:
            registered = "an adapter" if found.adapter else "a model"
            raise LedgerError(Code.MODEL_UNKNOWN, f"{found.name} is registered as {registered}; name it as that")
    if len(set(adapters)) != len(adapters):
        fact = f"request {request.id[:16]}… names an adapter twice"
        raise LedgerError(Code.REQUEST_INVALID, f"{fact}; give it the sum of its weights")


def _use_request(ledger: Ledger, tx: Context, request: GenerationRequest, attestation: Attestation) -> None:
    """Use up one picture of a request, so that none is recorded twice; the first brings who may read its settings."""
    key = request_key(request.id, attestation.index)
    if ledger.holds(key):
        raise LedgerError(Code.REQUEST_USED, f"picture {attestation.index} of request {request.id[:16]}… is recorded")
    ledger.put(key, attestation.pixel_digest)
    open_disclosure(ledger, tx.signer, request)


def _check_fits(request: GenerationRequest, attestation: Attestation, asset: Asset) -> None:
    for holds, fault in (
        (request.creator == asset.creator, f"{request.creator} asked for it, {asset.creator} declared it; dispute it"),
        (request.confidential == asset.confidential, "one of request and asset is confidential, the other is not"),
        ((attestation.width, attestation.height) == (asset.width, asset.height), "it states another size"),
        (attestation.file_digest == asset.file_digest, "it is about another file"),
        (attestation.media_type == asset.content.media_type, "it states another media type"),
        (attestation.image_code == asset.image_code, "it states another image code"),
        (attestation.mark == asset.mark, "it states another watermark"),
        (attestation.manifest == asset.manifest, "it states another manifest"),
        (_source_of(request) <= set(asset.parents), "it was made from what its lineage does not name; derive it first"),
    ):
        if not holds:
            raise LedgerError(Code.ATTESTATION_INVALID, f"it does not fit asset {asset.id[:16]}…: {fault}")


def _source_of(request: GenerationRequest) -> set[str]:
    return set() if isinstance(request.source, UnsetType) else {request.source.asset}


def _check_request(ledger: Ledger, tx: Context, request: GenerationRequest, signature: str) -> None:
    ledger.account(request.creator)
    silent = ledger.key_fault(request.creator, request.key)
    for holds, fault in (
        (request.chain == tx.transaction.chain, "it names another chain"),
        (not silent, silent),
        (request.count <= COUNT_MAX, f"it asks for more than {COUNT_MAX} pictures"),
        (tx.time_ms <= request.valid_until_ms + RECORDED_WITHIN_MS, "it is too old to be recorded by; sign another"),
        (
            crypto.verify(request.key, crypto.GENERATION_REQUEST, encode(request), signature),
            "its signature does not verify; sign remarque/generation-request/v1 and the canonical request",
        ),
    ):
        if not holds:
            raise LedgerError(Code.REQUEST_INVALID, f"request {request.id[:16]}…: {fault}")
    check_withheld(ledger, request)
    check_source(request)


def _check_attestation(
    ledger: Ledger, tx: Context, request: GenerationRequest, attestation: Attestation, signature: str
) -> None:
    ledger.account(attestation.generator)
    silent = ledger.key_fault(attestation.generator, attestation.key)
    for holds, fault in (
        (attestation.chain == tx.transaction.chain, "it names another chain"),
        (attestation.generator == tx.signer, f"it is {attestation.generator}'s, signed here by {tx.signer}"),
        (org_of(attestation.generator) == request.generator, f"it was asked of generators of {request.generator}"),
        (not silent, silent),
        (attestation.request == request.id, "it is about another request"),
        (attestation.model == request.model, "it names another model than the request"),
        (attestation.index < request.count, "it attests a picture beyond the requested count"),
        (
            crypto.verify(attestation.key, crypto.ATTESTATION, encode(attestation), signature),
            "its signature does not verify; sign remarque/attestation/v1 and the canonical attestation",
        ),
    ):
        if not holds:
            raise LedgerError(Code.ATTESTATION_INVALID, f"the attestation does not hold: {fault}")
