"""Opening a session as any program would, without the SDK."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from devnet.cluster import Cluster
from ledger import crypto
from ledger.encoding import encode


def open_session(cluster: Cluster, account: str) -> str:
    """The token of a session at the first node."""
    url, key = cluster.urls[0], cluster.key(account)
    challenge = _posted(url + "/v1/sessions/challenge", {"account": account})
    opened = {
        "account": account,
        "key": key.public,
        "challenge": json.loads(challenge)["challenge"],
        "signature": key.sign(crypto.SESSION, challenge),
    }
    return str(json.loads(_posted(url + "/v1/sessions", opened))["token"])


def _posted(url: str, body: dict[str, Any]) -> bytes:
    with urllib.request.urlopen(url, data=encode(body), timeout=10) as answer:
        return bytes(answer.read())
