"""Nodes that keep shares: they make a key through crashes and beside a liar, and release what was decided, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from consortium import CID, ROLES, a_digest, a_genesis, key_of, registering
from governed import ADMINISTRATORS
from keeping import AGENCY, CLUB, KEEPERS, STUDIO, false_dealing
from msgspec.structs import replace
from written_chain import WrittenChain

from ledger import actions, records
from ledger.actions import Content
from ledger.capsules import convicts, label_of
from ledger.encoding import decode, encode
from ledger.events import AccessAllowed
from ledger.execution.ceremony import ceremony_of, dealers_of
from ledger.execution.confidential import key_in_force
from ledger.execution.governance import proposal_id
from ledger.genesis import GenesisAccount
from ledger.governance import BeginCeremony
from node.chain.reading import Reading
from node.content.at_rest import AtRest
from node.exchange.keeper import ShareKeeper
from node.exchange.moving import Moving
from node.exchange.releases import Releases
from node.exchange.share_store import SHARES, ShareStore
from node.ordering.submitter import Submitter
from node.peers.network import Peers
from remarque import sealing
from remarque.api.content import Release, SealedShare
from remarque.dag import cid_of_parts
from remarque.encapsulating import Combining, encapsulated_content
from remarque.errors import NodeCode, NodeError
from threshold import Grounds, Scalar, SealSuite, ThresholdKey

ALICE, BOB = "alice@studio", "bob@agency"
SECRET, PLAIN = a_digest("secret"), b"a picture"
NODES = {STUDIO: "node1", AGENCY: "node2", CLUB: "node3"}


class Consortium:
    """A chain with three keepers, each with a store of its own."""

    def __init__(self, path: Path) -> None:
        roles = ROLES | {"root@agency": ("administrator",)} | dict.fromkeys(KEEPERS, ("keeper",))
        accounts = tuple(
            GenesisAccount(name=name, key=key_of(name).public, roles=held) for name, held in sorted(roles.items())
        )
        self.path = path
        self.late_ms = 0
        self.written = WrittenChain(path, a_genesis(accounts=accounts))
        self.chain = self.written.chain
        self.stores: dict[str, ShareStore] = {}
        self.keepers = {account: self.start(account) for account in KEEPERS}

    def start(self, account: str) -> ShareKeeper:
        """A keeper's node starts, on what its disk kept."""
        if account in self.stores:
            self.stores[account].close()
        self.stores[account] = ShareStore(self.path / account / SHARES, AtRest(key_of(NODES[account])))
        unused = cast(Submitter, None)
        return ShareKeeper(account, key_of(account), self.chain, unused, self.stores[account], self.clock_ms)

    def clock_ms(self) -> int:
        """The nodes' clock, and the time of the next block."""
        return self.chain.tip.time_ms + self.late_ms

    def do(self, signer: str, *asks: Any) -> tuple[str, str]:
        """Id of a transaction that is final, and its code."""
        signed = self.written.ask(*asks, signer=signer, valid_until_ms=self.clock_ms() + 300_000)
        height = self.written.block(signed, after_ms=1 + self.late_ms)
        self.late_ms = 0
        return signed.id, self.chain.finals.at(height).results.outcomes[0].code

    def begin(self, *keepers: str) -> None:
        until = self.chain.tip.time_ms + 86_400_000
        changes = (BeginCeremony(keepers=keepers or KEEPERS),)
        made, _ = self.do(ADMINISTRATORS["studio"], actions.Propose(changes=changes, until_ms=until))
        vote = actions.CastVote(proposal=proposal_id(made, 0), approve=True)
        assert self.do(ADMINISTRATORS["agency"], vote)[1] == "OK"

    def go_on(self, *silent: str, then: Callable[[str], None] = lambda _: None) -> list[str]:
        """Have keepers say what they have to, until none has anything to say: the names of what was said."""
        said = []
        while True:
            quiet = True
            for account in KEEPERS:
                asked = None if account in silent else self.keepers[account].due()
                if asked is not None:
                    quiet = False
                    then(account)
                    assert self.do(account, asked)[1] == "OK", asked
                    said.append(actions.action_name(asked))
            if quiet:
                return said

    @property
    def ceremony(self) -> records.KeyCeremony:
        return decode(self.chain.state.get(records.CEREMONY) or b"", records.KeyCeremony)

    @property
    def shared(self) -> records.SharedKey:
        found = key_in_force(self.chain.ledger())
        assert found is not None
        return found

    @property
    def key(self) -> ThresholdKey:
        return ThresholdKey.from_bytes(bytes.fromhex(self.shared.key))

    def make(self, *silent: str) -> None:
        self.go_on(*silent)
        self.begin()
        self.go_on(*silent)

    def record(self) -> bytes:
        """Record a confidential picture of alice's; its ciphertext."""
        cipher, held = encapsulated_content(PLAIN, self.chain.name, SECRET, ALICE, self.key)
        content = Content(cid=cid_of_parts([cipher]), size=len(cipher), media_type="image/png", encapsulated=held)
        assert self.do(ALICE, registering("secret", confidential=True, content=content))[1] == "OK"
        return cipher

    def decided(self, reader: sealing.ReaderKey, account: str = ALICE) -> tuple[str, int, AccessAllowed]:
        ask = actions.RequestAccess(asset=SECRET, reader_key=reader.public, purpose="")
        made, code = self.do(account, ask)
        assert code == "OK"
        height = self.chain.tip.height
        (event,) = self.chain.finals.at(height).results.outcomes[0].events
        assert isinstance(event, AccessAllowed)
        return made, height, event

    def combining(self, reader: sealing.ReaderKey, decision: str, height: int) -> Combining:
        record = self.chain.ledger().asset(SECRET)
        label = label_of(self.chain.name, SECRET, ALICE, record.content.cid)
        grounds = Grounds(decision=bytes.fromhex(decision), height=height, label=label)
        held = record.content.encapsulated
        assert isinstance(held, actions.EncapsulatedKey)
        return Combining(self.chain.name, grounds, self.key, held, reader.secret)

    def close(self) -> None:
        for store in self.stores.values():
            store.close()
        self.written.close()


@pytest.fixture
def consortium(tmp_path: Path) -> Iterator[Consortium]:
    made = Consortium(tmp_path)
    yield made
    made.close()


def opened(consortium: Consortium, *keepers: str, suite: SealSuite = SealSuite.X25519) -> bytes:
    """What these keepers open together of a new request's."""
    reader = sealing.ReaderKey(suite)
    decision, height, event = consortium.decided(reader)
    combining = consortium.combining(reader, decision, height)
    for account in keepers:
        combining.take(consortium.keepers[account].share_for(event, decision, height))
    assert combining.enough
    return combining.content_key()


def test_a_key_is_made_and_any_two_keepers_open_with_it(consortium: Consortium) -> None:
    consortium.make()
    cipher = consortium.record()

    for two in ((STUDIO, AGENCY), (CLUB, STUDIO), (AGENCY, CLUB)):
        assert sealing.decrypt(cipher, opened(consortium, *two)) == PLAIN
    assert sealing.decrypt(cipher, opened(consortium, STUDIO, CLUB, suite=SealSuite.MLKEM768_X25519)) == PLAIN


def test_whoever_is_stopped_after_every_step_goes_on_where_it_was(consortium: Consortium) -> None:
    def stop(account: str) -> None:
        consortium.keepers[account] = consortium.start(account)

    consortium.go_on(then=stop)
    consortium.begin()
    consortium.go_on(then=stop)
    cipher = consortium.record()

    assert sealing.decrypt(cipher, opened(consortium, STUDIO, CLUB)) == PLAIN


def test_what_was_to_be_said_and_was_lost_is_said_anew(consortium: Consortium) -> None:
    """A node dies between keeping and saying, at each step."""
    for _ in range(3):
        assert {type(keeper.due()) for keeper in consortium.keepers.values()} == {actions.EnrolKeeper}
    consortium.go_on()
    consortium.begin()
    assert {type(keeper.due()) for keeper in consortium.keepers.values()} == {actions.DealShares}
    consortium.go_on()
    cipher = consortium.record()

    assert sealing.decrypt(cipher, opened(consortium, AGENCY, CLUB)) == PLAIN


def test_former_shares_and_the_holder_keys_that_opened_them_are_destroyed(consortium: Consortium) -> None:
    consortium.make()
    cipher = consortium.record()
    first = consortium.shared.ceremony
    consortium.begin()
    used = [one.holder_key for one in consortium.ceremony.holders]
    assert all(store.share(first) is not None for store in consortium.stores.values())
    assert sum(store.holder_secret(one) is not None for store in consortium.stores.values() for one in used) == 3
    assert consortium.go_on().count("ceremony.deal") == 3

    assert (consortium.key.epoch, consortium.shared.ceremony != first) == (2, True)
    for store in consortium.stores.values():
        assert store.share(first) is None
        assert store.share(consortium.shared.ceremony) is not None
        assert all(store.holder_secret(one) is None for one in used)
    assert sealing.decrypt(cipher, opened(consortium, AGENCY, CLUB)) == PLAIN


def test_a_dealer_that_lies_is_complained_of_and_left_out(consortium: Consortium) -> None:
    consortium.go_on()
    consortium.begin()
    ceremony, ledger = consortium.ceremony, consortium.chain.ledger()
    made = ceremony_of(ledger, consortium.chain.name, ceremony)
    false = false_dealing(made, dealers_of(ledger, ceremony).index(CLUB) + 1, victim=2)
    said = actions.DealShares(ceremony=ceremony.id, dealing=false.to_bytes().hex())
    assert consortium.do(CLUB, said)[1] == "OK"

    assert consortium.go_on().count("ceremony.complain") == 1
    cipher = consortium.record()
    assert sealing.decrypt(cipher, opened(consortium, AGENCY, STUDIO)) == PLAIN


def test_a_keeper_that_is_silent_is_not_waited_for_for_ever(consortium: Consortium) -> None:
    consortium.go_on()
    consortium.begin()
    said = consortium.go_on(CLUB)
    assert said.count("ceremony.confirm") == 0, "dealings are still taken"

    consortium.late_ms = 700_000
    assert consortium.go_on(CLUB).count("ceremony.confirm") == 2
    consortium.late_ms = 1_300_000
    assert consortium.go_on(CLUB)[0] == "ceremony.end"
    cipher = consortium.record()
    assert sealing.decrypt(cipher, opened(consortium, AGENCY, STUDIO)) == PLAIN
    with pytest.raises(NodeError, match="has no share"):
        opened(consortium, CLUB)


def test_a_share_is_made_once_for_a_decision_and_noted_before_it_goes_out(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)

    first = consortium.keepers[AGENCY].share_for(event, decision, height)
    noted = consortium.stores[AGENCY].released(decision)
    consortium.keepers[AGENCY] = consortium.start(AGENCY)

    assert noted is not None
    assert decode(noted, SealedShare) == first
    assert consortium.keepers[AGENCY].share_for(event, decision, height) == first
    other = replace(event, reader_key=sealing.ReaderKey().public)
    assert consortium.keepers[AGENCY].share_for(other, decision, height) == first, "not for another reader key"


def test_a_disk_that_takes_no_note_releases_nothing(consortium: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    consortium.make()
    consortium.record()
    decision, height, event = consortium.decided(sealing.ReaderKey())

    def full(_: object) -> bytes:
        raise OSError("no space left")

    monkeypatch.setattr(consortium.stores[AGENCY], "put_released", full)
    with pytest.raises(OSError, match="no space"):
        consortium.keepers[AGENCY].share_for(event, decision, height)


def test_a_node_that_lost_its_disk_has_no_share_until_the_key_is_shared_anew(consortium: Consortium) -> None:
    consortium.make()
    cipher = consortium.record()
    consortium.stores.pop(CLUB).close()
    (consortium.path / CLUB / SHARES).unlink()
    consortium.keepers[CLUB] = consortium.start(CLUB)
    with pytest.raises(NodeError, match="has no share"):
        opened(consortium, CLUB)

    assert consortium.go_on() == ["keeper.enrol"]
    consortium.begin()
    assert "ceremony.deal" in consortium.go_on()  # by the two that have one
    consortium.late_ms = 700_000
    assert consortium.go_on().count("ceremony.confirm") == 3

    assert sealing.decrypt(cipher, opened(consortium, CLUB, STUDIO)) == PLAIN


def test_a_node_restored_from_before_the_key_was_shared_anew_gives_nothing(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    file = consortium.path / CLUB / SHARES
    before = file.read_bytes()
    consortium.begin()
    consortium.go_on()
    consortium.stores.pop(CLUB).close()
    file.write_bytes(before)
    consortium.keepers[CLUB] = consortium.start(CLUB)

    with pytest.raises(NodeError, match="has no share"):
        opened(consortium, CLUB)


def test_a_share_on_the_disk_that_is_not_this_keepers_is_never_used(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    ceremony = consortium.shared.ceremony
    consortium.stores[CLUB].put_share(ceremony, 1, (1, 2, 3), Scalar.of(5))
    consortium.keepers[CLUB] = consortium.start(CLUB)

    with pytest.raises(NodeError, match="has no share"):
        opened(consortium, CLUB)


def test_two_nodes_with_one_account_do_not_enrol_against_each_other_for_ever(consortium: Consortium) -> None:
    consortium.go_on()
    other = ShareStore(consortium.path / "other" / SHARES, AtRest(key_of("other")))
    rival = ShareKeeper(CLUB, key_of(CLUB), consortium.chain, cast(Submitter, None), other, consortium.clock_ms)
    asked = rival.due()
    assert isinstance(asked, actions.EnrolKeeper)
    assert consortium.do(CLUB, asked)[1] == "OK"

    assert consortium.keepers[CLUB].due() is None
    assert rival.due() is None
    rival.close()


def test_what_cannot_be_sealed_to_a_reader_key_is_said_so(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    reader = sealing.ReaderKey()
    reader.public = "00" * 32
    decision, _, _ = consortium.decided(reader)

    with pytest.raises(NodeError, match="RELEASE_DENIED: no share can be given"):
        asked(consortium, decision, Giving(lambda _: None))


def test_a_share_of_a_former_epoch_is_destroyed_where_there_is_no_newer_one_too(consortium: Consortium) -> None:
    """Whoever slept through the sharing has nothing of use to a thief; a node that sees the past again keeps all."""
    consortium.make()
    first = consortium.shared
    consortium.begin()
    missed = consortium.ceremony.holders[2].holder_key
    consortium.go_on(CLUB)
    for late_ms in (700_000, 1_300_000):
        consortium.late_ms = late_ms
        consortium.go_on(CLUB)
    assert consortium.key.epoch == 2
    assert consortium.stores[CLUB].share(first.ceremony) is not None
    assert consortium.stores[CLUB].holder_secret(missed) is not None

    consortium.go_on()

    assert consortium.stores[CLUB].share(first.ceremony) is None
    assert consortium.stores[CLUB].holder_secret(missed) is None, "with the chain's dealings it gives the share"
    consortium.stores[STUDIO].settle(first.ceremony, first.epoch)
    assert consortium.stores[STUDIO].share(consortium.shared.ceremony) is not None


class Giving:
    """Peers that answer with shares. Satisfies what `Releases` asks of `Peers`."""

    def __init__(self, give: Callable[[str], SealedShare | None]) -> None:
        self._give = give
        self.asked: list[str] = []

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        self.asked.append(peer)
        found = self._give(peer)
        return None if found is None else encode(found)


def gathering(consortium: Consortium, peers: Giving, *, keeps: bool = True) -> Releases:
    """What node1 gathers with."""
    return Releases(
        consortium.chain,
        Reading(consortium.chain),
        key_of("node1"),
        consortium.keepers[STUDIO] if keeps else None,
        cast(Peers, peers),
        lambda: consortium.chain.committed.time_ms,
    )


def asked(consortium: Consortium, decision: str, peers: Giving, *, every: bool = False, keeps: bool = True) -> Release:
    """What node1 gathers."""
    return asyncio.run(gathering(consortium, peers, keeps=keeps).shares(decision, all_keepers=every))


def test_whoever_is_asked_gathers_enough_shares_and_says_who_is_missing(consortium: Consortium) -> None:
    consortium.make()
    cipher = consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)
    accounts = {node: account for account, node in NODES.items()}

    def give(node: str) -> SealedShare | None:
        return consortium.keepers[accounts[node]].share_for(event, decision, height)

    release = asked(consortium, decision, Giving(give))
    combining = consortium.combining(reader, decision, height)
    for share in release.decryption_shares:
        combining.take(share)
    assert sealing.decrypt(cipher, combining.content_key()) == PLAIN
    assert len(asked(consortium, decision, Giving(give), every=True).decryption_shares) == 3
    with pytest.raises(NodeError, match=r"keeper@studio of .* gave a share, 2 open it"):
        asked(consortium, decision, Giving(lambda _: None))


def test_a_share_of_another_epoch_or_of_nobody_who_keeps_one_does_not_count(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    decision, height, event = consortium.decided(sealing.ReaderKey())
    share = consortium.keepers[AGENCY].share_for(event, decision, height)

    for false in (replace(share, epoch=2), replace(share, keeper="eve@agency")):
        with pytest.raises(NodeError, match=r"keeper@studio of .* gave a share"):
            asked(consortium, decision, Giving(lambda _, false=false: false))


def test_a_node_that_lies_for_another_orgs_keeper_hides_nothing(consortium: Consortium) -> None:
    """It answers first, under the name of the one keeper that is left, whose share comes later."""
    consortium.make()
    cipher = consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)
    club = consortium.keepers[CLUB].share_for(event, decision, height)
    false = replace(club, sealed="00" * 150)
    gives = Giving({NODES[AGENCY]: false, NODES[CLUB]: club}.get)

    combining = consortium.combining(reader, decision, height)
    for share in asked(consortium, decision, gives).decryption_shares:
        combining.take(share)

    assert sealing.decrypt(cipher, combining.content_key()) == PLAIN


def test_a_decision_from_before_the_key_was_shared_anew_is_asked_for_again(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    decision, height, event = consortium.decided(sealing.ReaderKey())
    share = consortium.keepers[AGENCY].share_for(event, decision, height)
    consortium.begin()
    consortium.go_on()

    with pytest.raises(NodeError, match=r"shared anew at block .* request again"):
        asked(consortium, decision, Giving(lambda _: share), keeps=False)
    with pytest.raises(NodeError, match="shared anew at block"):
        consortium.keepers[AGENCY].share_for(event, decision, height)


@pytest.mark.parametrize(
    ("answer", "sealed_well", "again"),
    [(True, True, 0), (False, True, 0), (NodeError(NodeCode.NO_LEADER, "none"), True, 1), (True, False, 0)],
    ids=["taken", "refused", "nobody leads", "does not open"],
)
def test_a_key_that_a_node_holds_is_moved_again_only_where_that_may_help(
    consortium: Consortium, answer: bool | NodeError, sealed_well: bool, again: int
) -> None:
    seed = sealing.new_seed()
    sealed = sealing.seal_to_node(seed, key_of("node1" if sealed_well else "node2").public).hex()
    key = actions.SealedKey(node="node1", sealed=sealed)
    held = Content(cid=CID, size=10, media_type="image/png", sealed_keys=(key,))
    consortium.go_on()
    assert consortium.do(ALICE, registering("secret", confidential=True, content=held))[1] == "OK"
    consortium.begin()
    consortium.go_on()
    said = []

    class Saying:
        account = STUDIO

        async def say(self, asked: actions.AnyAction) -> bool:
            said.append(asked)
            if isinstance(answer, NodeError):
                raise answer
            return answer

    moving = Moving(consortium.chain, key_of("node1"), cast(ShareKeeper, Saying()))

    assert asyncio.run(moving._move_all(consortium.shared)) == again
    assert len(said) == sealed_well
    if sealed_well:
        assert consortium.do(STUDIO, *said)[1] == "OK"
        assert opened(consortium, AGENCY, CLUB) == sealing.content_key(seed, consortium.chain.name, SECRET, ALICE)


def test_a_keepers_node_that_hangs_holds_nobody_up(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    decision, height, event = consortium.decided(sealing.ReaderKey())
    share = consortium.keepers[AGENCY].share_for(event, decision, height)

    class Hanging(Giving):
        async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
            if peer == NODES[CLUB]:
                await asyncio.Event().wait()
            return await super().ask(peer, path, bytes_max)

    async def story() -> Release:
        async with asyncio.timeout(60):
            return await gathering(consortium, Hanging(lambda _: share)).shares(decision, all_keepers=False)

    assert {one.keeper for one in asyncio.run(story()).decryption_shares} == {STUDIO, AGENCY}


def test_what_was_revoked_between_request_and_release_is_released_by_no_keeper(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    until = consortium.chain.tip.time_ms + 1_000_000
    assert consortium.do(ALICE, actions.GrantAccess(asset=SECRET, account=BOB, until_ms=until))[1] == "OK"
    decision, height, event = consortium.decided(sealing.ReaderKey(), BOB)
    share = consortium.keepers[AGENCY].share_for(event, decision, height)
    gives = Giving(lambda _: share)
    assert len(asked(consortium, decision, gives).decryption_shares) == 2

    assert consortium.do(ALICE, actions.RevokeAccess(asset=SECRET, account=BOB))[1] == "OK"

    with pytest.raises(NodeError, match="RELEASE_DENIED"):
        asked(consortium, decision, gives)
    with pytest.raises(NodeError, match="RELEASE_DENIED"):
        asyncio.run(gathering(consortium, gives).release_share(decision))


def test_one_keeper_alone_or_one_share_twice_opens_nothing(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)
    share = consortium.keepers[AGENCY].share_for(event, decision, height)
    combining = consortium.combining(reader, decision, height)

    combining.take(share)
    combining.take(share)

    assert not combining.enough


def test_what_is_swapped_cut_or_of_another_decision_is_left_out_and_convicts_nobody(consortium: Consortium) -> None:
    consortium.make()
    consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)
    share = consortium.keepers[AGENCY].share_for(event, decision, height)
    earlier = consortium.combining(reader, decision, height)
    other, later, again = consortium.decided(reader)
    combining = consortium.combining(reader, other, later)

    for false in (
        share,
        replace(share, holder=1),
        replace(share, sealed=share.sealed[:-2]),
        replace(share, sealed="no hex"),
        replace(share, holder=300),
        replace(consortium.keepers[AGENCY].share_for(again, other, later), holder=3),
    ):
        combining.take(false)

    assert not combining.enough
    assert combining.false == []
    earlier.take(share)
    assert len(earlier._good) == 1


def test_a_keeper_that_gives_a_false_share_is_left_out_and_named_by_what_it_signed(consortium: Consortium) -> None:
    consortium.make()
    cipher = consortium.record()
    reader = sealing.ReaderKey()
    decision, height, event = consortium.decided(reader)
    liar = consortium.keepers[AGENCY]
    honest = liar._fitting
    liar._fitting = lambda epoch: honest(epoch) + honest(epoch)  # type: ignore[assignment, operator]
    combining = consortium.combining(reader, decision, height)

    for account in KEEPERS:
        combining.take(consortium.keepers[account].share_for(event, decision, height))

    assert sealing.decrypt(cipher, combining.content_key()) == PLAIN
    (false,) = combining.false
    assert (false.said.keeper, false.said.decision) == (AGENCY, decision)
    assert convicts(false.said, false.signature, key_of(AGENCY).public, consortium.key, 2)


def test_what_was_recorded_with_another_key_than_its_capsules_is_said_not_to_open(consortium: Consortium) -> None:
    consortium.make()
    cipher, held = encapsulated_content(PLAIN, consortium.chain.name, SECRET, ALICE, consortium.key)
    content = Content(
        cid=cid_of_parts([cipher]),
        size=len(cipher),
        media_type="image/png",
        encapsulated=replace(held, wrapped="00" * 48),
    )
    assert consortium.do(ALICE, registering("secret", confidential=True, content=content))[1] == "OK"

    with pytest.raises(sealing.SealBroken, match="whoever recorded it"):
        opened(consortium, AGENCY, CLUB)
