"""Orgs, nodes, models, currencies, and what accounts hold.

An account itself is answered as `ledger.records.Account`.
"""

from __future__ import annotations

from ledger.records import Currency, Model, NodeRecord, Org
from remarque.api.shapes import Page


class OrgsPage(Page, frozen=True, kw_only=True):
    """Members, by name."""

    orgs: tuple[Org, ...]


class NodesPage(Page, frozen=True, kw_only=True):
    """The members' nodes, by name."""

    nodes: tuple[NodeRecord, ...]


class ModelsPage(Page, frozen=True, kw_only=True):
    """Registered generator models, by digest."""

    models: tuple[Model, ...]


class CurrenciesPage(Page, frozen=True, kw_only=True):
    """Currencies with their supply, by code."""

    currencies: tuple[Currency, ...]


class BalancesPage(Page, frozen=True, kw_only=True):
    """What an account holds."""

    account: str
    balances: dict[str, int]
    """Minor units by currency."""
