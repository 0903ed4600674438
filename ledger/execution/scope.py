"""Whose policies govern an asset: the consortium's, its creator's org's, its collection's and its own, broadest first.

Each is put in force by whoever answers for that scope, and by nobody narrower: a vote, a rights manager of the org, the
owner of the collection, the asset's creators and owner. Together they decide without regard to order, so a `forbid` or
`require` of any scope binds, and a narrower scope can add permits only. Where several scopes have a royalty clause for
an occasion, the broadest one's is due; for a minted token, `terms_for` says which policies count.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import UNSET
from msgspec.structs import replace

import contracts_vm
from ledger.actions import AddToCollection, CreateCollection, SetCollectionPolicy, SetOrgPolicy, SetPolicy
from ledger.errors import Code, LedgerError
from ledger.events import (
    AddedToCollection,
    AssetPolicySet,
    CollectionCreated,
    CollectionPolicySet,
    OrgPolicySet,
)
from ledger.execution.context import Context, action
from ledger.execution.holding import require_free, tokens_of
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.records import (
    CONSORTIUM_POLICY,
    Asset,
    Collection,
    Governing,
    Token,
    asset_key,
    collection_asset_key,
    collection_key,
    org_key,
)

RIGHTS_MANAGER = "rights-manager"
HOLDER_FUEL = 20
"""What looking up one token's holder costs."""
CONSORTIUM, ORGANISATION, COLLECTION, ASSET = "consortium", "organisation", "collection", "asset"


ScopedPolicy = tuple[str, contracts_vm.Policy]
"""A scope, and the policy that it brings."""


def in_force(ledger: Ledger, asset: Asset) -> tuple[Governing, ...]:
    """The policy of every scope that has one, broadest first; of org and collection those kept since it was sold."""
    kept = of_creators_side(ledger, asset) if asset.kept is UNSET else asset.kept
    own = () if asset.policy is UNSET else (Governing(scope=ASSET, policy=asset.policy),)
    return (_of_consortium(ledger), *kept, *own)


def of_creators_side(ledger: Ledger, asset: Asset) -> tuple[Governing, ...]:
    """The policies that its creator's org and the owner of its collection have put in force, whatever is kept."""
    collection = UNSET if asset.collection is UNSET else ledger.collection(asset.collection).policy
    scopes = ((ORGANISATION, ledger.org(org_of(asset.creator)).policy), (COLLECTION, collection))
    return tuple(Governing(scope=scope, policy=policy) for scope, policy in scopes if policy is not UNSET)


def keep_terms(ledger: Ledger, asset: Asset, sold_under: tuple[Governing, ...] = ()) -> None:
    """Keep, as a token of an asset first leaves its creator's hands, what its creator's side says about it.

    What it says later neither opens nor freezes what somebody else holds: a vote does, or the holders' signatures.
    """
    if asset.kept is UNSET:
        kept = tuple(one for one in sold_under if one.scope in (ORGANISATION, COLLECTION))
        kept = kept if sold_under else of_creators_side(ledger, asset)
        ledger.put(asset_key(asset.id), replace(asset, kept=kept))


def governing(ledger: Ledger, asset: Asset) -> tuple[Governing, ...]:
    """The policies that have a say about an asset, broadest scope first; one that stands in several scopes, once."""
    return _once(in_force(ledger, asset))


def still_governing(ledger: Ledger, then: tuple[Governing, ...]) -> tuple[Governing, ...]:
    """The policies that governed once, with the consortium's present one; what other scopes set since does not count.

    So nobody gets out of what binds them by a policy that they, or somebody near them, put in force later.
    """
    return _once((_of_consortium(ledger), *(one for one in then if one.scope != CONSORTIUM)))


def terms_for(ledger: Ledger, asset: Asset, token: Token | None) -> tuple[tuple[str, ...], ...]:
    """The policies by which money is due, in two groups: those that a token was minted under, and those agreed since.

    Agreed are what the consortium votes, and a policy of the asset that its creators and holders have signed. A token's
    own royalty, and payees that its asset's policy named, may be others than those who sign, so for them only a vote
    counts. Without a token there is one group, the policies in force.
    """
    if token is None:
        return (policy_names(ledger, asset),)
    kept = [one for one in token.policies if one.scope != CONSORTIUM]
    if token.royalty is UNSET and not _names_payees(ledger, token):
        kept = [one for one in kept if one.scope != ASSET]
        kept += [one for one in in_force(ledger, asset) if one.scope == ASSET]
    agreed = _once((_of_consortium(ledger), *kept))
    return tuple(dict.fromkeys((names_of(_once(token.policies)), names_of(agreed))))


def _names_payees(ledger: Ledger, token: Token) -> bool:
    """Whether the policy of its own that an asset had when it was minted pays somebody by name."""
    own = names_of(one for one in token.policies if one.scope == ASSET)
    return any(clause.named for policy in policies_named(ledger, own) for clause in policy.royalties)


def _of_consortium(ledger: Ledger) -> Governing:
    return Governing(scope=CONSORTIUM, policy=ledger.find(CONSORTIUM_POLICY, str) or "")


def _once(found: Iterable[Governing]) -> tuple[Governing, ...]:
    first: dict[str, Governing] = {}
    for one in found:
        first.setdefault(one.policy, one)
    return tuple(first.values())


def policy_names(ledger: Ledger, asset: Asset) -> tuple[str, ...]:
    """The names with versions of what governs an asset; joined by a space they are the terms that a buyer sees."""
    return names_of(governing(ledger, asset))


def names_of(found: Iterable[Governing]) -> tuple[str, ...]:
    """The names with versions of policies in their scopes."""
    return tuple(one.policy for one in found)


def policies_for(ledger: Ledger, asset: Asset) -> list[contracts_vm.Policy]:
    """The policies that govern an asset, ready to decide."""
    return policies_named(ledger, policy_names(ledger, asset))


def scoped_policies(ledger: Ledger, found: tuple[Governing, ...]) -> list[ScopedPolicy]:
    """Policies in their scopes, ready to decide."""
    policies = policies_named(ledger, names_of(found))
    return [(one.scope, policy) for one, policy in zip(found, policies, strict=True)]


def policies_named(ledger: Ledger, names: tuple[str, ...]) -> list[contracts_vm.Policy]:
    """Published policies by `name@version`."""
    found = []
    for name in names:
        policy, _, version = name.partition("@")
        found.append(compiled(ledger.policy(policy, int(version)).source))
    return found


COMPILED_MAX = 128
"""Policies kept compiled. One with as many nodes as it may have takes 0.9 MB and 10 ms, so all of them about 115 MB;
twice that once all its rules have been explained."""


@lru_cache(maxsize=COMPILED_MAX)
def compiled(source: str) -> contracts_vm.Policy:
    """Policy from its source; compiled once, as long as it is in use."""
    return contracts_vm.parse(source)


@action(SetOrgPolicy)
def set_org_policy(ledger: Ledger, tx: Context, ask: SetOrgPolicy) -> None:
    """Put all assets of the signer's org under a published policy, in place of the one before."""
    tx.require_role(RIGHTS_MANAGER)
    org = ledger.org(org_of(tx.signer))
    name = _published(ledger, ask.policy, ask.version)
    ledger.put(org_key(org.name), replace(org, policy=name))
    tx.emit(OrgPolicySet(org=org.name, policy=name))


@action(CreateCollection)
def create_collection(ledger: Ledger, tx: Context, ask: CreateCollection) -> None:
    """Begin a collection in the signer's org; the signer owns it."""
    if ledger.holds(collection_key(ask.collection)):
        raise LedgerError(Code.COLLECTION_EXISTS, f"there is a collection {ask.collection}; choose another name")
    org = org_of(tx.signer)
    if org_of(ask.collection) != org:
        raise LedgerError(Code.ORG_MISMATCH, f"{ask.collection} would be no collection of {org}; name it …@{org}")
    ledger.put(collection_key(ask.collection), Collection(name=ask.collection, owner=tx.signer))
    tx.emit(CollectionCreated(collection=ask.collection, owner=tx.signer))


@action(SetCollectionPolicy)
def set_collection_policy(ledger: Ledger, tx: Context, ask: SetCollectionPolicy) -> None:
    """Put all assets of a collection under a published policy, in place of the one before."""
    collection = ledger.collection(ask.collection)
    tx.require_signer(collection.owner, Code.NOT_OWNER)
    name = _published(ledger, ask.policy, ask.version)
    ledger.put(collection_key(collection.name), replace(collection, policy=name))
    tx.emit(CollectionPolicySet(collection=collection.name, policy=name))


@action(AddToCollection)
def add_to_collection(ledger: Ledger, tx: Context, ask: AddToCollection) -> None:
    """Put an asset in a collection, for good: both owners sign. Before it is minted, so that no buyer is surprised."""
    collection, asset = ledger.collection(ask.collection), ledger.asset(ask.asset)
    tx.require_signer(ledger.owner(asset), Code.NOT_OWNER)
    tx.require_signer(collection.owner)
    if asset.collection is not UNSET:
        raise LedgerError(
            Code.COLLECTION_FIXED, f"asset {asset.id[:16]}… is in {asset.collection}, for good; register another"
        )
    if asset.token is not UNSET or asset.editions is not UNSET:
        raise LedgerError(Code.COLLECTION_FIXED, f"asset {asset.id[:16]}… is minted; it joins before that or never")
    ledger.put(asset_key(asset.id), replace(asset, collection=collection.name))
    ledger.put(collection_asset_key(collection.name, asset.id), tx.height)
    tx.emit(AddedToCollection(collection=collection.name, asset=asset.id))


@action(SetPolicy)
def set_policy(ledger: Ledger, tx: Context, ask: SetPolicy) -> None:
    """Put an asset under a published policy of its own, in place of the one before.

    No buyer alone can shed the policy that the creator sold it under, and no creator can change it for those who hold
    it. While one of its tokens is being auctioned nothing changes, so that no seller gets out of a bid.
    """
    asset = ledger.asset(ask.asset)
    tx.require_signer(ledger.owner(asset), Code.NOT_OWNER)
    _check_creators(tx, asset)
    _check_holders(ledger, tx, asset)
    name = _published(ledger, ask.policy, ask.version)
    ledger.put(asset_key(asset.id), replace(asset, policy=name))
    tx.emit(AssetPolicySet(asset=asset.id, policy=name))


def _check_creators(tx: Context, asset: Asset) -> None:
    """Refuse unless its creator signed and, once it is minted, everybody whom its sales may pay as a creator."""
    minted = asset.token is not UNSET or asset.editions is not UNSET
    creators = (asset.creator, *(share.account for share in asset.creators if minted))
    missing = next((creator for creator in creators if creator not in tx.accounts), None)
    if missing is not None:
        raise LedgerError(
            Code.CREATOR_MISSING,
            f"its policy needs its owner and its creator {missing}, this is signed by {', '.join(tx.accounts)}; "
            "draft it for all to sign",
        )


def _check_holders(ledger: Ledger, tx: Context, asset: Asset) -> None:
    """Refuse to change the policy of tokens whose holders have not signed, or that are being auctioned."""
    for token in tokens_of(ledger, asset):
        tx.spend(HOLDER_FUEL)
        require_free(ledger, token)
        if token.owner not in tx.accounts:
            raise LedgerError(
                Code.HOLDER_MISSING,
                f"number {token.number} belongs to {token.owner}, who has not signed; draft it for all holders to sign",
            )


def _published(ledger: Ledger, policy: str, version: int) -> str:
    ledger.policy(policy, version)
    return f"{policy}@{version}"
