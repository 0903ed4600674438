"""Other spellings: of content ids, which programs write in several bases, and of node keys, as IPFS names peers.

Sources: the specifications of multibase, CID and libp2p's peer ids.
"""

from __future__ import annotations

from remarque.cid import CID_BYTES, CidInvalid, cid_text, parse_cid

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_DIGITS = {"z": _BASE58, "k": _BASE36, "K": _BASE36.upper()}
"""Of each base that is no power of two, by the letter that a text in it begins with."""
_ED25519_PEER = bytes.fromhex("0024080112" + "20")
"""Before an Ed25519 key in a peer id: the digest that is the value itself, of a key as libp2p writes it."""


def cid_in(text: str) -> str:
    """A content id as it is spelled here, from its spelling in base32, base36 or base58btc. CidInvalid."""
    digits = _DIGITS.get(text[:1])
    if digits is None:
        spelled = text.lower() if text[:1] == "B" else text
        parse_cid(spelled)
        return spelled
    number = 0
    for letter in text[1:]:
        place = digits.find(letter)
        if place < 0:
            raise CidInvalid(f"{text[:80]!r} is of no base that is read here")
        number = number * len(digits) + place
    if number.bit_length() > 8 * CID_BYTES:
        raise CidInvalid(f"{text[:80]!r} is longer than the content ids that are used here")
    return cid_text(number.to_bytes(CID_BYTES, "big"))


def peer_id(key: str) -> str:
    """What IPFS calls a peer with an Ed25519 key, given as hex."""
    packed = _ED25519_PEER + bytes.fromhex(key)
    number, out = int.from_bytes(packed, "big"), ""
    while number:
        number, place = divmod(number, len(_BASE58))
        out = _BASE58[place] + out
    return _BASE58[0] * (len(packed) - len(packed.lstrip(b"\0"))) + out
