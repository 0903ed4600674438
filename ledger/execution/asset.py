"""Assets: recording where a picture comes from.

Two ways, two evidence levels. *Generated*: the generator's account brings the creator's signed request and its own
signed attestation, and both must hold and fit together. *Declared*: only the registrant says so. A picture is known
by the digest of its pixels, and recorded once.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger import crypto
from ledger.actions import Content, RegisterAsset, RegisterGenerated, RegisterModel, Share
from ledger.encoding import encode
from ledger.errors import Code, LedgerError
from ledger.events import AssetRegistered, ModelRegistered
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.generation import COUNT_MAX, Attestation, GenerationRequest
from ledger.records import Asset, Model, asset_key, file_key, model_key, request_key

GENERATED, DECLARED = "generated", "declared"
MODEL_PROVIDER, GENERATOR = "model-provider", "generator"
WHOLE_PPM = 1_000_000
SIGNATURE_FUEL = 1_000
"""What checking a signature inside an action costs."""


@action(RegisterModel)
def register_model(ledger: Ledger, tx: Context, ask: RegisterModel) -> None:
    """Name a generator model by the digest of its files."""
    tx.require_role(MODEL_PROVIDER)
    if ledger.holds(model_key(ask.model)):
        raise LedgerError(Code.MODEL_EXISTS, f"model {ask.model[:16]}… is registered; nothing is left to do")
    record = Model(model=ask.model, name=ask.name, version=ask.version, licence=ask.licence, provider=tx.signer)
    ledger.put(model_key(ask.model), record)
    tx.emit(ModelRegistered(model=ask.model, name=ask.name, provider=tx.signer))


@action(RegisterAsset)
def register(ledger: Ledger, tx: Context, ask: RegisterAsset) -> None:
    """Record a picture that its registrant declares."""
    creators = (Share(account=tx.signer, weight_ppm=WHOLE_PPM),) if ask.creators is UNSET else ask.creators
    check_shares(ledger, creators, Code.CREATORS_INVALID)
    _check_content(ask.content, ask.confidential, ask.image_code)
    _record(
        ledger,
        tx,
        Asset(
            id=ask.pixel_digest,
            evidence=DECLARED,
            registrant=tx.signer,
            creator=tx.signer,
            creators=creators,
            owner=tx.signer,
            confidential=ask.confidential,
            file_digest=ask.file_digest,
            width=ask.width,
            height=ask.height,
            content=ask.content,
            image_code=ask.image_code,
            created_ms=tx.time_ms,
            height_recorded=tx.height,
            transaction=tx.transaction_id,
        ),
    )


@action(RegisterGenerated)
def register_generated(ledger: Ledger, tx: Context, ask: RegisterGenerated) -> None:
    """Record a generated picture: the creator's request and the generator's attestation hold and fit together."""
    request, attestation = ask.request, ask.attestation
    tx.require_role(GENERATOR)
    tx.spend(2 * SIGNATURE_FUEL)
    if not ledger.holds(model_key(request.model)):
        raise LedgerError(Code.MODEL_UNKNOWN, f"model {request.model[:16]}… is not registered; its provider does it")
    _check_request(ledger, tx, request, ask.request_signature)
    _check_attestation(ledger, tx, request, attestation, ask.attestation_signature)
    _check_content(ask.content, request.confidential, attestation.image_code)
    if ledger.holds(request_key(request.id, attestation.index)):
        raise LedgerError(Code.REQUEST_USED, f"picture {attestation.index} of request {request.id[:16]}… is recorded")
    ledger.put(request_key(request.id, attestation.index), attestation.pixel_digest)
    _record(
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
            model=request.model,
            request=request.id,
            index=attestation.index,
            commitments=request.commitments,
            created_ms=tx.time_ms,
            height_recorded=tx.height,
            transaction=tx.transaction_id,
        ),
    )


def _record(ledger: Ledger, tx: Context, asset: Asset) -> None:
    if ledger.holds(asset_key(asset.id)):
        raise LedgerError(Code.ASSET_EXISTS, f"asset {asset.id[:16]}… is recorded; ask for it by this id")
    ledger.put(asset_key(asset.id), asset)
    if not ledger.holds(file_key(asset.file_digest)):
        ledger.put(file_key(asset.file_digest), asset.id)
    tx.emit(
        AssetRegistered(
            asset=asset.id,
            evidence=asset.evidence,
            creator=asset.creator,
            confidential=asset.confidential,
            model=asset.model,
        )
    )


def _check_request(ledger: Ledger, tx: Context, request: GenerationRequest, signature: str) -> None:
    creator = ledger.account(request.creator)
    live = [key.public for key in creator.keys if not key.revoked]
    for holds, fault in (
        (request.chain == tx.transaction.chain, "it names another chain"),
        (request.key in live, f"{request.key[:16]}… is not a key of {request.creator} in force"),
        (request.count <= COUNT_MAX, f"it asks for more than {COUNT_MAX} pictures"),
        (
            crypto.verify(request.key, crypto.GENERATION_REQUEST, encode(request), signature),
            "its signature does not verify; sign remarque/generation-request/v1 and the canonical request",
        ),
    ):
        if not holds:
            raise LedgerError(Code.REQUEST_INVALID, f"request {request.id[:16]}…: {fault}")


def _check_attestation(
    ledger: Ledger, tx: Context, request: GenerationRequest, attestation: Attestation, signature: str
) -> None:
    generator = ledger.account(attestation.generator)
    live = [key.public for key in generator.keys if not key.revoked]
    for holds, fault in (
        (attestation.chain == tx.transaction.chain, "it names another chain"),
        (attestation.generator == tx.signer, f"it is {attestation.generator}'s, signed here by {tx.signer}"),
        (attestation.key in live, f"{attestation.key[:16]}… is not a key of {attestation.generator} in force"),
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


def _check_content(content: Content, confidential: bool, image_code: str | UnsetType) -> None:
    if confidential and content.sealed_keys is UNSET:
        raise LedgerError(Code.CONTENT_INVALID, "a confidential asset's content is encrypted; name who holds its key")
    if confidential and image_code is not UNSET:
        raise LedgerError(Code.CONTENT_INVALID, "a confidential asset publishes no fingerprint; leave image_code out")
    if not confidential and content.sealed_keys is not UNSET:
        raise LedgerError(Code.CONTENT_INVALID, "a public asset's content has no key; leave sealed_keys out")


def check_shares(ledger: Ledger, shares: tuple[Share, ...], code: Code) -> None:
    """Refuse shares that do not make a whole, or name an account twice or not enrolled."""
    total = sum(share.weight_ppm for share in shares)
    if total != WHOLE_PPM:
        raise LedgerError(code, f"the weights make {total} ppm, they must make exactly {WHOLE_PPM}")
    if len({share.account for share in shares}) != len(shares):
        raise LedgerError(code, "an account is named twice; add its weights together")
    for share in shares:
        ledger.account(share.account)
