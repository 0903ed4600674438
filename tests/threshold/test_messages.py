"""The bytes of messages: one spelling each, and a changed one is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ceremonies import LABEL, a_key, chance, shared_anew
from hypothesis import given, settings
from hypothesis import strategies as st

from threshold import (
    Capsule,
    Complaint,
    Dealing,
    DecryptionShare,
    Grounds,
    HolderKey,
    ReaderSecret,
    SealSuite,
    ThresholdError,
    ThresholdKey,
    check_capsule,
    check_dealing,
    check_holder_key,
    check_share,
    complain,
    encapsulate,
    holder_key,
    judge,
    open_sealed,
    seal_share,
)

SHARED = a_key(2, 3)
ANEW = shared_anew(SHARED, (1, 3), 2, 3)
CAPSULE, _ = encapsulate(SHARED.key.public, LABEL, chance("capsule"))
(SHARE,) = SHARED.decrypt(CAPSULE, 1)
DEALING = SHARED.dealings[0]
COMPLAINT = complain(SHARED.ceremony, DEALING, 2, SHARED.holder_secrets[1], chance("complaint"))
HOLDER_KEY = holder_key(SHARED.holder_secrets[0], b"node1", chance("holder key"))
GROUNDS = Grounds(b"decision", 7, LABEL)
READERS = {suite: ReaderSecret.draw(suite, chance("reader")) for suite in SealSuite}

Take = Callable[[bytes], object]


def opened(suite: SealSuite) -> Take:
    return lambda told: open_sealed(told, READERS[suite], GROUNDS, SHARED.key, CAPSULE, 1)


MESSAGES: dict[str, tuple[bytes, Take]] = {
    "holder key": (HOLDER_KEY.to_bytes(), lambda told: check_holder_key(HolderKey.from_bytes(told), b"node1")),
    "dealing": (DEALING.to_bytes(), lambda told: check_dealing(SHARED.ceremony, Dealing.from_bytes(told))),
    "dealing anew": (
        ANEW.dealings[0].to_bytes(),
        lambda told: check_dealing(ANEW.ceremony, Dealing.from_bytes(told)),
    ),
    "complaint": (COMPLAINT.to_bytes(), lambda told: judge(SHARED.ceremony, DEALING, Complaint.from_bytes(told))),
    "capsule": (
        CAPSULE.to_bytes(),
        lambda told: check_capsule(SHARED.key.public, LABEL, Capsule.from_bytes(told)),
    ),
    "decryption share": (
        SHARE.to_bytes(),
        lambda told: check_share(SHARED.key, LABEL, CAPSULE, DecryptionShare.from_bytes(told)),
    ),
    "sealed": (seal_share(SHARE, READERS[SealSuite.X25519].public, GROUNDS), opened(SealSuite.X25519)),
}
every_message = pytest.mark.parametrize("name", MESSAGES)


@every_message
def test_a_message_is_taken_and_with_any_byte_changed_it_is_not(name: str) -> None:
    message, take = MESSAGES[name]
    take(message)
    for at in range(len(message)):
        for change in (1 << at % 8, 0x80):
            with pytest.raises(ThresholdError):
                take(message[:at] + bytes([message[at] ^ change]) + message[at + 1 :])


def test_a_hybrid_seal_with_some_bytes_changed_does_not_open() -> None:
    suite = SealSuite.MLKEM768_X25519
    message = seal_share(SHARE, READERS[suite].public, GROUNDS)
    opened(suite)(message)
    for at in range(0, len(message), 7):
        with pytest.raises(ThresholdError):
            opened(suite)(message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :])


@every_message
def test_a_message_has_one_length(name: str) -> None:
    message, take = MESSAGES[name]
    for other in (b"", message[:1], message[:-1], message[:-32], message + b"\x00", message + bytes(32), message * 2):
        with pytest.raises(ThresholdError):
            take(other)


READ = [HolderKey, Dealing, Complaint, Capsule, DecryptionShare, ThresholdKey]


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_bytes_are_a_message_in_one_spelling_or_are_refused(kind: type[Capsule], data: st.DataObject) -> None:
    word = st.sampled_from([SHARED.key.public.encoded, bytes(32), b"\xff" * 32, CAPSULE.proof.e.encoded])
    told = data.draw(st.binary(max_size=6)) + b"".join(data.draw(st.lists(word, max_size=9)))
    try:
        read = kind.from_bytes(told)
    except ThresholdError:
        return
    assert read.to_bytes() == told


@pytest.mark.parametrize("head", [(0, 2, 3), (1, 0, 3), (1, 4, 3), (1, 2, 2), (1, 2, 4)])
def test_a_key_says_how_many_of_how_many(head: tuple[int, int, int]) -> None:
    epoch, threshold, holders = head
    told = SHARED.key.to_bytes()
    assert ThresholdKey.from_bytes(told) == SHARED.key

    with pytest.raises(ThresholdError):
        ThresholdKey.from_bytes(epoch.to_bytes(4, "big") + bytes([threshold, holders]) + told[6:])
