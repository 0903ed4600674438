"""The client for programs with an event loop. What it can do is in a module each:

how it reaches nodes (`requesting.py`), what it reads (`reading.py`) and has proven (`proving.py`), how it signs and
submits (`submitting.py`), how it moves large files (`transferring.py`), what it does with pictures (`picturing.py`,
`access.py`), on the market (`trading.py`), about rules (`governing.py`), about copies of content (`keeping.py`) and for
a node whose generator it is (`working.py`). `client.py` is the same for programs that block, written from here.
"""

from __future__ import annotations

from remarque.access import AccessMethods
from remarque.governing import GovernanceMethods
from remarque.keeping import KeepingMethods
from remarque.proving import ProofMethods
from remarque.working import WorkMethods


class AsyncClient(AccessMethods, GovernanceMethods, KeepingMethods, ProofMethods, WorkMethods):
    """An account's access to nodes. `async with AsyncClient(url, account, key) as client: …`

    Methods refuse with RemarqueError, whose `code` is a permanent word; `remarque.errors` says what else may be met.
    """
