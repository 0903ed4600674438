"""A node that keeps a share of the consortium's key: what it does in ceremonies, and what it releases.

What is to be done follows from the state of the chain and from what is kept here (`share_store`), so a node that was
stopped anywhere goes on where it was. A holder key serves for one ceremony that gives a key: with the share its secret
is destroyed, and the next one is enrolled. So neither a former share nor the chain's dealings tell anything later.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import UnsetType

from ledger import records
from ledger.actions import AnyAction, ComplainOfShare, ConfirmShares, DealShares, EndCeremony, EnrolKeeper, action_name
from ledger.capsules import ReleasedShare, label_of
from ledger.crypto import SigningKey
from ledger.encoding import decode, encode
from ledger.errors import LedgerError
from ledger.events import AccessAllowed
from ledger.execution.ceremony import ceremony_of, dealers_of, dealing_over, dealings_of, keeper_name, shared_key
from ledger.execution.confidential import key_in_force
from ledger.execution.view import Ledger
from ledger.names import KEEPER
from node.chain.chain import Chain
from node.exchange.share_store import GivenShare, ShareStore
from node.ground.logs import Seldom, logger
from node.ordering.own import own_transaction
from node.ordering.submitter import Submitter
from remarque.api.content import SealedShare
from remarque.errors import NodeCode, NodeError
from threshold import (
    Capsule,
    Ceremony,
    Dealing,
    Grounds,
    Scalar,
    ThresholdCode,
    ThresholdError,
    ThresholdKey,
    complain,
    deal,
    decryption_share,
    holder_key,
    open_share,
    seal_share,
    secret_share,
)
from threshold.group import G

LOOK_SECONDS = 0.1
"""At most so often what is to be done is looked at, however many blocks become final."""
IDLE_SECONDS = 5.0
AGAIN_SECONDS = 5.0
"""How long what was refused waits before it is said again."""
VALID_MS = 300_000

_rival = Seldom("keeper_enrolled_elsewhere")


class ShareKeeper:
    """Does what an account has to do that keeps a share, and makes decryption shares."""

    def __init__(
        self,
        account: str,
        key: SigningKey,
        chain: Chain,
        submitter: Submitter,
        store: ShareStore,
        clock_ms: Callable[[], int],
    ) -> None:
        self.account = account
        self._key = key
        self._chain = chain
        self._submitter = submitter
        self._store = store
        self._clock_ms = clock_ms
        self._fitting = lru_cache(maxsize=1)(self._found_share)
        self._settled = ""
        """The ceremony before whose key nothing is left."""
        self._enrolled = self._drawn = ""
        """The holder key that the chain had of this node last, and the one that was drawn last."""

    # Ceremonies

    async def run(self) -> None:
        """Take part in ceremonies, for ever."""
        while True:
            seen = self._chain.commits.count
            try:
                asked = await asyncio.to_thread(self.due)
                if asked is not None and not await self.say(asked):
                    await asyncio.sleep(AGAIN_SECONDS)
            except (OSError, NodeError, LedgerError, ThresholdError) as error:
                logger.error("keeper_failed", account=self.account, reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)
            await self._chain.commits.after(seen, IDLE_SECONDS)

    async def say(self, asked: AnyAction) -> bool:
        """Commit an action of this account; whether the ledger took it."""
        until_ms = self._clock_ms() + VALID_MS
        signed = own_transaction(self._chain.name, self.account, self._key, asked, until_ms)
        height, position = await self._submitter.commit(signed)
        results = self._chain.finals.at(height).results
        code = results.outcomes[position].code
        detail = results.details[position]
        logger.info("keeper_said", account=self.account, action=action_name(asked), code=code, detail=detail)
        return code == "OK"

    def due(self) -> AnyAction | None:
        """What this keeper has to say now. What it must not lose is kept before."""
        ledger = self._chain.ledger()
        account = ledger.find(records.account_key(self.account), records.Account)
        ceremony, shared = ledger.find(records.CEREMONY, records.KeyCeremony), key_in_force(ledger)
        if ceremony is None and shared is not None and shared.ceremony != self._settled:
            self._store.settle(shared.ceremony, shared.epoch)
            self._settled = shared.ceremony
            if self.account in shared.keepers and self._fitting(shared.epoch) is None:
                logger.error("share_lacking", account=self.account, epoch=shared.epoch, fix="share the key anew now")
        if account is None or KEEPER not in account.roles:
            return None
        said = None if ceremony is None else self._in_ceremony(ledger, ceremony)
        return self._enrolling(ledger) if said is None else said

    def _enrolling(self, ledger: Ledger) -> AnyAction | None:
        """Enrol a new holder key if the secret of the one that the chain has is not here."""
        enrolled = ledger.find(records.keeper_key(self.account), records.Keeper)
        if enrolled is not None and self._store.holder_secret(enrolled.holder_key) is not None:
            self._enrolled = enrolled.holder_key
            return None
        if enrolled is not None and self._enrolled and self._store.holder_secret(self._enrolled) is not None:
            _rival.warning(account=self.account, fix="give each node an account of its own, and start this one again")
            return None
        if self._store.holder_secret(self._drawn) is None:
            secret = Scalar.draw(secrets.token_bytes)
            drawn = holder_key(secret, keeper_name(self._chain.name, self.account), secrets.token_bytes)
            self._drawn = drawn.to_bytes().hex()
            self._store.put_holder_key(self._drawn, ledger.find(records.SHARED_KEY, int) or 0, secret)
        return EnrolKeeper(holder_key=self._drawn)

    def _in_ceremony(self, ledger: Ledger, ceremony: records.KeyCeremony) -> AnyAction | None:
        now, final_ms = self._clock_ms(), self._chain.committed.time_ms
        if not dealing_over(ledger, ceremony, final_ms):
            dealing = self._dealing(ledger, ceremony, dealers_of(ledger, ceremony))
            if dealing is not None or now <= ceremony.deal_until_ms:
                return dealing
        said = self._opening(ledger, ceremony)
        if said is None and now > ceremony.complain_until_ms:
            return EndCeremony(ceremony=ceremony.id)
        return said

    def _dealing(self, ledger: Ledger, ceremony: records.KeyCeremony, dealers: tuple[str, ...]) -> AnyAction | None:
        """Deal, if this keeper is to and has not: a new secret, or its share of the former key."""
        place = _place(dealers, self.account)
        if place is None or place in {one.dealer for one in ceremony.dealings}:
            return None
        former = None
        if ceremony.former_epoch:
            former = self._fitting(ceremony.former_epoch)
            if former is None:
                return None
        dealing = deal(ceremony_of(ledger, self._chain.name, ceremony), place, secrets.token_bytes, former)
        return DealShares(ceremony=ceremony.id, dealing=dealing.to_bytes().hex())

    def _opening(self, ledger: Ledger, ceremony: records.KeyCeremony) -> AnyAction | None:
        """Open what was dealt: complain of what does not open, else keep the share and confirm it."""
        place = _place([one.keeper for one in ceremony.holders], self.account)
        if place is None:
            return None
        secret = self._store.holder_secret(ceremony.holders[place - 1].holder_key)
        if secret is None:
            return None
        made, dealings = ceremony_of(ledger, self._chain.name, ceremony), dealings_of(ceremony)
        if place in ceremony.confirmed and self._store.has_share(ceremony.id, ceremony.good):
            return None
        false = next((one for one in dealings if not _opens(made, one, place, secret)), None)
        if false is not None:
            said = complain(made, false, place, secret, secrets.token_bytes)
            return ComplainOfShare(ceremony=ceremony.id, complaint=said.to_bytes().hex())
        if len(dealings) < made.dealings_min:
            return None
        share = secret_share(made, dealings, place, secret)
        self._store.put_share(ceremony.id, made.epoch, ceremony.good, share)
        return ConfirmShares(ceremony=ceremony.id, dealers=ceremony.good)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    # Releases

    def share_for(self, event: AccessAllowed, decision: str, height: int) -> SealedShare:
        """This keeper's share for a decision that was found to hold: made once, noted before it goes out, and the same
        whenever it is asked for again. NOT_CUSTODIAN if this node has no share, RELEASE_DENIED if none can be given.
        """
        check_epoch(key_in_force(self._chain.ledger()), height)
        made = self._store.released(decision)
        if made is None:
            try:
                made = encode(self._made(event, decision, height))
            except ThresholdError as error:
                raise NodeError(NodeCode.RELEASE_DENIED, f"no share can be given: {error}") from None
            made = self._store.put_released(GivenShare(decision, self._clock_ms(), event.asset, event.account, made))
        return decode(made, SealedShare)

    def _made(self, event: AccessAllowed, decision: str, height: int) -> SealedShare:
        ledger = self._chain.ledger()
        shared, record = key_in_force(ledger), ledger.asset(event.asset)
        held, share = record.content.encapsulated, None if shared is None else self._fitting(shared.epoch)
        if shared is None or share is None or isinstance(held, UnsetType):
            raise NodeError(NodeCode.NOT_CUSTODIAN, f"{self.account} has no share of the key as it is shared now")
        key, place = ThresholdKey.from_bytes(bytes.fromhex(shared.key)), shared.keepers.index(self.account) + 1
        label = label_of(self._chain.name, record.id, record.creator, record.content.cid)
        capsule = Capsule.from_bytes(bytes.fromhex(held.capsule))
        made = decryption_share(key, place, share, label, capsule, secrets.token_bytes)
        said = ReleasedShare(
            chain=self._chain.name,
            decision=decision,
            keeper=self.account,
            label=label.hex(),
            capsule=held.capsule,
            share=made.to_bytes().hex(),
        )
        grounds = Grounds(decision=bytes.fromhex(decision), height=height, label=label)
        return SealedShare(
            keeper=self.account,
            holder=place,
            epoch=key.epoch,
            sealed=seal_share(made, bytes.fromhex(event.reader_key), grounds).hex(),
            signature=said.signed(self._key),
        )

    def _found_share(self, epoch: int) -> Scalar | None:
        """The share of an epoch that is here, if it is this keeper's."""
        shared = shared_key(self._chain.ledger(), epoch)
        place = None if shared is None else _place(shared.keepers, self.account)
        share = None if shared is None else self._store.share(shared.ceremony)
        if shared is None or place is None or share is None:
            return None
        if ThresholdKey.from_bytes(bytes.fromhex(shared.key)).verification[place - 1] != G * share:
            logger.error("share_unfit", account=self.account, epoch=epoch, fix="begin a ceremony to share the key anew")
            return None
        return share


def check_epoch(shared: records.SharedKey | None, height: int) -> None:
    """RELEASE_DENIED if the key was shared anew since a decision: shares that were noted for it fit no more."""
    if shared is not None and shared.height > height:
        detail = f"the consortium's key was shared anew at block {shared.height}, after the decision; request again"
        raise NodeError(NodeCode.RELEASE_DENIED, detail)


def _opens(ceremony: Ceremony, dealing: Dealing, place: int, secret: Scalar) -> bool:
    """Whether what was dealt to a holder is what its dealer committed to."""
    try:
        open_share(ceremony, dealing, place, secret)
    except ThresholdError as error:
        if error.code is ThresholdCode.SECRET_SHARE_WRONG:
            return False
        raise
    return True


def _place(accounts: Sequence[str], account: str) -> int | None:
    """The index of an account, from 1."""
    return accounts.index(account) + 1 if account in accounts else None
