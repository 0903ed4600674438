"""Ceremonies: the consortium's nodes make a key that none of them holds, or share it anew among others.

A vote says who keeps shares and how many of them open. Each dealer's message, each complaint and each confirmation is a
transaction, so all see the same in the same order, and every node judges alike (`threshold`, docs/threshold.md). One
ceremony is open at a time, and a holder key serves for one that gives a key. It ends with the last confirmation, or,
once its time is over, when any keeper says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UNSET
from msgspec.structs import replace

from ledger.actions import ComplainOfShare, ConfirmShares, DealShares, EndCeremony, EnrolKeeper
from ledger.errors import Code, LedgerError
from ledger.events import (
    CeremonyBegun,
    CeremonyFailed,
    DealerConvicted,
    KeeperEnrolled,
    KeyShared,
    SharesConfirmed,
    SharesDealt,
)
from ledger.execution.changes import change
from ledger.execution.context import SIGNATURE_FUEL, Context, action
from ledger.execution.view import Ledger
from ledger.governance import BeginCeremony
from ledger.names import KEEPER, org_of
from ledger.records import (
    CEREMONY,
    SHARED_KEY,
    Dealt,
    Holder,
    Keeper,
    KeyCeremony,
    SharedKey,
    keeper_key,
    shared_key_key,
)
from ledger.times import moment
from threshold import (
    Ceremony,
    Complaint,
    Dealing,
    HolderKey,
    ThresholdError,
    ThresholdKey,
    check_dealing,
    check_holder_key,
    conclude,
    judge,
    threshold_of,
)

PROOFS_FUEL = 4 * SIGNATURE_FUEL
"""What checking a message's proofs costs."""
TERM_FUEL = SIGNATURE_FUEL // 2
"""What each multiplication of a commitment costs."""
DEALING_MS = COMPLAINING_MS = 600_000
"""For so long dealings, and then complaints, are taken, unless the vote says otherwise."""


@action(EnrolKeeper)
def enrol(ledger: Ledger, tx: Context, ask: EnrolKeeper) -> None:
    """Note the holder key of an account that is to keep shares."""
    tx.require_role(KEEPER)
    tx.spend(PROOFS_FUEL)
    with _refused():
        key = HolderKey.from_bytes(bytes.fromhex(ask.holder_key))
        check_holder_key(key, keeper_name(tx.transaction.chain, tx.signer))
    ledger.put(keeper_key(tx.signer), Keeper(account=tx.signer, holder_key=ask.holder_key, height=tx.height))
    tx.emit(KeeperEnrolled(keeper=tx.signer, holder_key=ask.holder_key))


@change(BeginCeremony)
def begin(ledger: Ledger, tx: Context, ask: BeginCeremony) -> None:
    """Begin to make a key, or to share the one that there is anew."""
    if ledger.holds(CEREMONY):
        raise LedgerError(Code.CEREMONY_OPEN, "a ceremony is open; end it first, or wait for its end")
    if len({org_of(keeper) for keeper in ask.keepers}) < len(ask.keepers):
        raise LedgerError(Code.CEREMONY_INVALID, "two keepers are of one org; name one of each")
    threshold = threshold_of(len(ask.keepers)) if ask.threshold is UNSET else ask.threshold
    if not len(ask.keepers) < 2 * threshold <= 2 * len(ask.keepers):
        fact = f"{threshold} of {len(ask.keepers)} would open"
        raise LedgerError(Code.CEREMONY_INVALID, f"{fact}; more than half of them have to")
    holders = tuple(Holder(keeper=one, holder_key=_keeper(ledger, one).holder_key) for one in ask.keepers)
    former = ledger.find(SHARED_KEY, int) or 0
    dealing_ms = DEALING_MS if ask.dealing_ms is UNSET else ask.dealing_ms
    complaining_ms = COMPLAINING_MS if ask.complaining_ms is UNSET else ask.complaining_ms
    made = KeyCeremony(
        id=tx.transaction_id,
        holders=holders,
        threshold=threshold,
        former_epoch=former,
        deal_until_ms=tx.time_ms + dealing_ms,
        complain_until_ms=tx.time_ms + dealing_ms + complaining_ms,
    )
    with _refused():
        ceremony_of(ledger, tx.transaction.chain, made)
    ledger.put(CEREMONY, made)
    tx.emit(
        CeremonyBegun(ceremony=made.id, keepers=tuple(ask.keepers), threshold=threshold, former_epoch=made.former_epoch)
    )


@action(DealShares)
def deal(ledger: Ledger, tx: Context, ask: DealShares) -> None:
    """Take a dealing, if it is what its dealer may give."""
    record = _open(ledger, ask.ceremony)
    dealers = dealers_of(ledger, record)
    place = _place(dealers, tx.signer, "deals")
    if tx.time_ms > record.deal_until_ms:
        raise LedgerError(Code.CEREMONY_LATE, f"dealings were taken until {moment(record.deal_until_ms)}")
    if place in {one.dealer for one in record.dealings}:
        raise LedgerError(Code.DEALING_EXISTS, f"{tx.signer} has dealt; a dealer deals once")
    if dealing_over(ledger, record, tx.time_ms):
        raise LedgerError(Code.CEREMONY_LATE, "all others have dealt, and may have opened what they were dealt")
    tx.spend(2 * PROOFS_FUEL)
    with _refused():
        dealing = Dealing.from_bytes(bytes.fromhex(ask.dealing))
        check_dealing(ceremony_of(ledger, tx.transaction.chain, record), dealing)
    if dealing.dealer != place:
        raise LedgerError(Code.CEREMONY_INVALID, f"it is a dealing of dealer {dealing.dealer}, {tx.signer} is {place}")
    dealt = Dealt(dealer=place, dealing=ask.dealing)
    ledger.put(CEREMONY, replace(record, dealings=(*record.dealings, dealt)))
    tx.emit(SharesDealt(ceremony=record.id, dealer=tx.signer))


@action(ComplainOfShare)
def complain(ledger: Ledger, tx: Context, ask: ComplainOfShare) -> None:
    """Leave out the dealing of who lied to the signing keeper, as it proves."""
    record = _open(ledger, ask.ceremony)
    place = _place([one.keeper for one in record.holders], tx.signer, "keeps a share")
    if tx.time_ms > record.complain_until_ms:
        raise LedgerError(Code.CEREMONY_LATE, f"complaints were taken until {moment(record.complain_until_ms)}")
    tx.spend(PROOFS_FUEL + TERM_FUEL * record.threshold)
    with _refused():
        complaint = Complaint.from_bytes(bytes.fromhex(ask.complaint))
    if complaint.holder != place or complaint.dealer not in record.good:
        fact = f"it is by holder {complaint.holder} about dealer {complaint.dealer}"
        raise LedgerError(Code.COMPLAINT_INVALID, f"{fact}; complain as holder {place}, about a dealing that counts")
    with _refused():
        (dealing,) = (one for one in dealings_of(record) if one.dealer == complaint.dealer)
        lied = judge(ceremony_of(ledger, tx.transaction.chain, record), dealing, complaint)
    if not lied:
        raise LedgerError(Code.COMPLAINT_INVALID, "what was sealed is what the dealer committed to; it is opened now")
    ledger.put(CEREMONY, replace(record, convicted=(*record.convicted, complaint.dealer), confirmed=()))
    dealer = dealers_of(ledger, record)[complaint.dealer - 1]
    tx.emit(DealerConvicted(ceremony=record.id, dealer=dealer, keeper=tx.signer))


@action(ConfirmShares)
def confirm(ledger: Ledger, tx: Context, ask: ConfirmShares) -> None:
    """Note that a keeper has opened all that it was dealt; the last one ends the ceremony."""
    record = _open(ledger, ask.ceremony)
    place = _place([one.keeper for one in record.holders], tx.signer, "keeps a share")
    if not dealing_over(ledger, record, tx.time_ms):
        raise LedgerError(Code.CEREMONY_OPEN, f"dealings are taken until {moment(record.deal_until_ms)}; wait for all")
    if ask.dealers != record.good:
        raise LedgerError(Code.CEREMONY_INVALID, f"the dealings of {list(record.good)} count; open and confirm those")
    if place in record.confirmed:
        raise LedgerError(Code.CONFIRMED_ALREADY, f"{tx.signer} has confirmed")
    record = replace(record, confirmed=tuple(sorted((*record.confirmed, place))))
    tx.emit(SharesConfirmed(ceremony=record.id, keeper=tx.signer))
    if len(record.confirmed) < len(record.holders):
        ledger.put(CEREMONY, record)
    else:
        _end(ledger, tx, record)


@action(EndCeremony)
def end(ledger: Ledger, tx: Context, ask: EndCeremony) -> None:
    """End a ceremony for whose keepers nobody waits any longer."""
    record = _open(ledger, ask.ceremony)
    tx.require_role(KEEPER)
    if tx.time_ms <= record.complain_until_ms:
        fact = f"{len(record.confirmed)} of {len(record.holders)} keepers have confirmed"
        raise LedgerError(Code.CEREMONY_OPEN, f"{fact}; the others have until {moment(record.complain_until_ms)}")
    _end(ledger, tx, record)


def _end(ledger: Ledger, tx: Context, record: KeyCeremony) -> None:
    """Make the key, unless too few dealt or confirmed."""
    ledger.remove(CEREMONY)
    ceremony = ceremony_of(ledger, tx.transaction.chain, record)
    if len(record.confirmed) < record.threshold or len(record.good) < ceremony.dealings_min:
        reason = f"{len(record.good)} dealings count and {len(record.confirmed)} keepers have confirmed"
        needed = f"{ceremony.dealings_min} and {record.threshold} are needed"
        tx.emit(CeremonyFailed(ceremony=record.id, reason=f"{reason}, {needed}"))
        return
    tx.spend(2 * TERM_FUEL * record.threshold * len(record.holders))
    key = conclude(ceremony, dealings_of(record))
    encoded = key.to_bytes().hex()
    shared = SharedKey(
        epoch=key.epoch,
        key=encoded,
        threshold=key.threshold,
        keepers=tuple(one.keeper for one in record.holders),
        lacking=tuple(one.keeper for index, one in enumerate(record.holders, 1) if index not in record.confirmed),
        ceremony=record.id,
        height=tx.height,
    )
    for one in record.holders:
        enrolled = ledger.find(keeper_key(one.keeper), Keeper)
        if enrolled is not None and enrolled.holder_key == one.holder_key:
            ledger.remove(keeper_key(one.keeper))
    ledger.put(shared_key_key(key.epoch), shared)
    ledger.put(SHARED_KEY, key.epoch)
    tx.emit(KeyShared(ceremony=record.id, epoch=key.epoch, key=encoded))


def keeper_name(chain: str, account: str) -> bytes:
    """What a holder key is bound to."""
    return f"{chain}/{account}".encode()


def ceremony_of(ledger: Ledger, chain: str, record: KeyCeremony) -> Ceremony:
    """What all messages of a ceremony are bound to."""
    former = shared_key(ledger, record.former_epoch)
    holders = (HolderKey.from_bytes(bytes.fromhex(one.holder_key)).public for one in record.holders)
    return Ceremony(
        context=f"{chain}/{record.id}".encode(),
        threshold=record.threshold,
        holders=tuple(holders),
        former=None if former is None else ThresholdKey.from_bytes(bytes.fromhex(former.key)),
    )


def dealers_of(ledger: Ledger, record: KeyCeremony) -> tuple[str, ...]:
    """The accounts that deal in a ceremony, from dealer 1: who is to keep shares, or who keeps them until now."""
    former = shared_key(ledger, record.former_epoch)
    return tuple(one.keeper for one in record.holders) if former is None else former.keepers


def dealing_over(ledger: Ledger, record: KeyCeremony, time_ms: int) -> bool:
    """Whether nobody deals any more at a time: it is over, or all have dealt that have something to deal.

    Who is known to have no share of the former key has not.
    """
    former = shared_key(ledger, record.former_epoch)
    lacking = () if former is None else former.lacking
    awaited = {place for place, one in enumerate(dealers_of(ledger, record), 1) if one not in lacking}
    return time_ms > record.deal_until_ms or awaited <= {one.dealer for one in record.dealings}


def shared_key(ledger: Ledger, epoch: int) -> SharedKey | None:
    """The consortium's key as it was shared in an epoch; None for epoch 0, before there is one."""
    return ledger.find(shared_key_key(epoch), SharedKey) if epoch else None


def dealings_of(record: KeyCeremony) -> list[Dealing]:
    """The dealings that count, by the dealers' indices."""
    return sorted(
        (Dealing.from_bytes(bytes.fromhex(one.dealing)) for one in record.dealings if one.dealer in record.good),
        key=lambda dealing: dealing.dealer,
    )


def _open(ledger: Ledger, ceremony: str) -> KeyCeremony:
    record = ledger.find(CEREMONY, KeyCeremony)
    if record is None or record.id != ceremony:
        raise LedgerError(Code.CEREMONY_UNKNOWN, f"ceremony {ceremony[:16]}… is not open")
    return record


def _keeper(ledger: Ledger, account: str) -> Keeper:
    found = ledger.find(keeper_key(account), Keeper)
    if found is None or KEEPER not in ledger.account(account).roles:
        fact = f"{account} has no holder key, or no longer the role {KEEPER}"
        raise LedgerError(Code.KEEPER_UNKNOWN, f"{fact}; it has to enrol as a keeper first")
    return found


def _place(accounts: tuple[str, ...] | list[str], account: str, does: str) -> int:
    """The index of an account, from 1."""
    if account not in accounts:
        raise LedgerError(Code.KEEPER_UNKNOWN, f"{account} is none who {does} in this ceremony; {accounts} are")
    return accounts.index(account) + 1


@contextmanager
def _refused() -> Iterator[None]:
    """A message that does not hold is refused with what is wrong with it."""
    try:
        yield
    except ThresholdError as error:
        raise LedgerError(Code.CEREMONY_INVALID, str(error)) from None
