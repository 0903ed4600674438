from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import actions
from ledger.encoding import decode, encode
from ledger.errors import Code, LedgerError
from ledger.transaction import Transaction

PAY = b'{"amount":5,"currency":"EUR","to":"bob@agency","type":"payment.transfer"}'


def test_a_value_has_one_spelling() -> None:
    value = decode(PAY, actions.Pay)

    assert encode(value) == PAY


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        (PAY.replace(b",", b", "), Code.NOT_CANONICAL),
        (PAY.replace(b"EUR", b"\\u0045UR"), Code.NOT_CANONICAL),
        (PAY + b"\n", Code.NOT_CANONICAL),
        (b"\xef\xbb\xbf" + PAY, Code.MALFORMED),
        (b'{"currency":"EUR","amount":5,"to":"bob@agency","type":"payment.transfer"}', Code.NOT_CANONICAL),
        (b'{"amount":5,"amount":5,"currency":"EUR","to":"bob@agency","type":"payment.transfer"}', Code.NOT_CANONICAL),
        (PAY.replace(b"5", b"5.0"), Code.MALFORMED),
        (PAY.replace(b"5", b"5e0"), Code.MALFORMED),
        (PAY.replace(b":5", b":-0"), Code.MALFORMED),
        (PAY.replace(b":5", b":9007199254740992"), Code.MALFORMED),
        (PAY.replace(b":5", b":" + b"9" * 5_000), Code.MALFORMED),
        (PAY.replace(b":5", b":null"), Code.MALFORMED),
        (PAY.replace(b":5", b':"5"'), Code.MALFORMED),
        (PAY.replace(b"bob@agency", b"bob@agency\\n"), Code.MALFORMED),
        (PAY.replace(b"bob@agency", b"BOB@agency"), Code.MALFORMED),
        (PAY.replace(b"bob@agency", "bоb@agency".encode()), Code.MALFORMED),
        (PAY.replace(b"bob@agency", b"\xff\xfe"), Code.MALFORMED),
        (PAY.replace(b"bob@agency", b"\\ud800"), Code.MALFORMED),
        (PAY.replace(b'"to"', b'"extra":1,"to"'), Code.MALFORMED),
        (PAY.replace(b"payment.transfer", b"payment.unknown"), Code.MALFORMED),
        (b"[" * 100_000, Code.MALFORMED),
        (b"", Code.MALFORMED),
        (b"null", Code.MALFORMED),
    ],
)
def test_any_other_spelling_is_refused(spelling: bytes, code: Code) -> None:
    with pytest.raises(LedgerError) as refused:
        decode(spelling, actions.Pay)

    assert refused.value.code is code


@given(st.binary(max_size=400))
def test_bytes_from_anyone_are_a_value_or_a_refusal(data: bytes) -> None:
    try:
        value = decode(data, Transaction)
    except LedgerError:
        return
    assert encode(value) == data


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.booleans(), lambda inner: st.lists(inner)))
def test_encoding_agrees_with_a_decoder_of_another_make(value: object) -> None:
    import json

    assert json.loads(encode({"v": value})) == {"v": value}


def test_absent_fields_are_left_out_rather_than_null() -> None:
    content = actions.Content(cid="bafkrei" + "a" * 52, size=1, media_type="image/png")

    assert b"sealed_keys" not in encode(content)
    assert msgspec.json.decode(encode(content), type=actions.Content) == content


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "image/png\n", "IMAGE/PNG", "image/jp2", ""])
def test_nothing_but_a_picture_type_that_nodes_read_is_recorded(media_type: str) -> None:
    content = {"cid": "bafkrei" + "a" * 52, "size": 1, "media_type": media_type}

    with pytest.raises(msgspec.ValidationError, match="media_type"):
        msgspec.convert(content, actions.Content)
    assert msgspec.convert(content | {"media_type": "image/png"}, actions.Content).media_type == "image/png"
