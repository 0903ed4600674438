"""The names, numbers and digests that values are made of, each with the one pattern or range it may have.

Patterns end in `\\Z`, never `$`: in Python `$` also matches before a final newline, which would give one value two
spellings. All text that nodes must agree on is compared by code points; nothing is lower-cased or normalised here.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

INTEGER_MAX = 2**53 - 1
"""Largest integer anywhere on the chain, so that JavaScript readers see the same number."""

ReaderKeyHex = Annotated[str, Meta(pattern=r"^([0-9a-f]{64}|[0-9a-f]{2432})\Z")]
"""X25519's public key, or ML-KEM-768's with that behind it (`threshold.ReaderSecret.public`)."""
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""32 bytes as lower-case hex: digests and public keys."""
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
"""64 bytes as lower-case hex: Ed25519 signatures."""
Hex16 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""16 bytes as lower-case hex: nonces and salts."""

ChainName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
OrgName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
NodeName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
ACCOUNT_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,31}@[a-z0-9][a-z0-9-]{0,31}\Z"
AccountName = Annotated[str, Meta(pattern=ACCOUNT_PATTERN)]
"""`alice@acme`: a name in an org."""
RoleName = Annotated[str, Meta(pattern=r"^[a-z][a-z-]{0,31}\Z")]
ADMINISTRATOR = "administrator"
"""The role whose holders act for their org: they look after its accounts and nodes, propose and vote."""
KEEPER = "keeper"
"""The role whose holders keep shares of the consortium's key."""
CollectionName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}@[a-z0-9][a-z0-9-]{0,31}\Z")]
"""`spring-2027@acme`: a name in an org, as an account's is."""
CurrencyCode = Annotated[str, Meta(pattern=r"^[A-Z]{3,8}\Z")]
PolicyVersion = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}@[1-9][0-9]{0,15}\Z")]
"""`calm@1`."""
PolicyName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}\Z")]
ContentId = Annotated[str, Meta(pattern=r"^baf(kr|yb)ei[a-h][a-z2-7]{50}[aeimquy4]\Z")]
"""A CIDv1 of SHA-256 over a raw or dag-pb block, in base32: exactly what `remarque/cid.py` takes."""
DirectoryId = Annotated[str, Meta(pattern=r"^bafybei[a-h][a-z2-7]{50}[aeimquy4]\Z")]
"""A content id of a dag-pb block, such as a directory is."""
ImageCode = Annotated[str, Meta(pattern=r"^ISCC:[A-Z2-7]{10,120}\Z")]
MediaType = Annotated[str, Meta(pattern=r"^image/(png|jpeg|webp|tiff|gif|bmp|avif|heic|jxl)\Z")]
"""Of the pictures that nodes read: nothing else is recorded, which whoever fetches it might run instead of show."""
MarkId = Annotated[str, Meta(pattern=r"^[0-9a-f]{10}\Z")]
"""The 40 bits of an invisible watermark, in hex. They are few and can be copied: a mark points, and proves nothing."""
ManifestLabel = Annotated[str, Meta(pattern=r"^urn:c2pa:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
"""What a C2PA manifest is called."""
SourceType = Annotated[str, Meta(pattern=r"^[a-z][A-Za-z]{2,47}\Z")]
"""A word of IPTC's NewsCodes for digital source types, such as `trainedAlgorithmicMedia`: how a picture came about."""

_DNS_LABEL = "([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])"
_DNS_NAME = rf"(?=[^:]{{1,253}}:)({_DNS_LABEL}\.)*([a-z]|[a-z][a-z0-9-]{{0,61}}[a-z0-9])"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_GROUP = "[0-9a-f]{1,4}"
_IPV6 = "|".join(
    (
        f"({_GROUP}:){{7}}{_GROUP}",
        f"({_GROUP}:){{1,7}}:",
        *(f"({_GROUP}:){{1,{7 - after}}}(:{_GROUP}){{1,{after}}}" for after in range(1, 7)),
        f":(:{_GROUP}){{1,7}}",
        "::",
    )
)
_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_PEER = rf"^({_DNS_NAME}|{_OCTET}(\.{_OCTET}){{3}}|\[({_IPV6})\]):{_PORT}\Z"
PeerAddress = Annotated[str, Meta(max_length=261, pattern=_PEER)]
"""`node1.studio.example:7100`: host and port of a node's peer port. The host is a DNS name in lower case, whose last
label begins with a letter, an IPv4 address, or an IPv6 address in brackets."""

SettingName = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
"""A setting of a generation, such as `prompt`."""

Int = Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Count = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
Positive = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
TimeMs = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
"""Milliseconds since 1970-01-01T00:00Z."""
Ppm = Annotated[int, Meta(ge=0, le=1_000_000)]
"""Parts per million; 1,000,000 is the whole."""
Memo = Annotated[str, Meta(max_length=256)]

StatementText = Annotated[str, Meta(pattern=r"^[ -~]{1,256}\Z")]
"""A statement's issuer or subject: printable ASCII, so that it reads the same everywhere."""


def org_of(account: str) -> str:
    """Name of the org an account belongs to."""
    return account.partition("@")[2]
