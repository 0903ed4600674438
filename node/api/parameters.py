"""What parameters mean: a name means the same in every route.

Most are only described here, with the form of what can be found under them. What is of another form is not found, and
refused by the room that looks for it, with its own code.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ledger.names import AccountName, CollectionName, ContentId, Count, Hex32, PolicyName, Positive
from ledger.state_answer import KEYS_MAX
from node.api.proofs import KEY_LENGTH_MAX

Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]


class Meaning(msgspec.Struct, frozen=True):
    """What a parameter is, and for whom."""

    kind: Any
    """Its type; None where FastAPI's own description says it all."""
    text: str


MEANINGS = {
    "account": Meaning(AccountName, "An account: a name in an org."),
    "after": Meaning(None, "Where to go on: what comes behind that place. Empty: from the beginning."),
    "anchor": Meaning(None, "Height of the certified header to prove it up to; else the first at or above."),
    "asset": Meaning(Hex32, "An asset's id: the digest of its pixels."),
    "cid": Meaning(ContentId, "A content id."),
    "collection": Meaning(CollectionName, "A collection: a name in an org."),
    "entry": Meaning(Hex32, "An entry's id: the SHA-256 of its statement."),
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
    "name": Meaning(PolicyName, "A policy's name."),
    "path": Meaning(
        Annotated[
            str, Meta(pattern=r"^([0-9]|[1-5][0-9]|6[0-3]|entries)/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?\Z")
        ],
        "Level and number of a tile as C2SP writes them, with the width of a partial one.",
    ),
    "proposal": Meaning(Hex32, "A proposal's id: that of the transaction that made it."),
    "receipts": Meaning(None, "Whether to answer with receipts."),
    "sale_price": Meaning(Count, "A price in minor units."),
    "time_ms": Meaning(None, "A time instead of a height: the newest block not after it is meant."),
    "to": Meaning(None, "The higher height."),
    "token": Meaning(Hex32, "A token's id."),
    "transaction": Meaning(Hex32, "A transaction's id."),
    "transparent": Meaning(None, "Whether to answer with the statement, the receipts of all nodes in it."),
    "version": Meaning(Positive, "A policy's version."),
    "wait": Meaning(None, "Whether to answer once it is final, or at once."),
}
