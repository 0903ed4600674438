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
from ledger.errors import Code
from ledger.execution.holding import token_id
from ledger.execution.view import Ledger
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


class NoPeers:
    """Peers of which none answers. Satisfies what `Releases` asks of `Peers`."""

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        return None


class Custodian:
    """Node 1, which holds the key of a confidential picture of alice's."""

    def __init__(self, path: Path) -> None:
        self.written = WrittenChain(path)
        chain = self.written.chain
        self.releases = Releases(
            chain, Reading(chain), key_of("node1"), cast(Peers, NoPeers()), lambda: chain.committed.time_ms
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
            (share,) = asyncio.run(self.releases.shares(request)).shares
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
