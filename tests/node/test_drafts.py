"""Drafts: one transaction passed from signer to signer, with whatever is missing or wrong named before it is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from consortium import a_digest, key_of
from msgspec.structs import replace

from ledger import actions
from ledger.errors import LedgerError
from ledger.transaction import Signer, Transaction, check_shape, check_signatures, sign
from remarque.drafts import Draft, DraftSignature, complete, draft_of, encode_draft, missing, parse_draft, sign_draft
from remarque.errors import NodeError

ALICE, BOB, CAROL = "alice@studio", "bob@agency", "carol@club"
CHAIN = "test-00000000"


def a_transaction(*signers: str) -> Transaction:
    return Transaction(
        chain=CHAIN,
        signers=tuple(Signer(account=name, key=key_of(name).public) for name in signers or (ALICE, BOB)),
        valid_until_ms=1,
        nonce="0" * 32,
        actions=(actions.SellToken(token=a_digest("t"), to=BOB, price=5, currency="EUR"),),
    )


def signed_by(*names: str) -> Draft:
    draft = draft_of(a_transaction())
    for name in names:
        draft = sign_draft(draft, key_of(name))
    return draft


@pytest.mark.parametrize("order", [(ALICE, BOB), (BOB, ALICE), (ALICE, BOB, ALICE)])
def test_whoever_signs_first_the_transaction_is_the_one_signed_at_once(order: tuple[str, ...]) -> None:
    found = complete(parse_draft(encode_draft(signed_by(*order))), CHAIN)
    at_once = sign(a_transaction(), [key_of(ALICE), key_of(BOB)])

    assert found.envelope() == at_once.envelope()
    check_shape(found, CHAIN)
    check_signatures(found)


def test_a_draft_says_who_has_not_signed() -> None:
    assert [missing(signed_by(*names)) for names in ((), (BOB,), (ALICE, BOB))] == [[ALICE, BOB], [ALICE], []]


def test_one_key_signs_for_every_account_that_has_it() -> None:
    transaction = a_transaction()
    twice = replace(transaction, signers=(*transaction.signers, Signer(account=CAROL, key=key_of(ALICE).public)))

    draft = sign_draft(sign_draft(draft_of(twice), key_of(ALICE)), key_of(BOB))

    check_signatures(complete(draft, CHAIN))


def swapped(draft: Draft) -> Draft:
    """Each signature under the other's name: the wrong order."""
    one, other = draft.signatures
    signatures = (replace(one, signature=other.signature), replace(other, signature=one.signature))
    return replace(draft, signatures=signatures)


def with_signatures(draft: Draft, *of: Draft) -> Draft:
    return replace(draft, signatures=tuple(one for other in of for one in other.signatures))


def with_carols(draft: Draft) -> Draft:
    theirs = DraftSignature(account=CAROL, key=key_of(CAROL).public, signature=draft.signatures[0].signature)
    return replace(draft, signatures=(*draft.signatures, theirs))


REFUSED: list[tuple[str, str, Callable[[], Draft]]] = [
    ("SIGNATURE_MISSING", "bob@agency has not signed", lambda: signed_by(ALICE)),
    ("SIGNATURE_MISSING", "alice@studio, bob@agency has not signed", lambda: signed_by()),
    ("SIGNATURE_EXTRA", "a signature of carol@club", lambda: with_carols(signed_by(ALICE, BOB))),
    (
        "SIGNATURE_EXTRA",
        "a signature of alice@studio",
        lambda: with_signatures(signed_by(ALICE, BOB), signed_by(ALICE, BOB), signed_by(ALICE)),
    ),
    (
        "SIGNATURE_INVALID",
        "what stands under alice@studio is the signature of bob@agency",
        lambda: swapped(signed_by(ALICE, BOB)),
    ),
    (
        "SIGNATURE_INVALID",
        "alice@studio's signature does not hold",
        lambda: with_signatures(draft_of(replace(a_transaction(), nonce="1" * 32)), signed_by(ALICE, BOB)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fact", "make"), REFUSED, ids=[f"{row[0]}-{n}" for n, row in enumerate(REFUSED)])
def test_what_is_wrong_is_named(code: str, fact: str, make: Callable[[], Draft]) -> None:
    with pytest.raises(LedgerError, match=code) as refused:
        complete(make(), CHAIN)

    assert fact in str(refused.value)


def test_a_key_that_is_not_asked_to_sign_is_named_with_those_that_are() -> None:
    with pytest.raises(LedgerError, match=r"SIGNATURE_EXTRA.*alice@studio.*bob@agency"):
        sign_draft(signed_by(), key_of(CAROL))


def test_a_draft_of_another_chain_is_refused() -> None:
    with pytest.raises(LedgerError, match="WRONG_CHAIN"):
        complete(signed_by(ALICE, BOB), "other-00000000")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-5],
        lambda data: data.replace(b'"draft":1', b'"draft":2'),
        lambda data: data.replace(b'"price":5', b'"price":0'),
        lambda data: data.replace(b'"price":5', b'"price": 5'),
        lambda data: data.replace(b'"signatures"', b'"signaturez"'),
        lambda data: data + b" " * 200_000,
    ],
)
def test_what_is_no_draft_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NodeError, match="DRAFT_INVALID"):
        parse_draft(change(encode_draft(signed_by(ALICE))))


def test_a_transaction_that_no_node_would_take_makes_no_draft() -> None:
    with pytest.raises(NodeError, match="DRAFT_INVALID"):
        draft_of(replace(a_transaction(), nonce="short"))
