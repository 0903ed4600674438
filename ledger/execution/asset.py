"""Assets: recording where a picture comes from.

Two ways, two evidence levels. *Generated*: a generator attests it (`generated.py`). *Declared*: only the registrant
says so. A picture is known by the digest of its pixels, and recorded once.
"""

from __future__ import annotations

from msgspec import UNSET

from ledger.actions import RegisterAsset, RegisterModel, Share
from ledger.errors import Code, LedgerError
from ledger.events import ModelRegistered
from ledger.execution.claim import DECLARED, record_asset
from ledger.execution.confidential import check_content, check_key
from ledger.execution.context import ACTION_FUEL, Context, action
from ledger.execution.view import Ledger
from ledger.records import Asset, Model, model_key

MODEL_PROVIDER = "model-provider"
WHOLE_PPM = 1_000_000


@action(RegisterModel)
def register_model(ledger: Ledger, tx: Context, ask: RegisterModel) -> None:
    """Name a generator model by the digest of its files."""
    tx.require_role(MODEL_PROVIDER)
    found = ledger.find(model_key(ask.model), Model)
    if found is not None:
        what = "an adapter" if found.adapter else "a model"
        raise LedgerError(Code.MODEL_EXISTS, f"{ask.model[:16]}… is registered as {what}, {found.name} {found.version}")
    record = Model(
        model=ask.model,
        name=ask.name,
        version=ask.version,
        licence=ask.licence,
        provider=tx.signer,
        adapter=ask.adapter,
    )
    ledger.put(model_key(ask.model), record)
    tx.emit(ModelRegistered(model=ask.model, name=ask.name, provider=tx.signer))


@action(RegisterAsset)
def register(ledger: Ledger, tx: Context, ask: RegisterAsset) -> None:
    """Record a picture that its registrant declares."""
    creators = (Share(account=tx.signer, weight_ppm=WHOLE_PPM),) if ask.creators is UNSET else ask.creators
    check_shares(ledger, creators, Code.CREATORS_INVALID)
    check_content(ask.content, ask.confidential, ask.image_code)
    check_key(ledger, tx, ask.pixel_digest, tx.signer, ask.content)
    record_asset(
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
            title=ask.title,
            credit=ask.credit,
            similar=_recorded(ledger, tx, () if ask.similar is UNSET else ask.similar),
            mark=ask.mark,
            manifest=ask.manifest,
            source_type=ask.source_type,
            created_ms=tx.time_ms,
            height_recorded=tx.height,
            transaction=tx.transaction_id,
        ),
        ask.salt,
    )


def _recorded(ledger: Ledger, tx: Context, assets: tuple[str, ...]) -> tuple[str, ...]:
    """Assets that are named beside another, if all are recorded."""
    tx.spend(ACTION_FUEL * len(assets))
    return tuple(ledger.asset(asset).id for asset in assets)


def check_shares(ledger: Ledger, shares: tuple[Share, ...], code: Code) -> None:
    """Refuse shares that do not make a whole, or name an account twice or not enrolled."""
    total = sum(share.weight_ppm for share in shares)
    if total != WHOLE_PPM:
        raise LedgerError(code, f"the weights make {total} ppm, they must make exactly {WHOLE_PPM}")
    if len({share.account for share in shares}) != len(shares):
        raise LedgerError(code, "an account is named twice; add its weights together")
    for share in shares:
        ledger.account(share.account)
