"""What parameters are called, mean and look like: a name means the same in every route that is not another API's.

A value of another form is refused before a route looks for anything: REQUEST_MALFORMED, never "not found". A number has
one spelling, and a parameter that is no list stands there once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from ledger.actions.licences import Licensee
from ledger.names import (
    AccountName,
    CollectionName,
    ContentId,
    Count,
    Hex32,
    ManifestLabel,
    NodeName,
    PolicyName,
    Positive,
)
from ledger.state_answer import KEYS_MAX
from pictures.credentials.manifest import SOFT_BINDING
from pictures.source_types import SourceType
from remarque.errors import NodeCode, NodeError

KEY_LENGTH_MAX = 512

Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]


class Meaning(msgspec.Struct, frozen=True):
    """What a parameter is, and for whom."""

    kind: Any
    """Its type; None where FastAPI's own description says it all, of what is a number, a choice or a place."""
    text: str


MEANINGS = {
    "url": Meaning(None, "Where there is no body: the https address of the picture, for a node that fetches them."),
    "alg": Meaning(
        Annotated[str, Meta(pattern=rf"^{re.escape(SOFT_BINDING)}\Z")], "Name of a soft binding in C2PA's list."
    ),
    "value": Meaning(
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/_-]{1,1000}={0,2}\Z")],
        "A binding's value in base64: ISCC units of 256 bits, each with its header (IEP-0020).",
    ),
    "maxResults": Meaning(None, "Most matches that are answered."),
    "manifest": Meaning(ManifestLabel, "A manifest's label."),
    "returnActiveManifest": Meaning(None, "Whether to leave out the manifests of its ingredients."),
    "account": Meaning(AccountName, "An account: a name in an org."),
    "block": Meaning(
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{8,80}\Z")],
        "A content id (CIDv1, SHA-256) of a raw or dag-pb block, in base32, base36 or base58btc.",
    ),
    "car-dups": Meaning(None, "Whether a block stands in a CAR as often as in the file (`y`) or once (`n`)."),
    "car-order": Meaning(None, "The order of a CAR's blocks: depth-first, or any; it is depth-first in both."),
    "car-version": Meaning(None, "The version of the CAR."),
    "after": Meaning(None, "Where to go on: what comes behind that place is answered."),
    "all": Meaning(None, "Whether to wait for all keepers that can be reached, and not only until they are enough."),
    "anchor": Meaning(None, "Height of the certified header to prove it up to; else the first at or above."),
    "asset": Meaning(Hex32, "An asset's id: the digest of its pixels."),
    "at": Meaning(None, "How many bytes of it have come before."),
    "piece": Meaning(Hex32, "A piece commitment, as Filecoin has it."),
    "cid": Meaning(ContentId, "A content id."),
    "collection": Meaning(CollectionName, "A collection: a name in an org."),
    "consistency": Meaning(
        None, "`linearizable`: the answer is of all that was final at any node when the question came."
    ),
    "creator": Meaning(AccountName, "Only what this account created, alone or with others."),
    "dag-scope": Meaning(None, "What a CAR has: the block alone, or the file (`entity` and `all` are the same here)."),
    "entity-bytes": Meaning(
        Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}:(\*|-?[0-9]{1,15})\Z")],
        "`FROM:TO`, both included, or `FROM:*`: a CAR has what is needed for these bytes of the file. What is negative "
        "is counted from the end.",
    ),
    "entry": Meaning(Hex32, "An entry's id: the SHA-256 of its statement."),
    "filter-addrs": Meaning(None, "Which addresses the client can use. It is taken, and not looked at."),
    "filter-protocols": Meaning(None, "Which protocols the client speaks. It is taken, and not looked at."),
    "format": Meaning(None, "`raw` or `car`; it comes before what `Accept` says."),
    "from": Meaning(None, "The lower height."),
    "generation": Meaning(Hex32, "A generation's id: the digest of its request."),
    "height": Meaning(None, "A block's height; the genesis block is 0."),
    "key": Meaning(
        Annotated[list[Key], Meta(min_length=1, max_length=KEYS_MAX)],
        "A key of the state, such as `asset/<id>`; give it several times for several.",
    ),
    "kid": Meaning(Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")], "A key id in base64url."),
    "last-event-id": Meaning(None, "Id of the last event seen; counts before `after`."),
    "limit": Meaning(None, "Most items of the page."),
    "min_height": Meaning(None, "The answer is of this height or of a newer one, or there is none."),
    "name": Meaning(PolicyName, "A policy's name."),
    "licence": Meaning(Hex32, "A licence's id."),
    "licensee": Meaning(Licensee, "Only what is licensed to this account, or to this org."),
    "owner": Meaning(AccountName, "Only what this account owns."),
    "node": Meaning(NodeName, "A node's name."),
    "path": Meaning(
        Annotated[
            str, Meta(pattern=r"^([0-9]|[1-5][0-9]|6[0-3]|entries)/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?\Z")
        ],
        "Level and number of a tile as C2SP writes them, with the width of a partial one.",
    ),
    "proposal": Meaning(Hex32, "A proposal's id: that of the transaction that made it."),
    "range": Meaning(None, "The part that is wanted: `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-COUNT`."),
    "receipts": Meaning(None, "Whether to answer with receipts."),
    "sale_price": Meaning(Count, "A price in minor units."),
    "source_type": Meaning(
        Annotated[str, Meta(pattern=rf"^({'|'.join(one.value for one in SourceType)})\Z")],
        "IPTC's word for where the picture comes from, as its registrant says.",
    ),
    "time_ms": Meaning(None, "A time instead of a height: the newest block not after it is meant."),
    "to": Meaning(None, "The higher height."),
    "token": Meaning(Hex32, "A token's id."),
    "transaction": Meaning(Hex32, "A transaction's id."),
    "transparent": Meaning(None, "Whether to answer with the statement, the receipts of all nodes in it."),
    "upload": Meaning(Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")], "The name of a file that comes in pieces."),
    "version": Meaning(Positive, "A policy's version."),
    "wait": Meaning(None, "Whether to answer once it is final, or at once."),
}
BY_THEIR_ROUTES = ("key", "path")
"""Keys, which have a bound together, and names of files of the log, of which any other is not found."""
_WHOLE = re.compile(r"(0|[1-9][0-9]*)\Z", re.ASCII)


class Form(msgspec.Struct, frozen=True):
    """How the parameters of a route's query may be given."""

    names: frozenset[str]
    several: frozenset[str] = frozenset()
    """Those that may be given more than once."""
    whole: frozenset[str] = frozenset()
    """Those that are whole numbers."""
    flags: frozenset[str] = frozenset()
    """Those that are `true` or `false`."""


def check_query(query: bytes, form: Form, meanings: Mapping[str, Meaning] = MEANINGS) -> None:
    """Refuse parameters that a route does not have, that are given twice, or are spelled in another way than theirs."""
    if not query:
        return
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    unknown = dict.fromkeys(name for name, _ in given if name not in form.names)
    if unknown:
        there_are = f"there are {', '.join(sorted(form.names))}" if form.names else "this route has none"
        raise _malformed(f"no parameter is called {', '.join(unknown)[:200]}; {there_are}")
    seen: set[str] = set()
    for name, value in given:
        if name in seen and name not in form.several:
            raise _malformed(f"{name} is given more than once; give it once")
        seen.add(name)
        if name in form.flags and value not in ("true", "false"):
            raise _malformed(f"{name}={value[:80]!r}; it is true or false")
        _check_form(name, value, meanings, whole=name in form.whole)


def check_path(given: Mapping[str, str], whole: frozenset[str], meanings: Mapping[str, Meaning] = MEANINGS) -> None:
    """Refuse a part of a path that is none of its kind, such as an id with too few digits."""
    for name, value in given.items():
        _check_form(name, value, meanings, whole=name in whole)


def _check_form(name: str, value: str, meanings: Mapping[str, Meaning], *, whole: bool) -> None:
    if whole:
        if _WHOLE.match(value) is None:
            raise _malformed(f"{name}={value[:80]!r} is no whole number; write digits only, the first no zero")
        return
    kind = meanings[name].kind
    if kind is None or name in BY_THEIR_ROUTES:
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _malformed(f"{name}={value[:80]!r} is of another form: {error}") from None


def _malformed(detail: str) -> NodeError:
    return NodeError(NodeCode.REQUEST_MALFORMED, detail)
