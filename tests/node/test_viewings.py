"""A node shows a confidential picture to who asked, marked with the request, and what leaks names that request."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from consortium import a_digest, key_of, registering
from drawn_pictures import a_photograph, in_a_file
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image
from written_chain import WrittenChain

from ledger import actions
from ledger.events import AccessAllowed
from ledger.node_certificate import make_certificate
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.decoding.decoding import facts_of
from node.decoding.lanes import Decoders, LookedFor
from node.exchange.releases import RELEASE_MS_MAX, Releases
from node.exchange.viewings import Viewings
from node.peers.network import Peers
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_PIXELS_MAX
from pictures.watermark import MarkedPixels, embed
from remarque import sealing
from remarque.api.verification import Verification
from remarque.errors import NodeError

ALICE, ROOT, BOB, CAROL = "alice@studio", "root@studio", "bob@agency", "carol@club"
KEY = bytes(range(32))
SECRET = a_digest("secret")


class Viewer:
    """Node 1, which holds the key of a confidential picture of alice's and shows it."""

    def __init__(self, path: Path, decoders: Decoders, picture: bytes) -> None:
        self.path = path
        self.decoders = decoders
        self.written = WrittenChain(path)
        self.chain = self.written.chain
        self.late_ms = 0
        self.store = Blockstore(path / "content")
        self.viewings = self.started()
        self.record(picture)
        for account in (BOB, CAROL):
            until = self.chain.tip.time_ms + 10**6
            self.do(ALICE, actions.GrantAccess(asset=SECRET, account=account, until_ms=until))

    def started(self) -> Viewings:
        """The node as it is after a start: it knows its key, and nothing of what was asked before."""
        peers = cast(Peers, None)
        clock = lambda: self.chain.committed.time_ms + self.late_ms  # noqa: E731
        releases = Releases(self.chain, Reading(self.chain), key_of("node1"), None, peers, clock)
        return Viewings(self.chain, key_of("node1"), KEY, self.store, releases, self.decoders.members)

    def record(self, picture: bytes) -> None:
        seed = sealing.new_seed()
        cipher = sealing.encrypt(picture, sealing.content_key(seed, self.chain.name, SECRET, ALICE))
        held = actions.SealedKey(node="node1", sealed=sealing.seal_to_node(seed, key_of("node1").public).hex())
        content = actions.Content(
            cid=self.store.put_file(cipher), size=len(cipher), media_type="image/png", sealed_keys=(held,)
        )
        facts = facts_of(picture, PICTURE_PIXELS_MAX)
        ask = registering("secret", confidential=True, content=content, file_digest=facts.file_digest)
        assert self.do(ALICE, ask) is not None

    def do(self, signer: str, *asks: Any) -> str:
        """Id of a transaction that is final."""
        signed = self.written.ask(*asks, signer=signer)
        self.written.block(signed, after_ms=1)
        assert self.chain.finals.at(self.chain.tip.height).results.outcomes[0].code == "OK"
        return signed.id

    def asking(self, account: str) -> actions.RequestAccess:
        offered = self.viewings.offer(SECRET, account)
        viewer = actions.Viewer(node=offered.node, signature=offered.signature)
        return actions.RequestAccess(asset=SECRET, reader_key=offered.reader_key, purpose="proof", viewer=viewer)

    def shown(self, transaction: str, account: str) -> bytes:
        return asyncio.run(self.viewings.shown(transaction, account)).data

    def verified(self, data: bytes, who: str, *, member: bool = True) -> Verification:
        async def story() -> Verification:
            looked_for = LookedFor("", KEY)
            likenesses = self.path / "likenesses"
            verifier = Verifier(
                self.chain, Reading(self.chain), self.store, self.decoders, likenesses, lambda: looked_for
            )
            await verifier.lookup.run()
            try:
                return await verifier.verify(data, who, member=member)
            finally:
                verifier.close()

        return asyncio.run(story())


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders()
    yield made
    made.close()


@pytest.fixture(scope="module")
def picture() -> bytes:
    return in_a_file(a_photograph(1))


@pytest.fixture
def viewer(tmp_path: Path, decoders: Decoders, picture: bytes) -> Iterator[Viewer]:
    found = Viewer(tmp_path, decoders, picture)
    yield found
    found.written.close()


def saved(data: bytes, quality: int, scale: float = 1.0) -> bytes:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return in_a_file(image.resize((round(image.width * scale), round(image.height * scale))), "JPEG", quality=quality)


def test_each_reader_sees_another_copy_and_each_copy_names_its_request(viewer: Viewer, picture: bytes) -> None:
    by_bob, by_carol = (viewer.do(account, viewer.asking(account)) for account in (BOB, CAROL))
    bobs, carols = viewer.shown(by_bob, BOB), viewer.shown(by_carol, CAROL)
    assert len({picture, bobs, carols}) == 3

    for copy, asked, reader in ((bobs, by_bob, BOB), (carols, by_carol, CAROL)):
        for leaked in (copy, saved(copy, 50), saved(copy, 80, 0.5)):
            found = viewer.verified(leaked, ROOT)
            assert found.verdict == "watermark"
            assert found.watermark
            assert found.watermark.chance_exponent >= 10
            assert found.viewing
            assert found.viewing.asset == SECRET
            assert found.viewing.seen
            assert (found.viewing.seen.transaction, found.viewing.seen.account) == (asked, reader)
            assert (found.viewing.seen.node, found.viewing.seen.purpose) == ("node1", "proof")


def test_who_asked_is_told_to_whom_it_concerns_and_to_nobody_else(viewer: Viewer) -> None:
    leaked = saved(viewer.shown(viewer.do(BOB, viewer.asking(BOB)), BOB), 70)

    seen = {who: viewer.verified(leaked, who).viewing for who in (ALICE, ROOT, BOB, CAROL, "root@agency")}
    assert {who for who, found in seen.items() if found and found.seen} == {ALICE, ROOT, BOB}
    assert all(found and found.asset == SECRET for found in seen.values())
    stranger = viewer.verified(leaked, "192.0.2.1", member=False)
    assert stranger.viewing
    assert not stranger.viewing.asset
    assert not stranger.viewing.seen
    assert [one.relation for one in stranger.withheld] == ["watermark"]
    assert SECRET not in str(stranger)
    assert "what a node showed to one reader" in stranger.wording


def test_asked_again_after_a_start_it_is_the_same_picture_and_later_it_is_refused(viewer: Viewer) -> None:
    asked = viewer.do(BOB, viewer.asking(BOB))
    first = viewer.shown(asked, BOB)

    viewer.viewings = viewer.started()

    assert viewer.shown(asked, BOB) == first
    viewer.late_ms = RELEASE_MS_MAX + 1
    with pytest.raises(NodeError, match="RELEASE_DENIED"):
        viewer.shown(asked, BOB)


def test_a_picture_is_shown_to_who_asked_here_and_to_nobody_else(viewer: Viewer) -> None:
    asked = viewer.do(BOB, viewer.asking(BOB))
    key = sealing.ReaderKey()
    plain = viewer.do(BOB, actions.RequestAccess(asset=SECRET, reader_key=key.public, purpose=""))
    own = viewer.do(BOB, replace(viewer.asking(BOB), viewer=UNSET))

    for transaction, account in ((asked, CAROL), (asked, ALICE), (plain, BOB), (own, BOB)):
        with pytest.raises(NodeError, match=r"RELEASE_DENIED: .*no request of"):
            viewer.shown(transaction, account)
    viewer.do(ALICE, actions.RevokeAccess(asset=SECRET, account=BOB))
    with pytest.raises(NodeError, match="RELEASE_DENIED"):
        viewer.shown(asked, BOB)


def test_the_key_is_released_to_no_viewer_that_was_shut_out_since(viewer: Viewer) -> None:
    """Another node's viewing, whose key this node holds."""
    node = key_of("watcher")
    adding = actions.AddNode(node="watcher", key=node.public, certificate=make_certificate(node).hex())
    viewer.do("root@club", adding)
    chain, releases = viewer.chain, viewer.viewings._releases
    watcher = Viewings(chain, node, KEY, viewer.store, releases, viewer.decoders.members)
    chain.node = "watcher"
    offered = watcher.offer(SECRET, BOB)
    chain.node = "node1"
    said = actions.Viewer(node="watcher", signature=offered.signature)
    ask = actions.RequestAccess(asset=SECRET, reader_key=offered.reader_key, purpose="", viewer=said)
    asked = viewer.do(BOB, ask)
    event, _ = asyncio.run(releases.decided(asked))
    assert cast(AccessAllowed, event).viewer == "watcher"

    viewer.do("root@club", actions.RemoveNode(node="watcher"))

    with pytest.raises(NodeError, match=r"RELEASE_DENIED: it was to be shown by watcher"):
        asyncio.run(releases.decided(asked))


FLAT, SMALL = Image.new("RGB", (64, 64), (255, 255, 255)), a_photograph(2).resize((60, 60))
SEVERAL = in_a_file(a_photograph(2), "GIF", save_all=True, append_images=[a_photograph(3)])


@pytest.mark.parametrize("data", [in_a_file(FLAT), in_a_file(SMALL), SEVERAL], ids=["flat", "small", "several"])
def test_what_takes_no_mark_is_not_shown(tmp_path: Path, decoders: Decoders, data: bytes) -> None:
    viewer = Viewer(tmp_path, decoders, data)
    try:
        with pytest.raises(NodeError, match="NOT_LABELLED"):
            viewer.shown(viewer.do(BOB, viewer.asking(BOB)), BOB)
    finally:
        viewer.written.close()


def test_the_mark_of_a_viewing_takes_the_place_of_the_records_own_and_leads_to_it_too(
    tmp_path: Path, decoders: Decoders
) -> None:
    made = embed(np.asarray(a_photograph(3)), 7, KEY)
    assert isinstance(made, MarkedPixels)
    viewer = Viewer(tmp_path, decoders, in_a_file(Image.fromarray(made.rgb)))
    try:
        asked = viewer.do(BOB, viewer.asking(BOB))
        found = viewer.verified(saved(viewer.shown(asked, BOB), 70), ALICE)
    finally:
        viewer.written.close()

    assert found.viewing
    assert found.viewing.seen
    assert found.viewing.seen.transaction == asked
    assert [(one.asset, one.relation) for one in found.matches] == [(SECRET, "watermark")]
