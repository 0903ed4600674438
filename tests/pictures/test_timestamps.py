"""Time-stamps after RFC 3161: others verify them, and bad requests are refused with its words."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any, ClassVar

import pytest
from asn1crypto import core, tsp
from credentialed import the_studio
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from pictures.credentials.certificates import STAMP_POLICY
from pictures.credentials.timestamps import REQUEST_BYTES_MAX, StampKeys, answer, granted, request_for

DIGEST = hashlib.sha256(b"message").digest()
TIME = datetime.now(UTC).replace(microsecond=999_999)


def stamped(request: bytes) -> bytes:
    studio = the_studio()
    return answer(request, StampKeys(studio.stamp_key, (studio.stamp_leaf, studio.issuing)), TIME, 4711)


def a_request(**changed: Any) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST}
    return bytes(tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True, **changed}).dump())


def failure_of(response: bytes) -> Any:
    class Refusal(core.Sequence):  # type: ignore[misc]
        _fields: ClassVar = [("status", tsp.PKIStatusInfo)]

    status = Refusal.load(response, strict=True)["status"]
    assert status["status"].native == "rejection"
    assert status["status_string"].native
    return status["fail_info"].native


def test_a_client_of_others_verifies_a_time_stamp() -> None:
    studio = the_studio()
    response = decode_timestamp_response(stamped(request_for(DIGEST, nonce=99)))
    verifier = (
        VerifierBuilder()
        .add_root_certificate(x509.load_pem_x509_certificate(studio.root.encode()))
        .add_intermediate_certificate(x509.load_pem_x509_certificate(studio.issuing.encode()))
        .policy_id(x509.ObjectIdentifier(STAMP_POLICY))
        .nonce(99)
        .build()
    )

    assert verifier.verify_message(response, b"message")
    assert response.tst_info.gen_time == TIME.replace(microsecond=0)
    assert response.tst_info.serial_number == 4711


def test_openssl_verifies_a_time_stamp_and_refuses_another_message(tmp_path: Path) -> None:
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here")
    studio = the_studio()
    files = {"root.pem": studio.root, "issuing.pem": studio.issuing}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "response").write_bytes(stamped(request_for(DIGEST, nonce=1)))
    command = [openssl, "ts", "-verify", "-in", "response", "-CAfile", "root.pem", "-untrusted", "issuing.pem"]

    def verified(digest: bytes) -> bool:
        asked = [*command, "-digest", digest.hex()]
        return subprocess.run(asked, cwd=tmp_path, capture_output=True, check=False, timeout=30).returncode == 0

    assert verified(DIGEST)
    assert not verified(hashlib.sha256(b"another").digest())


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_whole_digests_of_three_kinds_are_stamped(name: str) -> None:
    digest = hashlib.new(name, b"message").digest()
    imprint = {"hash_algorithm": {"algorithm": name}, "hashed_message": digest}
    response = tsp.TimeStampResp.load(stamped(a_request(message_imprint=imprint)), strict=True)
    content = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed

    assert content["message_imprint"]["hashed_message"].native == digest
    assert content["nonce"].native is None


def test_certificates_come_only_where_they_are_asked_for() -> None:
    with_them, without = (
        tsp.TimeStampResp.load(stamped(a_request(cert_req=asked)), strict=True)["time_stamp_token"]["content"]
        for asked in (True, False)
    )

    assert len(with_them["certificates"]) == 2
    assert without["certificates"].native is None


REFUSED: dict[str, tuple[bytes, str]] = {
    "another digest": (
        a_request(message_imprint={"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": bytes(20)}),
        "bad_alg",
    ),
    "a digest cut short": (
        a_request(message_imprint={"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(31)}),
        "bad_alg",
    ),
    "another policy": (a_request(req_policy="1.2.3.4"), "unaccepted_policy"),
    "an extension": (
        a_request(extensions=[{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"\x05\x00"}]),
        "unaccepted_extensions",
    ),
    "a nonce of 300 bits": (a_request(nonce=1 << 300), "bad_request"),
    "no DER": (b"time, please", "bad_data_format"),
    "nothing": (b"", "bad_data_format"),
    "something behind it": (a_request() + b"\0", "bad_data_format"),
    "an algorithm cut short": (a_request().replace(b"\x06\x09", b"\x06\x02"), "bad_data_format"),
    "parameters that are no bits": (a_request().replace(b"\x02\x01\x05\x00", b"\x03\x01\x03\x00"), "bad_data_format"),
    "too long": (a_request(nonce=1 << 8 * REQUEST_BYTES_MAX), "bad_data_format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_request_is_refused_with_the_words_of_rfc_3161(name: str) -> None:
    request, failure = REFUSED[name]
    response = stamped(request)

    assert failure_of(response) == {failure}
    assert not granted(response)


@given(st.binary(max_size=200), st.integers(0, 80))
def test_no_request_raises(noise: bytes, at: int) -> None:
    whole = a_request(nonce=7)

    for request in (noise, whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        assert stamped(request)
        granted(noise)
