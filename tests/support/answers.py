"""Whether what a route answers is what `remarque.api` says it is."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.encoding import encode


def check_is(kind: Any, data: bytes) -> None:
    """The bytes are those of a value of a kind, with no field that it does not know."""
    assert encode(msgspec.json.decode(data, type=kind)) == data
