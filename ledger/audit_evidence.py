"""What an auditor holds a chain against besides its genesis: receipts, recoveries it accepts, a header it knows.

A receipt shows that a block is final, a recovery says which block the survivors went on from; a chain that has another
block in that place is not the chain they belong to. A chain that is told only from a certified block on has nothing to
compare an older receipt with. That is refused rather than passed over, since old receipts are kept for just this. What
is compared below that block are the voters: who voted where, and when they changed.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec import UNSET

from ledger.block import Header
from ledger.epochs import Epochs, epochs_below
from ledger.genesis import Genesis
from ledger.known import known_fault
from ledger.receipt import Receipt, ReceiptRefused, verify_receipt
from ledger.recovery import Recoveries


class EvidenceBelowStart(Exception):
    """A receipt is of a block below the one the chain is told from. Audit the whole chain, or leave the receipt out."""


def verified_evidence(data: bytes, genesis: Genesis, recoveries: Recoveries) -> Receipt:
    """A receipt that a chain may be held against; else ReceiptRefused.

    That includes one of a block that a recovery dropped: it held by the recoveries before, and shows what was lost.
    """
    try:
        return verify_receipt(data, genesis, recoveries)
    except ReceiptRefused:
        for count in range(len(recoveries)):
            with suppress(ReceiptRefused):
                return verify_receipt(data, genesis, recoveries[:count])
        raise


class Evidence:
    """Which blocks a chain must have."""

    def __init__(self, receipts: tuple[Receipt, ...], recoveries: Recoveries, known: Header | None = None) -> None:
        """`receipts` are verified, of the chain that is audited; `recoveries` checked and accepted."""
        self._recoveries = recoveries
        self._headers: list[Header] = [] if known is None else [known]
        """All that must be the chain's."""
        self._anchors: list[int] = []
        """By receipt, the height from which a chain must be told so that all it shows is compared."""
        for receipt in receipts:
            anchor = receipt.header if receipt.anchor is UNSET else receipt.anchor
            self._headers += [*(epoch.header for epoch in receipt.epochs), receipt.header, anchor]
            self._anchors.append(anchor.height)
        self._final: dict[int, set[str]] = {}
        """Their hashes by height: more than one, and no chain can be the only one."""
        for header in self._headers:
            self._final.setdefault(header.height, set()).add(header.hash)

    def other_before(self, start: Header, epochs: Epochs, genesis: Genesis) -> str | None:
        """Evidence of other voters below the block that a chain is told from, by its changes of voters; in words."""
        below = epochs_below(epochs, start, self._recoveries)
        for header in self._headers:
            if fault := known_fault(header, start, below, genesis, self._recoveries):
                return f"evidence shows block {header.height}, {fault}"
        return None

    def check_start(self, height: int) -> None:
        """EvidenceBelowStart if a chain that is told from this height on does not show the block of a receipt.

        A block below its receipt's anchor stands in the anchor's log, so comparing the anchor is enough; its changes of
        voters were compared by the voters they name (`other_before`).
        """
        for anchor in self._anchors:
            if anchor < height:
                raise EvidenceBelowStart(
                    f"a receipt of block {anchor} lies below the start, block {height}; it cannot be compared: "
                    "audit the chain from its genesis, or leave the receipt out"
                )

    def other_final(self, height: int, shown: str) -> str | None:
        """Evidence of another block at a height, in words."""
        others = self._final.get(height, set()) - {shown}
        return f"evidence shows {min(others)[:16]}…, here it is {shown[:16]}…" if others else None

    def other_recovered(self, height: int, shown: str) -> str | None:
        """A recovery that goes on from another block at a height, in words."""
        for one in self._recoveries:
            if one.height == height and one.header != shown:
                return f"recovery {one.number} goes on from {one.header[:16]}…, here it is {shown[:16]}…"
        return None

    def final_above(self, height: int) -> str | None:
        """Evidence of a block above the newest of the chain, in words."""
        above = min((one for one in self._final if one > height), default=None)
        if above is None:
            return None
        return f"evidence shows block {above} ({min(self._final[above])[:16]}…), the newest here is below"

    def recovered_above(self, height: int) -> str | None:
        """A recovery that goes on from a block above the newest of the chain, in words."""
        for one in self._recoveries:
            if one.height > height:
                return f"recovery {one.number} goes on from block {one.height}, the newest here is below"
        return None
