"""The market over HTTP, by the SDK: what is made is found in the lists, and the money waits and moves."""

from __future__ import annotations

from consortium import a_digest, registering

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY
from ledger import actions
from ledger.execution.token import token_id
from node.client import Client


def test_offers_auctions_and_rentals_are_listed_and_settle(one_node: Cluster) -> None:
    with (
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
        Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector,
    ):
        creator.submit(registering("sea"))
        first, _ = creator.mint(a_digest("sea"), editions=3)
        second, third = (token_id(a_digest("sea"), number) for number in (2, 3))
        held = collector.balances()[CURRENCY]
        terms = collector.get(f"/v1/tokens/{first}")["terms"]

        collector.offer(first, 500, CURRENCY, terms=terms)
        offers = collector.get(f"/v1/tokens/{first}/offers")["offers"]
        waiting = collector.balances()[CURRENCY]
        creator.accept(first, COLLECTOR, 500, CURRENCY)
        creator.open_auction(second, 100, 10, CURRENCY)
        collector.bid(second, 100, CURRENCY)
        creator.rent_out(third, COLLECTOR, hours=1)
        creator.list_token(third, 700, CURRENCY)

        assert [(one["buyer"], one["price"]) for one in offers] == [(COLLECTOR, 500)]
        assert (waiting, collector.balances()[CURRENCY]) == (held - 500, held - 600)
        assert [one["token"] for one in collector.get("/v1/auctions")["auctions"]] == [second]
        assert [one["user"] for one in collector.get("/v1/rentals")["rentals"]] == [COLLECTOR]
        assert [one["price"] for one in collector.get("/v1/listings")["listings"]] == [700]
        tokens = collector.get(f"/v1/assets/{a_digest('sea')}/tokens")["tokens"]
        assert [(one["number"], one["owner"]) for one in tokens] == [(1, COLLECTOR), (2, CREATOR), (3, CREATOR)]
        shown = collector.get(f"/v1/tokens/{third}")
        assert (shown["listing"]["price"], shown["rental"]["user"]) == (700, COLLECTOR)
        assert collector.get(f"/v1/tokens/{first}/royalty_info", sale_price="1000")["royalty_amount"] == 75
        assert collector.get(f"/v1/tokens/{first}/metadata.json")["name"].endswith("#1")


def test_a_derivative_shows_its_lineage(one_node: Cluster) -> None:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator:
        creator.submit(registering("day"), registering("night"))
        creator.derive(a_digest("night"), a_digest("day"))
        creator.submit(actions.MintToken(asset=a_digest("night")))

        view = creator.get(f"/v1/assets/{a_digest('night')}/lineage")

        assert [one["asset"] for one in view["ancestors"]] == [a_digest("day")]
        assert view["depth"] == 1
