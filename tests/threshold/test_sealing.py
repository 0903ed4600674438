"""Shares on their way to one reader: nobody else opens them, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ceremonies import LABEL, a_key, chance
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from threshold import (
    DecryptionShare,
    Grounds,
    ReaderSecret,
    SealSuite,
    ThresholdCode,
    ThresholdError,
    encapsulate,
    open_sealed,
    seal_share,
)

SHARED = a_key(3, 5)
CAPSULE, _ = encapsulate(SHARED.key.public, LABEL, chance("capsule"))
SHARE, OTHER = SHARED.decrypt(CAPSULE, 1, 2)
GROUNDS = Grounds(decision=b"\x05" * 32, height=41, label=LABEL)
X25519_SMALL = [
    number.to_bytes(32, "little")
    for number in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
    )
]
"""The points of small order of curve25519, as the standard's authors list them."""

both_suites = pytest.mark.parametrize("suite", SealSuite)


@both_suites
def test_the_reader_opens_what_was_sealed_for_the_decision(suite: SealSuite) -> None:
    reader = ReaderSecret.draw(suite, chance("reader"))
    sealed = seal_share(SHARE, reader.public, GROUNDS)

    assert sealed[0] == suite.value
    assert len(sealed) == 1 + (32 if suite is SealSuite.X25519 else 1120) + 101 + 16
    assert open_sealed(sealed, reader, GROUNDS, SHARED.key, CAPSULE, 1) == SHARE


@both_suites
def test_another_reader_key_does_not_open_it(suite: SealSuite) -> None:
    """What was sealed to a key that somebody put in the place of the reader's, the reader does not take for its own."""
    swapped, reader = (ReaderSecret.draw(suite, chance(name)) for name in ("swapped", "reader"))
    sealed = seal_share(SHARE, swapped.public, GROUNDS)

    refused(sealed, reader)


@pytest.mark.parametrize(
    "other",
    [
        replace(GROUNDS, decision=b"\x06" * 32),
        replace(GROUNDS, height=42),
        replace(GROUNDS, label=b"other"),
        Grounds(decision=b"", height=41, label=b"\x05" * 32 + LABEL),
    ],
)
def test_what_was_sealed_for_another_decision_does_not_open(other: Grounds) -> None:
    reader = ReaderSecret.draw(SealSuite.X25519, chance("reader"))

    refused(seal_share(SHARE, reader.public, other), reader)


def test_what_another_holder_sealed_does_not_open_as_this_ones() -> None:
    reader = ReaderSecret.draw(SealSuite.X25519, chance("reader"))

    refused(seal_share(OTHER, reader.public, GROUNDS), reader)
    refused(sealed_as(OTHER, 1, reader), reader)


def sealed_as(share: DecryptionShare, holder: int, reader: ReaderSecret) -> bytes:
    """A share whose sealing says another holder, as one that lies makes it."""
    public = X25519PublicKey.from_public_bytes(reader.public)
    info = GROUNDS.info(share.epoch, holder)
    return b"\x01" + SealSuite.X25519.scheme.encrypt(share.to_bytes(), public, info)


def test_what_was_sealed_in_another_epoch_does_not_open() -> None:
    reader = ReaderSecret.draw(SealSuite.X25519, chance("reader"))

    refused(seal_share(replace(SHARE, epoch=2), reader.public, GROUNDS), reader)


def test_what_opens_is_checked_before_it_is_used() -> None:
    reader = ReaderSecret.draw(SealSuite.X25519, chance("reader"))
    bad = replace(SHARE, u_i=OTHER.u_i)

    with pytest.raises(ThresholdError) as error:
        open_sealed(seal_share(bad, reader.public, GROUNDS), reader, GROUNDS, SHARED.key, CAPSULE, 1)
    assert error.value.code is ThresholdCode.DECRYPTION_SHARE_INVALID


def test_suites_are_not_mistaken_for_each_other() -> None:
    readers = [ReaderSecret.draw(suite, chance("reader")) for suite in SealSuite]
    for own, other in (readers, readers[::-1]):
        sealed = seal_share(SHARE, own.public, GROUNDS)
        refused(sealed, other)
        refused(bytes([other.suite.value]) + sealed[1:], own)
        refused(bytes([other.suite.value]) + sealed[1:], other)


@pytest.mark.parametrize("encoded", [b"", bytes(31), bytes(33), bytes(1184), bytes(1215), bytes(1217), *X25519_SMALL])
def test_nothing_is_sealed_to_a_key_that_is_none_or_of_small_order(encoded: bytes) -> None:
    with pytest.raises(ThresholdError) as error:
        seal_share(SHARE, encoded, GROUNDS)
    assert error.value.code is ThresholdCode.READER_KEY_INVALID


@pytest.mark.parametrize("small", X25519_SMALL)
def test_a_hybrid_key_with_half_of_it_of_small_order_is_refused(small: bytes) -> None:
    reader = ReaderSecret.draw(SealSuite.MLKEM768_X25519, chance("reader"))
    with pytest.raises(ThresholdError) as error:
        seal_share(SHARE, reader.public[:-32] + small, GROUNDS)
    assert error.value.code is ThresholdCode.READER_KEY_INVALID


def test_a_hybrid_key_with_a_coefficient_too_large_is_refused() -> None:
    reader = ReaderSecret.draw(SealSuite.MLKEM768_X25519, chance("reader"))
    with pytest.raises(ThresholdError) as error:
        seal_share(SHARE, b"\xff" * 3 + reader.public[3:], GROUNDS)
    assert error.value.code is ThresholdCode.READER_KEY_INVALID


def test_the_readers_secret_is_not_shown() -> None:
    assert repr(ReaderSecret.draw(SealSuite.X25519, chance("reader"))) == "ReaderSecret(suite=<SealSuite.X25519: 1>)"


def refused(sealed: bytes, reader: ReaderSecret) -> None:
    with pytest.raises(ThresholdError) as error:
        open_sealed(sealed, reader, GROUNDS, SHARED.key, CAPSULE, 1)
    assert error.value.code is ThresholdCode.SEAL_INVALID
