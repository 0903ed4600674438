"""One decision, one release: what was taken from a reader since is not released again; and who may hold keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from consortium import State, a_digest, a_genesis, key_of, listing, registering
from written_chain import WrittenChain

from ledger import actions
from ledger.actions import SealedKey
from ledger.encoding import encode
from ledger.errors import Code
from ledger.execution.holding import token_id
from ledger.execution.view import Ledger
from ledger.node_certificate import make_certificate
from ledger.transaction import Signer
from node.chain.reading import Reading
from node.exchange.releases import Releases
from node.peers.network import Peers
from remarque import sealing
from remarque.api.content import KeyShare
from remarque.errors import NodeError

ALICE, BOB, CAROL, ROOT, CLUB = "alice@studio", "bob@agency", "carol@club", "root@studio", "root@club"
SECRET = a_digest("secret")
TOKEN = token_id(SECRET)
SEED = sealing.new_seed()
READER = sealing.ReaderKey()


def sealed_to(*nodes: str, seed: bytes = SEED) -> tuple[SealedKey, ...]:
    return tuple(SealedKey(node=node, sealed=sealing.seal_to_node(seed, key_of(node).public).hex()) for node in nodes)


class SomePeers:
    """Peers that answer what they were told to. Satisfies what `Releases` asks of `Peers`."""

    def __init__(self, **answers: bytes) -> None:
        self._answers = answers

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        return self._answers.get(peer)


class Custodian:
    """Node 1, which holds the key of a confidential picture of alice's."""

    def __init__(self, path: Path) -> None:
        self.written = WrittenChain(path)
        chain = self.written.chain
        self.releases = Releases(
            chain, Reading(chain), key_of("node1"), None, cast(Peers, SomePeers()), lambda: chain.committed.time_ms
        )
        secret = registering("secret", confidential=True)
        content = actions.Content(
            cid=secret.content.cid, size=10, media_type="image/png", sealed_keys=sealed_to("node1")
        )
        self.do(ALICE, registering("secret", confidential=True, content=content), actions.MintToken(asset=SECRET))

    def do(self, signer: str, *asks: Any, **parts: Any) -> str:
        """Id of a transaction that is final."""
        signed = self.written.ask(*asks, signer=signer, **parts)
        self.written.block(signed)
        return signed.id

    def granting(self, ms: int = 10**6, account: str = BOB) -> actions.GrantAccess:
        return actions.GrantAccess(asset=SECRET, account=account, until_ms=self.written.chain.tip.time_ms + ms)

    def asking(self, signer: str = BOB, **parts: Any) -> str:
        ask = actions.RequestAccess(asset=SECRET, reader_key=READER.public, purpose="")
        return self.do(signer, ask, **parts)

    def released(self, request: str) -> bool:
        try:
            (share,) = asyncio.run(self.releases.shares(request, all_keepers=False)).shares
        except NodeError as refused:
            assert refused.code.name == "RELEASE_DENIED"
            return False
        key = READER.open(bytes.fromhex(cast(KeyShare, share).sealed))
        return key == sealing.content_key(SEED, self.written.chain.name, SECRET, ALICE)


@pytest.fixture
def custodian(tmp_path: Path) -> Iterator[Custodian]:
    found = Custodian(tmp_path)
    yield found
    found.written.close()


TAKEN: dict[str, Any] = {
    "revoked": lambda made: (made.do(ALICE, actions.RevokeAccess(asset=SECRET, account=BOB)),
                             made.do(ALICE, made.granting())),
    "suspended": lambda made: (made.do(CLUB, actions.SuspendAccount(account=CAROL)),
                               made.do(CLUB, actions.ResumeAccount(account=CAROL))),
    "lost a role": lambda made: (made.do(CLUB, actions.SetRoles(account=CAROL, roles=("auditor",))),
                                 made.do(CLUB, actions.SetRoles(account=CAROL, roles=())),
                                 made.do(CLUB, actions.SetRoles(account=CAROL, roles=("auditor",)))),
    "recovered": lambda made: made.do(CLUB, actions.RecoverAccount(account=CAROL, key=key_of("new").public)),
    "ended": lambda made: (made.written.block(after_ms=60_000), made.do(ALICE, made.granting())),
}  # fmt: skip


@pytest.mark.parametrize("taken", sorted(TAKEN))
def test_a_request_is_void_once_what_it_stood_on_was_taken_away_also_if_it_is_given_again(
    custodian: Custodian, taken: str
) -> None:
    reader = CAROL if taken in ("suspended", "lost a role", "recovered") else BOB
    custodian.do(ALICE, custodian.granting(30_000 if taken == "ended" else 10**6, reader))
    before = custodian.asking(reader)
    assert custodian.released(before)
    assert custodian.released(before), "an answer that was lost on its way is given again"

    TAKEN[taken](custodian)

    assert not custodian.released(before)
    new: dict[str, Any] = {}
    if taken == "recovered":
        new = {"key": key_of("new"), "signers": (Signer(account=CAROL, key=key_of("new").public),)}
    assert custodian.released(custodian.asking(reader, **new))


def test_a_seller_who_buys_it_back_asks_again(custodian: Custodian) -> None:
    for seller, buyer in ((ALICE, BOB), (BOB, CAROL)):
        custodian.do(seller, listing(custodian.written._signing, TOKEN, 1_000))
        custodian.do(buyer, actions.BuyToken(token=TOKEN, price=1_000, currency="EUR"))
        if buyer == BOB:
            before = custodian.asking(BOB)
            assert custodian.released(before)
    custodian.do(CAROL, listing(custodian.written._signing, TOKEN, 1_000))
    custodian.do(BOB, actions.BuyToken(token=TOKEN, price=1_000, currency="EUR"))

    assert not custodian.released(before)
    assert custodian.released(custodian.asking(BOB))


def test_what_a_lying_custodian_gives_hides_nothing_that_an_honest_one_gives(custodian: Custodian) -> None:
    """Node 2 asks; nodes 1 and 3 hold the key."""
    custodian.do(ALICE, actions.ResealAsset(asset=SECRET, sealed_keys=sealed_to("node3")))
    request, chain = custodian.asking(ALICE), custodian.written.chain
    honest = encode(custodian.releases.own_share(asyncio.run(custodian.releases.decided(request))[0]))
    chain.node = "node2"

    def shares(**answers: bytes) -> tuple[KeyShare, ...]:
        peers = cast(Peers, SomePeers(**answers))
        releases = Releases(chain, Reading(chain), key_of("node2"), None, peers, lambda: chain.committed.time_ms)
        return asyncio.run(releases.shares(request, all_keepers=False)).shares

    (only,) = shares(node1=b"\xffjunk", node3=honest)
    both = shares(node1=encode(KeyShare(node="node1", sealed="ab")), node3=honest)

    assert encode(only) == honest
    assert [share.node for share in both] == ["node1", "node1"]
    with pytest.raises(NodeError, match="NOT_CUSTODIAN"):
        shares(node1=b"junk")


def test_a_request_to_look_is_not_turned_into_a_key_for_a_node(custodian: Custodian) -> None:
    custodian.do(ALICE, listing(custodian.written._signing, TOKEN, 1_000))
    custodian.do(BOB, actions.BuyToken(token=TOKEN, price=1_000, currency="EUR"))
    look, key = custodian.asking(BOB), sealing.reader_key_of(key_of("node2").public)
    meant = custodian.do(BOB, actions.RequestAccess(asset=SECRET, reader_key=key, purpose="custody"))

    with pytest.raises(NodeError, match=r"RELEASE_DENIED: .*reader key"):
        asyncio.run(custodian.releases.seal(look, "node2"))
    with pytest.raises(NodeError, match=r"RELEASE_DENIED: .*reader key"):
        asyncio.run(custodian.releases.release_seal(look, "node2"))
    with pytest.raises(NodeError, match=r"RELEASE_DENIED: .*node3 is no node of agency"):
        asyncio.run(custodian.releases.seal(meant, "node3"))
    with pytest.raises(NodeError, match=r"RELEASE_DENIED: .*neither owns it"):
        asyncio.run(custodian.releases.seal(custodian.asking(ALICE), "node1"))

    given = asyncio.run(custodian.releases.seal(meant, "node2"))
    assert sealing.open_as_node(bytes.fromhex(given.sealed), key_of("node2")) == SEED


# Who holds keys


@pytest.fixture
def state() -> State:
    """A state in which bob has bought alice's confidential picture, whose key the studio's node holds."""
    made = State(a_genesis())
    secret = registering("secret", confidential=True)
    assert made.do(ALICE, secret, actions.MintToken(asset=SECRET), listing(made, TOKEN, 100)).code == "OK"
    assert made.do(BOB, actions.BuyToken(token=TOKEN, price=100, currency="EUR")).code == "OK"
    return made


def resealing(*nodes: str, seed: bytes = SEED) -> actions.ResealAsset:
    return actions.ResealAsset(asset=SECRET, sealed_keys=sealed_to(*nodes, seed=seed))


def custodians(state: State) -> list[str]:
    return [one.node for one in Ledger(state).asset(SECRET).content.sealed_keys or ()]


def test_a_buyer_has_its_own_nodes_hold_the_key_and_keeps_those_of_others(state: State) -> None:
    assert state.do(BOB, resealing("node2", "node3")).code == "OK"
    assert custodians(state) == ["node1", "node2", "node3"]
    assert state.do(BOB, resealing("node2", seed=sealing.new_seed())).code == "OK", "its own it rotates"


def test_no_holders_org_takes_the_places_of_the_others(state: State) -> None:
    def watcher(number: int) -> str:
        key = key_of(f"watcher{number}")
        adding = actions.AddNode(node=f"watcher{number}", key=key.public, certificate=make_certificate(key).hex())
        assert state.do(CLUB, adding).code == "OK"
        return f"watcher{number}"

    first, second, third = (watcher(number) for number in range(3))

    assert state.do(BOB, resealing(first, second, third)).code == "CUSTODIANS_FULL"
    assert state.do(BOB, resealing(first, second)).code == "OK"
    assert state.do(BOB, resealing(third)).code == "CUSTODIANS_FULL"
    assert state.do(BOB, resealing("node2")).code == "OK"
    assert custodians(state) == ["node1", first, second, "node2"]


@pytest.mark.parametrize(
    ("code", "signer", "ask"),
    [
        (Code.NOT_OWNER, ALICE, resealing("node2")),
        (Code.CUSTODIAN_EXISTS, BOB, resealing("node1")),
        (Code.NODE_UNKNOWN, BOB, resealing("nowhere")),
        (Code.ASSET_UNKNOWN, BOB, actions.ResealAsset(asset=a_digest("none"), sealed_keys=sealed_to("node2"))),
    ],
)
def test_nobody_else_says_who_holds_a_key_and_nobody_spoils_what_others_hold(
    state: State, code: Code, signer: str, ask: Any
) -> None:
    assert state.do(signer, ask).code == code.name
    assert custodians(state) == ["node1"]


def test_a_public_picture_has_no_key_and_only_so_many_nodes_hold_one(state: State) -> None:
    state.do(ALICE, registering("open"))
    public = actions.ResealAsset(asset=a_digest("open"), sealed_keys=sealed_to("node2"))
    assert state.do(ALICE, public).code == Code.NOT_CONFIDENTIAL.name


def test_a_node_seals_on_what_is_sealed_to_it() -> None:
    (held,) = sealed_to("node1")

    made = sealing.reseal(bytes.fromhex(held.sealed), key_of("node1"), {"node2": key_of("node2").public})

    assert sealing.open_as_node(made["node2"], key_of("node2")) == SEED
    with pytest.raises(sealing.SealBroken):
        sealing.reseal(bytes.fromhex(held.sealed), key_of("node2"), {})
