"""Confidential content: its key is encapsulated to the consortium's, and given anew by all who would lose it."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from consortium import CID, a_digest, done, key_of, registering, together
from keeping import AGENCY, CLUB, SPARE, STUDIO, Keepers
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions
from ledger.actions import Content, EncapsulatedKey
from ledger.capsules import ReleasedShare, convicts, label_of
from ledger.execution.holding import token_id
from threshold import Capsule, decryption_share, encapsulate

ALICE, BOB, CAROL = "alice@studio", "bob@agency", "carol@club"
OTHER_CID = "bafkreiasnwfhtr3qyrsnv6wnmnrxuxsefmdkzxvlu2onlvuh43rvnqhfoi"
SECRET = a_digest("secret")


@pytest.fixture
def before() -> Keepers:
    """Keepers before there is a key, and a picture of alice's whose key node1 holds."""
    keepers = Keepers()
    assert keepers.state.do(ALICE, registering("secret", confidential=True)).code == "OK"
    return keepers


@pytest.fixture
def keepers(before: Keepers) -> Keepers:
    before.make()
    return before


def recording(name: str, content: Content, **changes: Any) -> actions.RegisterAsset:
    return registering(name, confidential=True, content=content, **changes)


def test_once_there_is_a_key_nothing_is_sealed_to_nodes(keepers: Keepers) -> None:
    refused = keepers.state.detail(ALICE, registering("more", confidential=True))

    assert "encapsulate the content key" in refused
    assert keepers.state.do(ALICE, recording("more", keepers.content("more"))).code == "OK"


def test_without_a_key_nothing_is_encapsulated(before: Keepers) -> None:
    held = EncapsulatedKey(capsule="00" * 128, wrapped="00" * 48)
    content = Content(cid=CID, size=10, media_type="image/png", encapsulated=held)

    assert "the consortium has no key" in before.state.detail(ALICE, recording("more", content))


@pytest.mark.parametrize(
    "about", [{"name": "another"}, {"creator": BOB}, {"about": OTHER_CID}], ids=["asset", "creator", "file"]
)
def test_a_capsule_that_is_copied_into_another_record_is_refused(keepers: Keepers, about: dict[str, str]) -> None:
    said = keepers.content(**({"name": "more"} | about))

    assert "nobody could open the capsule" in keepers.state.detail(ALICE, recording("more", said))


def test_a_capsule_that_is_none_is_refused(keepers: Keepers) -> None:
    said = keepers.content("more")
    assert isinstance(said.encapsulated, EncapsulatedKey)
    broken = replace(said.encapsulated, capsule="00" * 128)

    assert "nobody could open" in keepers.state.detail(ALICE, recording("more", replace(said, encapsulated=broken)))


def test_a_key_is_held_in_one_way_and_only_of_what_is_confidential(keepers: Keepers) -> None:
    said = keepers.content("more")
    both = replace(said, sealed_keys=(actions.SealedKey(node="node1", sealed="00" * 80),))

    assert "it names 2" in keepers.state.detail(ALICE, recording("more", both))
    assert "it names 0" in keepers.state.detail(ALICE, recording("more", replace(said, encapsulated=UNSET)))
    assert "has no key" in keepers.state.detail(ALICE, registering("more", content=said))


def test_what_nodes_hold_moves_over_by_their_org_and_the_bytes_stay(keepers: Keepers) -> None:
    moving = actions.RekeyAsset(asset=SECRET, content=keepers.content("secret"))

    for nobody in (BOB, "root@studio", "gen@studio"):
        assert keepers.state.do(nobody, moving).code == "NOT_OWNER", "an account of the org is not its keeper"
    outcome = keepers.state.do(STUDIO, moving)

    assert outcome.code == "OK"
    content = keepers.ledger.asset(SECRET).content
    assert (content.sealed_keys, content.encapsulated) == (UNSET, moving.content.encapsulated)
    assert keepers.state.do(STUDIO, moving).code == "NOT_OWNER"  # nobody holds it there any more
    reseal = actions.ResealAsset(asset=SECRET, sealed_keys=(actions.SealedKey(node="node1", sealed="00" * 80),))
    assert "encapsulated to the consortium's" in keepers.state.detail(ALICE, reseal)


def test_an_org_that_holds_the_key_does_not_put_other_bytes_in_its_place(keepers: Keepers) -> None:
    other = keepers.content("secret", cid=OTHER_CID, about=OTHER_CID)

    assert keepers.state.do(STUDIO, actions.RekeyAsset(asset=SECRET, content=other)).code == "NOT_OWNER"
    assert keepers.state.do(ALICE, actions.RekeyAsset(asset=SECRET, content=other)).code == "OK"
    assert keepers.ledger.asset(SECRET).content.cid == OTHER_CID


def test_where_two_orgs_hold_the_key_both_sign(before: Keepers) -> None:
    two = tuple(actions.SealedKey(node=node, sealed="00" * 80) for node in ("node1", "node3"))
    content = Content(cid=CID, size=10, media_type="image/png", sealed_keys=two)
    assert before.state.do(ALICE, recording("two", content)).code == "OK"
    before.make()
    moving = actions.RekeyAsset(asset=a_digest("two"), content=before.content("two"))

    assert before.state.do(STUDIO, moving).code == "NOT_OWNER"
    assert done(before.state, [STUDIO, AGENCY], moving).code == "NOT_OWNER"
    assert done(before.state, [STUDIO, CLUB], moving).code == "OK"


def test_who_holds_a_token_of_it_signs_too(before: Keepers) -> None:
    made = before.state.do(ALICE, actions.MintToken(asset=SECRET, editions=2))
    assert made.code == "OK"
    before.make()
    gift = actions.TransferToken(token=token_id(SECRET, 2), to=BOB)
    assert before.state.do(ALICE, gift).code == "OK"
    other = actions.RekeyAsset(asset=SECRET, content=before.content("secret", cid=OTHER_CID, about=OTHER_CID))

    assert "bob@agency owns it, has a token" in before.state.run(together(before.state, [ALICE], other)).details[0]
    assert done(before.state, [ALICE, BOB], other).code == "OK"


@pytest.mark.parametrize("same", [True, False], ids=["same bytes", "other bytes"])
@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("kind", ["grant", "licence", "rental"])
def test_who_has_paid_to_see_it_signs_too_until_it_is_over(keepers: Keepers, kind: str, paid: bool, same: bool) -> None:
    """Whoever encapsulates could shut them out, and nobody revokes or replaces what was paid for."""
    state, cid = keepers.state, CID if same else OTHER_CID
    until = state.time_ms + 1_000_000
    more: dict[str, Any] = {"price": actions.Price(amount=100, currency="EUR")} if paid else {}
    if kind == "grant":
        given = done(state, [ALICE, BOB], actions.GrantAccess(asset=SECRET, account=BOB, until_ms=until, **more))
    elif kind == "licence":
        wanted = actions.GrantLicence(asset=SECRET, to=BOB, uses=("view",), until_ms=until, **more)
        given = done(state, [ALICE, BOB], wanted)
    else:
        state.do(ALICE, actions.MintToken(asset=SECRET))
        renting = actions.RentToken(token=token_id(SECRET), to=BOB, until_ms=until, **more)
        given = done(state, [ALICE, BOB], renting)
    assert given.code == "OK"
    other = actions.RekeyAsset(asset=SECRET, content=keepers.content("secret", cid=cid, about=cid))

    assert state.do(ALICE, other).code == ("NOT_OWNER" if paid else "OK")
    if paid:
        assert done(state, [ALICE, BOB], other).code == "OK"
        state.run(advance_ms=2_000_000)
        assert state.do(ALICE, other).code == "OK", "it is over"


def test_a_keeper_that_the_key_does_not_name_moves_over_what_its_orgs_node_holds(before: Keepers) -> None:
    held = Content(
        cid=CID, size=10, media_type="image/png", sealed_keys=(actions.SealedKey(node="node3", sealed="00" * 80),)
    )
    assert before.state.do(ALICE, recording("theirs", held)).code == "OK"
    before.make()

    moving = actions.RekeyAsset(asset=a_digest("theirs"), content=before.content("theirs"))
    assert before.state.do(SPARE, moving).code == "OK"


def test_another_media_type_or_a_public_asset_is_refused(keepers: Keepers) -> None:
    other = replace(keepers.content("secret"), media_type="image/jpeg")
    assert "image/png" in keepers.state.detail(ALICE, actions.RekeyAsset(asset=SECRET, content=other))
    back = Content(
        cid=CID, size=10, media_type="image/png", sealed_keys=(actions.SealedKey(node="node1", sealed="00" * 80),)
    )
    assert "by encapsulating" in keepers.state.detail(ALICE, actions.RekeyAsset(asset=SECRET, content=back))
    assert keepers.state.do(ALICE, registering("open")).code == "OK"
    public = actions.RekeyAsset(asset=a_digest("open"), content=keepers.content("open"))
    assert keepers.state.do(ALICE, public).code == "NOT_CONFIDENTIAL"


class Releasing:
    """A decision, and what the agency's keeper signs of its share."""

    def __init__(self, keepers: Keepers) -> None:
        self.key = keepers.key
        self.label = label_of(keepers.state.genesis.chain, SECRET, ALICE, CID)
        self.capsule, _ = encapsulate(self.key.public, self.label, secrets.token_bytes)
        share = decryption_share(self.key, 2, keepers.shares[AGENCY], self.label, self.capsule, secrets.token_bytes)
        self.said = ReleasedShare(
            chain=keepers.state.genesis.chain,
            decision=a_digest("request"),
            keeper=AGENCY,
            label=self.label.hex(),
            capsule=self.capsule.to_bytes().hex(),
            share=share.to_bytes().hex(),
        )

    def convicted(self, **changes: str) -> bool:
        said = replace(self.said, **changes)
        key = key_of(AGENCY)
        return convicts(said, said.signed(key), key.public, self.key, 2)


def test_a_keeper_that_signs_a_false_share_is_convicted_and_an_honest_one_is_not(keepers: Keepers) -> None:
    made = Releasing(keepers)
    share = bytes.fromhex(made.said.share)

    assert not made.convicted()
    assert made.convicted(share=(share[:-1] + bytes([share[-1] ^ 1])).hex())
    assert made.convicted(share="00")


def test_nobody_is_convicted_by_what_another_signed_or_of_a_capsule_that_is_none(keepers: Keepers) -> None:
    made = Releasing(keepers)
    false = replace(made.said, share="00")
    other, _ = encapsulate(made.key.public, b"another label", secrets.token_bytes)

    assert not convicts(false, false.signed(key_of(ALICE)), key_of(AGENCY).public, made.key, 2)
    assert not convicts(made.said, false.signed(key_of(AGENCY)), key_of(AGENCY).public, made.key, 2)
    assert not made.convicted(capsule=other.to_bytes().hex(), share="00")
    assert not made.convicted(capsule="00", share="00")
    assert Capsule.from_bytes(bytes.fromhex(made.said.capsule)) == made.capsule


def test_a_share_of_a_former_epoch_convicts_nobody_and_anothers_share_does(keepers: Keepers) -> None:
    made = Releasing(keepers)
    keepers.make()

    assert not convicts(made.said, made.said.signed(key_of(AGENCY)), key_of(AGENCY).public, keepers.key, 2)
    assert convicts(made.said, made.said.signed(key_of(AGENCY)), key_of(AGENCY).public, made.key, 1)
