"""A time-stamp authority after RFC 3161, as functions: bytes of a request in, bytes of a response out.

A member's node says by it when a manifest was signed, so that the manifest stays valid after its certificate has run
out. Requests come from anyone: they are bounded, checked whole, and refused with the words of RFC 3161, 2.4.2.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pictures.credentials.certificates import STAMP_POLICY, chain_of

REQUEST_BYTES_MAX = 4096
RESPONSE_BYTES_MAX = 64 * 1024
NONCE_BITS_MAX = 256
REQUEST_TYPE = "application/timestamp-query"
RESPONSE_TYPE = "application/timestamp-reply"

_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
_ACCURACY_SECONDS = 1
_UNREADABLE = (ValueError, TypeError, LookupError, OverflowError, AttributeError)
"""What asn1crypto raises over bytes that have not the form that is asked for."""

Failure = Literal["bad_alg", "bad_request", "bad_data_format", "unaccepted_policy", "unaccepted_extensions"]


@dataclass(frozen=True)
class StampKeys:
    """What an authority stamps with."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[str, ...]
    """PEM, its own certificate first; without the root."""
    policy: str = STAMP_POLICY
    """The only one it stamps under."""


class _RequestRefused(Exception):  # it never leaves this module
    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


class _Refusal(core.Sequence):  # type: ignore[misc] # its module has no types
    """A response without a token, which the library has no form of."""

    _fields: ClassVar = [("status", tsp.PKIStatusInfo)]


def answer(request: bytes, keys: StampKeys, time: datetime, serial: int) -> bytes:
    """The response to a request (both DER): a token for a time, to the second, or a refusal. Nothing is raised.

    `serial` must differ from that of every other token under this certificate: 63 random bits do.
    """
    try:
        asked = _checked(request, keys.policy)
    except _RequestRefused as refusal:
        return _refusal(refusal.failure, refusal.text)
    token = _token(asked, keys, time, serial)
    return _encoded(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}))


def request_for(digest: bytes, nonce: int) -> bytes:
    """A request (DER) to stamp a SHA-256 digest, whose token shall come with its certificates."""
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
    fields = {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return _encoded(tsp.TimeStampReq(fields))


def granted(response: bytes) -> bool:
    """Whether a response (DER) is one that holds a token; what the token says is for whoever verifies it."""
    if len(response) > RESPONSE_BYTES_MAX:
        return False
    try:
        found = tsp.TimeStampResp.load(response, strict=True)
        return found["status"]["status"].native in ("granted", "granted_with_mods") and bool(
            found["time_stamp_token"].dump()
        )
    except _UNREADABLE:
        return False


def _checked(request: bytes, policy: str) -> tsp.TimeStampReq:
    """A request that can be granted."""
    if len(request) > REQUEST_BYTES_MAX:
        raise _RequestRefused("bad_data_format", f"a request has at most {REQUEST_BYTES_MAX} bytes, not {len(request)}")
    try:
        asked = tsp.TimeStampReq.load(request, strict=True)
        imprint, extensions = asked["message_imprint"].native, asked["extensions"].native
        version, nonce, wanted = asked["version"].native, asked["nonce"].native, asked["req_policy"].native
        whole = asked.dump(force=True) == request
    except _UNREADABLE:
        raise _RequestRefused("bad_data_format", "the bytes are no TimeStampReq in DER") from None
    if not whole or version != "v1" or (nonce is not None and nonce.bit_length() > NONCE_BITS_MAX):
        raise _RequestRefused("bad_request", "a request is of version 1, in DER, with a nonce of 256 bits at most")
    algorithm, digest = imprint["hash_algorithm"], imprint["hashed_message"]
    if len(digest) != _DIGEST_BYTES.get(algorithm["algorithm"]) or algorithm["parameters"] is not None:
        raise _RequestRefused("bad_alg", "what is stamped is a whole digest of SHA-256, SHA-384 or SHA-512")
    if wanted is not None and wanted != policy:
        raise _RequestRefused("unaccepted_policy", f"tokens are given under {policy} only")
    if extensions:
        raise _RequestRefused("unaccepted_extensions", "no extension is taken")
    return asked


def _refusal(failure: Failure, text: str) -> bytes:
    status = {"status": "rejection", "status_string": [text], "fail_info": {failure}}
    return _encoded(_Refusal({"status": status}))


def _token(asked: tsp.TimeStampReq, keys: StampKeys, time: datetime, serial: int) -> cms.ContentInfo:
    """RFC 3161, 2.4.2: signed data over what is stamped."""
    chain = _as_asn1(keys.chain)
    content = _stamped(asked, keys.policy, time, serial).dump()
    attributes = _attributes(content, chain[0], time)
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(content)},
        "signer_infos": [_signer(attributes, chain[0], keys.key)],
    }
    if asked["cert_req"].native:
        signed["certificates"] = [cms.CertificateChoices({"certificate": one}) for one in chain]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


def _stamped(asked: tsp.TimeStampReq, policy: str, time: datetime, serial: int) -> tsp.TSTInfo:
    fields: dict[str, Any] = {
        "version": "v1",
        "policy": policy,
        "message_imprint": asked["message_imprint"],
        "serial_number": serial,
        "gen_time": time.replace(microsecond=0),  # readers refuse parts of a second
        "accuracy": {"seconds": _ACCURACY_SECONDS},
    }
    if asked["nonce"].native is not None:
        fields["nonce"] = asked["nonce"]
    return tsp.TSTInfo(fields)


def _attributes(content: bytes, certificate: asn1_x509.Certificate, time: datetime) -> cms.CMSAttributes:
    """What is signed: the kind and digest of the content, and by which certificate (RFC 5816)."""
    digest = hashlib.sha256(certificate.dump()).digest()
    named = tsp.ESSCertIDv2({"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "cert_hash": digest})
    values: tuple[tuple[str, Any], ...] = (
        ("content_type", "tst_info"),
        ("signing_time", cms.Time({"utc_time": time})),
        ("message_digest", hashlib.sha256(content).digest()),
        ("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [named]})),
    )
    return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values])


def _signer(
    attributes: cms.CMSAttributes, certificate: asn1_x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> cms.SignerInfo:
    issued = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": cms.IssuerAndSerialNumber(issued)}),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
    )


def _encoded(value: core.Asn1Value) -> bytes:
    """A value in DER."""
    return bytes(value.dump())


@lru_cache(maxsize=16)
def _as_asn1(chain: tuple[str, ...]) -> tuple[asn1_x509.Certificate, ...]:
    encoded = (one.public_bytes(serialization.Encoding.DER) for one in chain_of(chain))
    return tuple(asn1_x509.Certificate.load(one) for one in encoded)
