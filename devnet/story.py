"""The consortium of the story: a studio, a news agency and a collectors' club, with the accounts that appear in it."""

from __future__ import annotations

from generator.models import default_model_folder, model_digest
from ledger.actions import RegisterModel
from node.keeping.founding import Plan, PlanAccount, PlanCurrency, PlanNode

ORGS = {"studio": "Atelier Nord, a studio", "agency": "Meridian, a news agency", "club": "The Collectors' Club"}

CREATOR = "alice@studio"
STUDIO = "house@studio"
GENERATOR = "generator@studio"
REGISTRAR = "registrar@studio"
EDITOR = "nadia@agency"
COLLECTOR = "carla@club"
SECOND_COLLECTOR = "dmitri@club"
TREASURER = "treasury@club"
MUSEUM = "root@museum"
"""Administrator of an org that joins later."""

KEEPERS = tuple(f"keeper@{org}" for org in ORGS)
"""They keep shares of the consortium's key, one at the first node of each org."""

CURRENCY = "EUR"
OPENING_BALANCE = 500_000
"""Cents that each collector starts with."""


def default_model() -> RegisterModel:
    """The model that comes with the generator, as it is registered."""
    digest = model_digest(default_model_folder())
    return RegisterModel(model=digest, name="Remarque default", version="1", licence="Apache-2.0")


def plan_of(nodes: int, ports: list[int], *, generator: bool) -> Plan:
    """Plan of the story's consortium with a number of nodes, spread over its orgs; the first does the extra work."""
    orgs = list(ORGS)
    return Plan(
        name="devnet",
        orgs=ORGS,
        nodes={
            f"node{number + 1}": PlanNode(
                org=orgs[number % len(orgs)],
                peer=f"127.0.0.1:{ports[2 * number]}",
                api=f"127.0.0.1:{ports[2 * number + 1]}",
                generator=GENERATOR if generator and number == 0 else "",
                scitt=REGISTRAR if number == 0 else "",
                keeper=f"keeper@{orgs[number]}" if number < len(orgs) else "",
            )
            for number in range(nodes)
        },
        accounts={
            CREATOR: PlanAccount(),
            STUDIO: PlanAccount(roles=("administrator", "model-provider", "rights-manager")),
            GENERATOR: PlanAccount(roles=("generator",)),
            REGISTRAR: PlanAccount(roles=("registrar",)),
            EDITOR: PlanAccount(roles=("administrator",)),
            COLLECTOR: PlanAccount(),
            SECOND_COLLECTOR: PlanAccount(),
            **{keeper: PlanAccount(roles=("keeper",)) for keeper in KEEPERS[:nodes]},
            TREASURER: PlanAccount(roles=("administrator", "issuer")),
        },
        currencies={
            CURRENCY: PlanCurrency(
                issuer=TREASURER,
                balances={COLLECTOR: OPENING_BALANCE, SECOND_COLLECTOR: OPENING_BALANCE},
            )
        },
    )
