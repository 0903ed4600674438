"""Pictures that a generator makes of a recorded one: derivatives from the transaction on that records them.

The creator's signed request names the source, so that signature stands for the one that `asset.derive` needs: the
source's policies decide for the creator, who owns the new picture and pays what deriving it costs, once for each
picture of the request. A source can refuse. So the same is tried before anything is computed, on the state of then.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.actions import Content, Share
from ledger.errors import Code, LedgerError
from ledger.execution.asset import WHOLE_PPM
from ledger.execution.claim import GENERATED
from ledger.execution.context import Context
from ledger.execution.lineage import Derivation, enter
from ledger.execution.view import Ledger
from ledger.generation import GenerationRequest
from ledger.records import Asset
from ledger.transaction import SignedTransaction, Signer, Transaction
from ledger.version import ProtocolVersion


def check_source(request: GenerationRequest) -> None:
    """REQUEST_INVALID unless what a request says of a source fits together."""
    has, commitments = not isinstance(request.source, UnsetType), request.commitments
    for holds, fault in (
        (has == (commitments.strength_centi is not UNSET), "it names a source, or says how much of one is redrawn"),
        (has or commitments.mask is UNSET, "it commits to a mask, and names no source"),
    ):
        if not holds:
            raise LedgerError(Code.REQUEST_INVALID, f"request {request.id[:16]}…: {fault}; sign another")


def enter_source(ledger: Ledger, tx: Context, asset: Asset, request: GenerationRequest) -> None:
    """Enter a picture that was just recorded as derived from the source of its request, if that has one.

    ASSET_EXISTS where another record of these pixels stands; else refused as `asset.derive` is.
    """
    if isinstance(request.source, UnsetType):
        return
    if asset.transaction != tx.transaction_id:
        raise LedgerError(Code.ASSET_EXISTS, f"asset {asset.id[:16]}… is recorded, not as made from its source")
    source, creator = request.source, request.creator
    terms = {} if isinstance(source.terms, UnsetType) else {source.asset: source.terms}
    licences = () if isinstance(source.licence, UnsetType) else (source.licence,)
    enter(ledger, tx, asset, Derivation((source.asset,), source.value, terms, creator, (creator,), licences))


def try_source(ledger: Ledger, request: GenerationRequest, height: int, time_ms: int, version: ProtocolVersion) -> None:
    """Refuse as the records of a request's pictures would be refused for their source now; nothing is written."""
    check_source(request)
    signers = (Signer(account=request.creator, key=request.key),)
    body = Transaction(chain=request.chain, signers=signers, valid_until_ms=time_ms, nonce=request.nonce, actions=())
    with ledger.undone():
        for index in range(request.count):
            fuel = ledger.parameters().transaction_fuel_max
            tx = Context(SignedTransaction(b"", (), body), height, time_ms, version, fuel)
            enter_source(ledger, tx, _imagined(request, tx, index), request)


def _imagined(request: GenerationRequest, tx: Context, index: int) -> Asset:
    """A record that a picture of a request might have, as far as its derivation asks."""
    made = Asset(
        id=request.id,
        evidence=GENERATED,
        registrant=request.creator,
        creator=request.creator,
        creators=(Share(account=request.creator, weight_ppm=WHOLE_PPM),),
        owner=request.creator,
        confidential=request.confidential,
        file_digest=request.id,
        width=1,
        height=1,
        content=Content(cid="", size=1, media_type="image/png"),
        created_ms=tx.time_ms,
        height_recorded=tx.height,
        transaction=tx.transaction_id,
        model=request.model,
    )
    return replace(made, id=f"{index:x}{request.id[1:]}")
