"""A time-stamp for a manifest, put where its signature has left room for it.

The room is padding that no digest covers, so the manifest, the file and every place in it stay what they are. It is the
same whether the stamp is had at once or days later. An update manifest would also do for the latter, but it grows; WebP
and TIFF tell a manifest's size in bytes that the digest does cover, and there it would break what it is to stamp.

What is stamped is the signature, as a counter-signature of RFC 9052; see C2PA 2.4, 10.3.2.5.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import cbor2
from asn1crypto import tsp

from pictures.credentials.stores import signature_at
from pictures.credentials.timestamps import granted, request_for
from pictures.errors import PictureCode, PictureError

_STAMPS, _PADDING = "sigTst2", "pad"
_NONCE_BITS = 63
_LENGTH_BYTES = 9
"""That CBOR has at most before a string of bytes."""


def stamped(store: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    """A manifest store of the same length, with a time-stamp in the manifest in force.

    `stamp` answers a request of RFC 3161; what it raises means that no stamp is to be had. NOT_SIGNED then, or if there
    is no manifest, or one that is stamped or has no room left.
    """
    start, end = signature_at(store)
    if end == 0:
        raise _refused("there is no manifest that could be stamped")
    return store[:start] + _with_stamp(store[start:end], stamp) + store[end:]


def _with_stamp(signature: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    """A signature (COSE_Sign1) of the same length with a stamp in place of some of its padding."""
    tag: Any = cbor2.loads(signature)
    protected, headers, payload, value = tag.value
    if _STAMPS in headers:
        raise _refused("the manifest has a time-stamp")
    counter = cbor2.dumps(["CounterSignature", protected, b"", cbor2.dumps(value)])
    token = _token(hashlib.sha256(counter).digest(), stamp)
    told = {**headers, _STAMPS: {"tstTokens": [{"val": token}]}}

    def padded(size: int) -> bytes:
        return cbor2.dumps(cbor2.CBORTag(tag.tag, [protected, {**told, _PADDING: bytes(size)}, payload, value]))

    padding = len(headers.get(_PADDING, b""))
    left = padding - (len(padded(padding)) - len(signature))
    for size in range(max(0, left), left + _LENGTH_BYTES):  # fewer bytes may be told of by a shorter length
        if len(found := padded(size)) == len(signature):
            return found
    raise _refused("the manifest has no room for a time-stamp")


def _token(digest: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    """A token (DER) for a digest."""
    try:
        response = stamp(request_for(digest, secrets.randbits(_NONCE_BITS)))
    except Exception:  # whatever keeps the authority from answering
        raise _refused("no time-stamp is to be had; try again when the authority answers") from None
    if not granted(response):
        raise _refused("the authority refuses a time-stamp; ask its member why")
    return bytes(tsp.TimeStampResp.load(response)["time_stamp_token"].dump())


def _refused(fact: str) -> PictureError:
    return PictureError(PictureCode.NOT_SIGNED, fact)
