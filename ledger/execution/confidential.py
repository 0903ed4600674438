"""Confidential content: who opens its key, and how it gets another.

Once the consortium has a key, that of every confidential picture is encapsulated to it. The ledger checks the proof in
the capsule before it records one, so what is recorded can be opened, by so many keepers together.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.actions import Content, RekeyAsset
from ledger.capsules import label_of
from ledger.errors import Code, LedgerError
from ledger.events import AssetRekeyed
from ledger.execution.access import confidential, holders, paid_by
from ledger.execution.ceremony import PROOFS_FUEL, shared_key
from ledger.execution.context import Context, action
from ledger.execution.scope import HOLDER_FUEL
from ledger.execution.view import Ledger
from ledger.names import KEEPER, org_of
from ledger.records import SHARED_KEY, Asset, NodeRecord, SharedKey, asset_key, node_key
from threshold import Capsule, ThresholdError, ThresholdKey, check_capsule


def key_in_force(ledger: Ledger) -> SharedKey | None:
    """The consortium's key as it is shared now; None while there is none."""
    return shared_key(ledger, ledger.find(SHARED_KEY, int) or 0)


def check_content(content: Content, confidential: bool, image_code: str | UnsetType) -> None:
    """Refuse a confidential asset in clear or with a fingerprint, and a key to what is public."""
    keys = sum(one is not UNSET for one in (content.sealed_keys, content.encapsulated))
    if confidential and keys != 1:
        fact = f"a confidential asset's content is encrypted, and its key is held in one way; it names {keys}"
        raise LedgerError(Code.CONTENT_INVALID, f"{fact}; give sealed_keys or encapsulated")
    if confidential and image_code is not UNSET:
        raise LedgerError(Code.CONTENT_INVALID, "a confidential asset publishes no fingerprint; leave image_code out")
    if not confidential and keys:
        raise LedgerError(
            Code.CONTENT_INVALID, "a public asset's content has no key; leave sealed_keys and encapsulated out"
        )


def check_key(ledger: Ledger, tx: Context, asset: str, creator: str, content: Content) -> None:
    """Refuse a key that nodes hold alone where the consortium has one, and a capsule that nobody could open."""
    shared = key_in_force(ledger)
    if isinstance(content.encapsulated, UnsetType):
        if shared is not None and content.sealed_keys is not UNSET:
            fact = f"the consortium has a key since block {shared.height}"
            raise LedgerError(
                Code.CONTENT_INVALID, f"{fact}; encapsulate the content key to it, and seal it to no node"
            )
        return
    if shared is None:
        raise LedgerError(Code.CONTENT_INVALID, "the consortium has no key to encapsulate to; seal it to nodes")
    tx.spend(PROOFS_FUEL)
    label = label_of(tx.transaction.chain, asset, creator, content.cid)
    try:
        capsule = Capsule.from_bytes(bytes.fromhex(content.encapsulated.capsule))
        check_capsule(ThresholdKey.from_bytes(bytes.fromhex(shared.key)).public, label, capsule)
    except ThresholdError as error:
        raise LedgerError(Code.CONTENT_INVALID, f"nobody could open the capsule: {error}") from None


@action(RekeyAsset)
def rekey(ledger: Ledger, tx: Context, ask: RekeyAsset) -> None:
    """Put other bytes, or another way to their key, in the place of an asset's content."""
    asset = confidential(ledger, ask.asset)
    if ask.content.encapsulated is UNSET:
        raise LedgerError(Code.CONTENT_INVALID, "a key is given anew by encapsulating it; leave sealed_keys out")
    check_content(ask.content, confidential=True, image_code=UNSET)
    if ask.content.media_type != asset.content.media_type:
        raise LedgerError(Code.CONTENT_INVALID, f"the picture is {asset.content.media_type}; encrypt that anew")
    _check_agreed(ledger, tx, asset, ask.content)
    check_key(ledger, tx, asset.id, asset.creator, ask.content)
    ledger.put(asset_key(asset.id), replace(asset, content=ask.content))
    tx.emit(AssetRekeyed(asset=asset.id, cid=ask.content.cid, former=asset.content.cid))


def _check_agreed(ledger: Ledger, tx: Context, asset: Asset, content: Content) -> None:
    """Refuse unless all sign who would lose the picture if what is encapsulated opens to nothing.

    Where the bytes stay, the keepers of the orgs whose nodes hold the key may: these nodes could refuse it as well.
    """
    if (content.cid, content.size) == (asset.content.cid, asset.content.size) and _held_by_signers(ledger, tx, asset):
        return
    entitled = holders(ledger, asset)
    tx.spend(HOLDER_FUEL * len(entitled))
    entitled.update(paid_by(ledger, tx, asset))
    missing = sorted(entitled - set(tx.accounts))
    if missing:
        fact = f"{missing[0]} owns it, has a token of it or has paid to see it"
        raise LedgerError(Code.NOT_OWNER, f"{fact}; all of them sign, and {len(missing)} do not")


def _held_by_signers(ledger: Ledger, tx: Context, asset: Asset) -> bool:
    """Whether keepers sign of every org whose nodes hold the key."""
    held = () if asset.content.sealed_keys is UNSET else asset.content.sealed_keys
    nodes = (ledger.find(node_key(one.node), NodeRecord) for one in held)
    orgs = {node.org for node in nodes if node is not None}
    keepers = {org_of(account) for account in tx.accounts if KEEPER in ledger.account(account).roles}
    return bool(orgs) and orgs <= keepers
