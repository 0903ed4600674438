"""The consortium's key: who keeps shares of it, and how it is made."""

from __future__ import annotations

from ledger.events.parts import Event


class KeeperEnrolled(Event, frozen=True, tag="keeper.enrolled", kw_only=True):
    keeper: str
    holder_key: str


class CeremonyBegun(Event, frozen=True, tag="ceremony.begun", kw_only=True):
    """These keepers are to hold shares; of them so many open."""

    ceremony: str
    keepers: tuple[str, ...]
    threshold: int
    former_epoch: int
    """Of the key that is shared anew; 0 if a new one is made."""


class SharesDealt(Event, frozen=True, tag="ceremony.dealt", kw_only=True):
    ceremony: str
    dealer: str


class DealerConvicted(Event, frozen=True, tag="ceremony.dealer_convicted", kw_only=True):
    """The dealer sealed another share than it committed to, as the complaint proves to everybody."""

    ceremony: str
    dealer: str
    keeper: str
    """Who showed it."""


class SharesConfirmed(Event, frozen=True, tag="ceremony.confirmed", kw_only=True):
    ceremony: str
    keeper: str


class KeyShared(Event, frozen=True, tag="ceremony.key_shared", kw_only=True):
    """The ceremony ended with a key, in force from now on."""

    ceremony: str
    epoch: int
    key: str
    """`threshold.ThresholdKey`, hex."""


class CeremonyFailed(Event, frozen=True, tag="ceremony.failed", kw_only=True):
    """The ceremony ended without a key, and what was dealt is void."""

    ceremony: str
    reason: str
