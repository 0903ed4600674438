"""What keepers ask for: to hold a share of the consortium's key, and the steps of a ceremony in which it is made."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.actions.parts import Action
from ledger.governance import KEEPERS_MAX
from ledger.names import Hex32

HolderKeyHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{192}\Z")]
"""A holder key with its proof of possession (`threshold.HolderKey`)."""
DealingHex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){227,1100}\Z")]
"""What a dealer says to all (`threshold.Dealing`)."""
DealerIndex = Annotated[int, Meta(ge=1, le=KEEPERS_MAX)]
ComplaintHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{196}\Z")]
"""A holder against a dealer (`threshold.Complaint`)."""


class EnrolKeeper(Action, frozen=True, tag="keeper.enrol", kw_only=True):
    """Say with which holder key the signing account keeps a share of the consortium's key; it replaces an earlier one.

    By an account with the role `keeper`. The key holds from the next ceremony on.
    """

    holder_key: HolderKeyHex


class DealShares(Action, frozen=True, tag="ceremony.deal", kw_only=True):
    """Give one's dealing in the ceremony that is open. By one of its dealers, once."""

    ceremony: Hex32
    dealing: DealingHex


class ComplainOfShare(Action, frozen=True, tag="ceremony.complain", kw_only=True):
    """Show that a dealer sealed to the signing keeper another share than it committed to: its dealing is left out."""

    ceremony: Hex32
    complaint: ComplaintHex


class ConfirmShares(Action, frozen=True, tag="ceremony.confirm", kw_only=True):
    """Say that the signing keeper opened all that it was dealt. The last confirmation ends the ceremony."""

    ceremony: Hex32
    dealers: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=KEEPERS_MAX)], ...], Meta(min_length=1, max_length=KEEPERS_MAX)
    ]
    """Indices of those whose dealings it opened: of all that are not left out."""


class EndCeremony(Action, frozen=True, tag="ceremony.end", kw_only=True):
    """End a ceremony whose time is over: with a key, if enough dealt and confirmed, else without. By any keeper."""

    ceremony: Hex32
