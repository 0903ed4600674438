"""What an auditor holds a chain against besides its genesis: receipts it was given, and recoveries it accepts.

A receipt shows that a block is final, a recovery says which block the survivors went on from; a chain that has another
block in that place is not the chain they belong to. A chain that is told only from a certified block on has nothing to
compare an older receipt with. That is refused rather than passed over, since old receipts are kept for just this.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec import UNSET

from ledger.genesis import Genesis
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

    def __init__(self, receipts: tuple[Receipt, ...], recoveries: Recoveries) -> None:
        """`receipts` are verified, of the chain that is audited; `recoveries` checked and accepted."""
        self._recoveries = recoveries
        self._final: dict[int, set[str]] = {}
        """Hashes by height that receipts show to be final: more than one, and no chain can be the only one."""
        self._lowest: list[int] = []
        """By receipt, the height from which a chain must be told so that all it shows is compared."""
        for receipt in receipts:
            anchor = receipt.header if receipt.anchor is UNSET else receipt.anchor
            changes = [epoch.header for epoch in receipt.epochs]
            for header in (receipt.header, anchor, *changes):
                self._final.setdefault(header.height, set()).add(header.hash)
            self._lowest.append(min(header.height for header in (anchor, *changes)))

    def check_start(self, height: int) -> None:
        """EvidenceBelowStart if a chain that is told from this height on does not show the block of a receipt.

        A block below its receipt's anchor stands in the anchor's log, so comparing the anchor is enough.
        """
        for lowest in self._lowest:
            if lowest < height:
                raise EvidenceBelowStart(
                    f"a receipt of block {lowest} lies below the start, block {height}; it cannot be compared: "
                    "audit the chain from its genesis, or leave the receipt out"
                )

    def other_final(self, height: int, shown: str) -> str | None:
        """A receipt that shows another block at a height, in words."""
        others = self._final.get(height, set()) - {shown}
        return f"a receipt shows {min(others)[:16]}…, here it is {shown[:16]}…" if others else None

    def other_recovered(self, height: int, shown: str) -> str | None:
        """A recovery that goes on from another block at a height, in words."""
        for one in self._recoveries:
            if one.height == height and one.header != shown:
                return f"recovery {one.number} goes on from {one.header[:16]}…, here it is {shown[:16]}…"
        return None

    def final_above(self, height: int) -> str | None:
        """A receipt that shows a block above the newest of the chain, in words."""
        above = min((one for one in self._final if one > height), default=None)
        if above is None:
            return None
        return f"a receipt shows block {above} ({min(self._final[above])[:16]}…), the newest here is below"

    def recovered_above(self, height: int) -> str | None:
        """A recovery that goes on from a block above the newest of the chain, in words."""
        for one in self._recoveries:
            if one.height > height:
                return f"recovery {one.number} goes on from block {one.height}, the newest here is below"
        return None
