"""A chain on which every kind of record stands, for tests of what its routes answer."""

from __future__ import annotations

import io
import time

import msgspec
import pytest
from consortium import a_digest, registering
from PIL import Image, ImageDraw

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CURRENCY, EDITOR, STUDIO, TREASURER
from ledger import actions
from ledger.governance import SetConsortiumPolicy, SetParameters
from remarque.client import Client
from remarque.directories import Entry, directory_of
from remarque.errors import RemarqueError

POLICY = """policy house version 1 schema remarque@1 {
  forbid sale as cheap when has(tx.price) && tx.price < 100 reason "nothing below 1.00";
  permit * as all_may when true;
  royalty resale on secondary_sale { base tx.price; pay 5% to asset.creators by weight; upstream lap max_depth 4; }
}
"""
FAR_MS = time.time_ns() // 1_000_000 + 86_400_000
Names = dict[str, str]
"""What stands on the chain, by what it is."""


def a_picture() -> bytes:
    image = Image.new("RGB", (200, 160), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 60, 150, 140), fill=(220, 40, 60))
    draw.rectangle((20, 10, 90, 50), fill=(20, 90, 200))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def every_record(cluster: Cluster, alice: Client) -> Names:
    """Write every kind of record to a fresh chain."""
    with (
        Client(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as carla,
        Client(cluster.urls, EDITOR, cluster.key(EDITOR)) as nadia,
        Client(cluster.urls, TREASURER, cluster.key(TREASURER)) as club,
        Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as studio,
    ):
        return _written(alice, carla, nadia, club, studio)


def _written(alice: Client, carla: Client, nadia: Client, club: Client, studio: Client) -> Names:
    model = actions.RegisterModel(model="ab" * 32, name="A model", version="1", licence="Apache-2.0")
    studio.submit(model)
    studio.submit(actions.PublishPolicy(source=POLICY))
    alice.create_collection("spring@studio")
    picture, _ = alice.register(a_picture(), collection="spring@studio")
    alice.submit(*(registering(name) for name in ("parent", "child", "many")), registering("veiled", confidential=True))
    alice.set_policy("house", 1, asset=picture)
    alice.mint(a_digest("parent"))
    alice.derive(a_digest("child"), a_digest("parent"))
    first, _ = alice.mint(a_digest("many"), editions=3)
    carla.offer(first, 500, CURRENCY)
    second, third = (one.id for one in alice.tokens(a_digest("many"))[1:])
    alice.open_auction(second, 100, 10, CURRENCY)
    carla.bid(second, 150, CURRENCY)
    alice.rent_out(third, COLLECTOR, lasting=2)
    alice.list_token(third, 700, CURRENCY)
    token, _ = alice.mint(picture, royalty_ppm=75_000)
    alice.list_token(token, 50, CURRENCY)
    with pytest.raises(RemarqueError, match="POLICY_DENIED") as refused:
        carla.buy(token, 50, CURRENCY)
    assert refused.value.receipt is not None
    alice.grant(a_digest("veiled"), EDITOR, FAR_MS)
    licence, _ = alice.license(actions.GrantLicence(asset=picture, to=COLLECTOR, uses=("publish",), media=("print",)))
    paid = actions.Price(amount=4_000, currency=CURRENCY)
    alice.offer_licences(actions.OfferLicence(asset=picture, uses=("publish",), price=paid, until_ms=FAR_MS))
    nadia.submit(actions.SetRoles(account=EDITOR, roles=("administrator", "fact-checker")))
    nadia.dispute(picture, "the boat was added", b"proof")
    proposed, _ = studio.propose(SetConsortiumPolicy(policy="house", version=1), replayed=20)
    passed, _ = club.propose(SetParameters(proposals_open_max=9), reason="more room")
    nadia.vote(passed, True)
    root, directory = directory_of([Entry("000000000000", alice.asset(picture).asset.content.cid, 1)])
    studio.put_directory(directory)
    piece = a_digest("piece")
    studio.submit(actions.ArchiveContent(root=root, piece=piece, size=1_000, files=1, place="the cellar"))
    stands = alice.receipt(refused.value.receipt.signed.id)
    return {
        "picture": picture,
        "child": a_digest("child"),
        "many": a_digest("many"),
        "veiled": a_digest("veiled"),
        "licence": licence,
        "token": token,
        "offered": first,
        "auctioned": second,
        "rented": third,
        "refused": stands.signed.id,
        "height": str(stands.header.height),
        "proposal": proposed,
        "piece": piece,
        "newest": str(alice.checkpoint().header.height),
        "upload": msgspec.json.decode(alice.request("POST", "/v1/uploads", b'{"size":5}'))["upload"],
    }
