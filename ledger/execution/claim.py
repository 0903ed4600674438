"""Who recorded a picture first, and by what right: commitments, and several records of the same pixels.

Whoever sees a registration on its way could send its own before it. So an account may commit to a picture first, by a
digest that shows nothing, and the registration counts as of that block. Of two records of the same pixels the better
founded one stands: a generator's attestation before a declaration that was not committed to, else the one that was
committed to before the other was there. It takes the other's place while nothing of it has reached anybody else;
afterwards it is kept beside it, and its creator's org disputes the record. Either way both stay visible.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import CommitAsset
from ledger.errors import Code, LedgerError
from ledger.events import AssetClaimed, AssetCommitted, AssetDisplaced, AssetRegistered
from ledger.execution.context import Context, action
from ledger.execution.dispute import SETTLED, open_dispute
from ledger.execution.holding import tokens_of
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.records import (
    Asset,
    Claim,
    Commitment,
    Dispute,
    OpenCommitments,
    asset_key,
    auction_key,
    collection_asset_key,
    commitments_key,
    dispute_key,
    file_key,
    lineage_key,
    listing_key,
    rental_key,
    sale_key,
    token_key,
)

DECLARED, GENERATED = "declared", "generated"
COMMITMENTS_MAX = 64
"""Open commitments of an account."""
COMMITTED_MS = 24 * 3_600_000
"""For how long a commitment may be followed by its registration."""
CLAIMS_MAX = 16
"""Other records of one picture that are kept."""
TOKEN_FUEL = 20
"""What looking at one token of a record that may be displaced costs."""


@action(CommitAsset)
def commit(ledger: Ledger, tx: Context, ask: CommitAsset) -> None:
    """Commit to a picture without showing it."""
    key = commitments_key(tx.signer)
    held = ledger.find(key, OpenCommitments) or OpenCommitments()
    still = tuple(one for one in held.open if one.until_ms >= tx.time_ms)
    if any(one.digest == ask.commitment for one in still):
        raise LedgerError(Code.COMMITMENT_EXISTS, f"{tx.signer} has made it; draw another salt")
    if len(still) >= COMMITMENTS_MAX:
        raise LedgerError(
            Code.COMMITMENTS_FULL, f"{tx.signer} has {COMMITMENTS_MAX} open; register what they are of, or wait"
        )
    until_ms = tx.time_ms + COMMITTED_MS
    made = Commitment(digest=ask.commitment, height=tx.height, until_ms=until_ms)
    ledger.put(key, OpenCommitments(open=(*still, made)))
    tx.emit(AssetCommitted(account=tx.signer, commitment=ask.commitment, until_ms=until_ms))


def commitment_to(account: str, pixel_digest: str, salt: str) -> str:
    """The digest by which an account commits to a picture."""
    return crypto.digest(crypto.ASSET_COMMITMENT, f"{account}/{pixel_digest}/{salt}".encode())


def record_asset(ledger: Ledger, tx: Context, asset: Asset, salt: str | UnsetType) -> None:
    """Record a picture: where it is recorded already, in the place of that record, beside it, or not at all."""
    if salt is not UNSET:
        asset = replace(asset, committed_height=_take_commitment(ledger, tx, asset.id, salt))
    before = ledger.find(asset_key(asset.id), Asset)
    if before is not None:
        if not _is_founded(asset, before):
            raise LedgerError(Code.ASSET_EXISTS, f"asset {asset.id[:16]}… is recorded; ask for it by this id")
        if not _gives_way(ledger, tx, before, asset):
            _claim(ledger, tx, asset, before)
            return
        asset = _displace(ledger, tx, asset, before)
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


def _take_commitment(ledger: Ledger, tx: Context, pixel_digest: str, salt: str) -> int:
    """Use up a commitment of the signer; the block that it is from."""
    key, digest = commitments_key(tx.signer), commitment_to(tx.signer, pixel_digest, salt)
    held = ledger.find(key, OpenCommitments) or OpenCommitments()
    found = next((one for one in held.open if one.digest == digest), None)
    if found is None or found.until_ms < tx.time_ms or found.height >= tx.height:
        raise LedgerError(
            Code.COMMITMENT_UNKNOWN, f"{tx.signer} committed to it with this salt in no earlier block; do so first"
        )
    ledger.put(key, OpenCommitments(open=tuple(one for one in held.open if one is not found)))
    return found.height


def _is_founded(asset: Asset, before: Asset) -> bool:
    """Whether a record says something against the one that is there. That of the same creator never does."""
    attested = asset.evidence == GENERATED and before.evidence == DECLARED
    return asset.creator != before.creator and (attested or _is_earlier(asset, before))


def _is_earlier(asset: Asset, before: Asset) -> bool:
    """Whether a record was committed to in an earlier block than the one from which the one that is there counts."""
    since = before.height_recorded if before.committed_height is UNSET else before.committed_height
    return asset.committed_height is not UNSET and asset.committed_height < since


def _gives_way(ledger: Ledger, tx: Context, before: Asset, asset: Asset) -> bool:
    """Whether nothing of a record has reached anybody else, nor was it minted or committed to before the other."""
    earlier = _is_earlier(asset, before)
    if before.evidence == GENERATED or before.kept is not UNSET or ledger.lineage(before.id).derivatives:
        return False
    if before.committed_height is not UNSET and not earlier:
        return False
    for token in tokens_of(ledger, before):
        tx.spend(TOKEN_FUEL)
        if not earlier or ledger.holds(auction_key(token.id)) or ledger.holds(rental_key(token.id)):
            return False
    return True


def _claim(ledger: Ledger, tx: Context, asset: Asset, before: Asset) -> None:
    """Keep a record beside the one that stands, and have its creator's org dispute that."""
    if len(before.claims) >= CLAIMS_MAX:
        raise LedgerError(Code.ASSET_EXISTS, f"asset {asset.id[:16]}… is recorded, with {CLAIMS_MAX} claims")
    tx.emit(AssetClaimed(asset=asset.id, creator=asset.creator, evidence=asset.evidence))
    if org_of(asset.creator) not in before.disputed_by:
        reason = f"a better founded record ({asset.evidence}) names {asset.creator} as its creator"
        before = open_dispute(ledger, tx, before, asset.creator, reason, asset.transaction)
    claims = (*before.claims, _claim_of(asset, displaced=False))
    ledger.put(asset_key(asset.id), replace(before, claims=claims))


def _displace(ledger: Ledger, tx: Context, asset: Asset, before: Asset) -> Asset:
    """Take away all that hangs on a record; the better founded one, which names it among its claims."""
    gone = [lineage_key(before.id)]
    for token in tokens_of(ledger, before):
        gone += [kind(token.id) for kind in (token_key, listing_key, sale_key)]
    if before.collection is not UNSET:
        gone.append(collection_asset_key(before.collection, before.id))
    for key in gone:
        if ledger.holds(key):
            ledger.remove(key)
    for org in before.disputed_by:
        dispute = ledger.find(dispute_key(before.id, org), Dispute)
        if dispute is not None:
            ledger.put(dispute_key(before.id, org), replace(dispute, status=SETTLED))
    tx.emit(AssetDisplaced(asset=asset.id, creator=before.creator, transaction=before.transaction))
    return replace(asset, claims=(*before.claims, _claim_of(before, displaced=True)))


def _claim_of(asset: Asset, *, displaced: bool) -> Claim:
    return Claim(
        creator=asset.creator,
        evidence=asset.evidence,
        transaction=asset.transaction,
        height=asset.height_recorded,
        displaced=displaced,
    )
