"""What the market's routes say, and the clauses of ERC-721 and ERC-2981 that their exports keep."""

from __future__ import annotations

import pytest
from consortium import State, a_digest, a_genesis, done, minted, registering, royalty, trading_terms
from msgspec import UNSET, to_builtins

from ledger import actions
from ledger.execution.holding import token_id
from ledger.execution.view import Ledger
from node.api.market import lineage_view, metadata_view, royalty_view
from remarque.api.assets import UpstreamClause
from remarque.api.market import TokenMetadata

ALICE, BOB = "alice@studio", "bob@agency"


@pytest.fixture
def state() -> State:
    return State(a_genesis())


def royalty_info(state: State, token: str, price: int) -> tuple[str, int]:
    view = royalty_view(Ledger(state), token, price)
    return view.receiver, view.royalty_amount


def test_lineage_shows_who_is_owed_what(state: State) -> None:
    minted(state, "sea", royalty=royalty(100_000, bob=1_000_000))
    done(state, [ALICE], registering("night"), actions.DeriveAsset(asset=a_digest("night"), parents=(a_digest("sea"),)))

    view = lineage_view(Ledger(state), a_digest("night"))

    assert [(one.asset, one.depth, one.lap_ppm, one.lrp_ppm) for one in view.ancestors] == [
        (a_digest("sea"), 1, 100_000, 100_000)
    ]
    assert view.ancestors[0].creators[0].account == ALICE
    assert UpstreamClause(trigger="secondary_sale", mode="lap", max_depth=32) in view.upstream
    assert lineage_view(Ledger(state), a_digest("sea")).derivatives == 1


# ERC-2981: https://eips.ethereum.org/EIPS/eip-2981


@pytest.mark.parametrize("price", [0, 1, 999, 1_000, 10**12])
def test_erc_2981_the_amount_must_be_a_percentage_of_the_sale_price(state: State, price: int) -> None:
    token = minted(state, "p", royalty=royalty(100_000, alice=1_000_000))

    assert royalty_info(state, token, price) == (ALICE, price // 10)


def test_erc_2981_the_percentage_must_not_depend_on_comparing_the_price_with_constants(state: State) -> None:
    """A floor would make it so; it is left out, and the view says that it is."""
    clause = "resale on secondary_sale { base tx.price; pay 10% to asset.creators by weight; floor 5.00 EUR; }"
    state.do(ALICE, trading_terms("asset_default", clause, version=2, rules="permit * as all_may when true;"))
    state.values["consortium_policy"] = b'"asset_default@2"'
    token = minted(state, "p")

    assert [royalty_info(state, token, price)[1] for price in (10, 100, 1_000)] == [1, 10, 100]
    assert "floors" in royalty_view(Ledger(state), token, 10).left_out


def test_erc_2981_the_amount_must_be_in_the_unit_of_the_sale_price(state: State) -> None:
    view = royalty_view(Ledger(state), minted(state, "p"), 1_000)

    assert (view.sale_price, view.royalty_amount) == (1_000, 75)
    assert "currency" not in view.__struct_fields__


def test_erc_2981_there_is_one_receiver_and_the_others_are_not_hidden(state: State) -> None:
    token = minted(state, "p", royalty=royalty(100_000, alice=300_000, bob=700_000))

    assert royalty_info(state, token, 1_000) == (BOB, 100)
    assert royalty_view(Ledger(state), token, 1_000).shared_with == 1


def test_erc_2981_whom_a_policy_names_is_counted_in(state: State) -> None:
    clause = 'resale on secondary_sale { base tx.price; pay 3% to asset.creators by weight; pay 4% to "root@studio"; }'
    state.do(ALICE, trading_terms("asset_default", clause, version=2, rules="permit * as all_may when true;"))
    state.values["consortium_policy"] = b'"asset_default@2"'
    token = minted(state, "p")

    assert royalty_info(state, token, 1_000) == ("root@studio", 70)
    assert royalty_view(Ledger(state), token, 1_000).shared_with == 1


def test_erc_2981_nothing_is_due_where_nothing_is_paid(state: State) -> None:
    assert royalty_info(state, minted(state, "p"), 0)[1] == 0


# ERC-721's metadata


def attributes(view: TokenMetadata) -> dict[str, str | int]:
    return {one.trait_type: one.value for one in view.attributes}


def test_erc_721_metadata_names_describes_and_shows(state: State) -> None:
    state.do(ALICE, registering("p"), actions.MintToken(asset=a_digest("p"), editions=2))
    token = token_id(a_digest("p"), 2)
    state.do(ALICE, actions.RentToken(token=token, to=BOB, until_ms=state.time_ms + 5_000))

    view = metadata_view(Ledger(state), token, state.time_ms)
    later = metadata_view(Ledger(state), token, state.time_ms + 5_000)

    assert {"name", "description", "image"} <= set(to_builtins(view))
    assert view.name.endswith("#2")
    assert view.image.startswith("ipfs://baf")
    assert attributes(view)["user"] == BOB
    assert "user" not in attributes(later)


def test_erc_721_metadata_of_a_confidential_picture_points_at_no_image(state: State) -> None:
    state.do(ALICE, registering("p", confidential=True), actions.MintToken(asset=a_digest("p")))

    assert metadata_view(Ledger(state), token_id(a_digest("p")), state.time_ms).image is UNSET
