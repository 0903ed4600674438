"""A policy ready to run: its source, its digest, its rules and the closures compiled from them.

What is signed and stored is the source; everything else here is computed from it and never travels. Parsing compiles
at once, so that a decision only looks up its action and calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

from contracts_vm import cost
from contracts_vm.cost import Meter
from contracts_vm.evaluate import Run, compile_expression, run
from contracts_vm.operators import EvaluationError
from contracts_vm.parser import parse_document
from contracts_vm.parts import RulePart, parts_of
from contracts_vm.royalty import DueRoyalty
from contracts_vm.syntax import ANY_ACTION, Effect, RoyaltyClause, Rule
from contracts_vm.types import Facts

_DIGEST_DOMAIN = b"remarque/policy/v1"


@dataclass(frozen=True, eq=False)
class ReadyRule:
    """A rule with its compiled condition and the name of the policy it comes from."""

    rule: Rule
    effect: Effect
    policy: str
    """`asset_default@3`."""
    digest: str
    source: str
    run: Run
    rank: tuple[str, str, str]
    """Of several rules with the same verdict, the first by this, not by position, is named as deciding."""

    @cached_property
    def parts(self) -> tuple[RulePart, ...]:
        """What its condition is made of, for an explanation."""
        return parts_of(self.source, self.rule.when)


@dataclass(frozen=True, slots=True)
class Policy:
    """A named, versioned set of rules. Immutable; two policies are equal when their sources are."""

    source: str = field(repr=False)
    digest: str = field(compare=False)
    """SHA-256, in hex, of the domain `remarque/policy/v1` and the source in UTF-8."""
    name: str = field(compare=False)
    version: int = field(compare=False)
    schema: str = field(compare=False)
    """The vocabulary the rules are written in: `remarque@1`."""
    rules: tuple[Rule, ...] = field(compare=False, repr=False)
    royalties: tuple[RoyaltyClause, ...] = field(compare=False, repr=False)
    _rules: Mapping[str, tuple[ReadyRule, ...]] = field(compare=False, repr=False)
    _royalties: Mapping[str, tuple[RoyaltyClause, Run | None]] = field(compare=False, repr=False)

    @property
    def id(self) -> str:
        """`asset_default@3`."""
        return f"{self.name}@{self.version}"

    def rules_for(self, action: str) -> tuple[ReadyRule, ...]:
        """The rules that have a say on an action, in the order of the source."""
        found = self._rules.get(action)
        return self._rules[ANY_ACTION] if found is None else found

    def royalty_for(self, trigger: str, facts: Facts, meter: Meter) -> DueRoyalty | None:
        """The royalty due on a trigger, or None when the policy has none or its condition is false.

        A condition that fails never waives a royalty: it is due, and `error` says why the condition has no value, so
        that the caller can refuse the sale. What it costs to find out is taken from the meter, due or not.
        """
        clause, condition = self._royalties.get(trigger, (None, None))
        if clause is None:
            return None
        error = ""
        if condition is not None:
            meter[0] -= cost.RULE
            value = run(condition, facts, meter)
            if value is False:
                return None
            if value is not True:
                error = value.code if isinstance(value, EvaluationError) else "NOT_BOOL"
        return DueRoyalty(
            id=clause.id,
            trigger=clause.trigger,
            base=clause.base.text,
            rate_ppm=clause.rate_ppm,
            payees=clause.payees.text,
            named=clause.named,
            cap_ppm=clause.cap_ppm,
            payer=clause.payer,
            upstream=clause.upstream,
            floor=clause.floor,
            fallback=clause.fallback,
            refund=clause.refund,
            error=error,
        )


def parse(source: str | bytes) -> Policy:
    """The policy of a source, or PolicyError with the place, the reason and what was expected."""
    text, document = parse_document(source)
    digest = sha256(_DIGEST_DOMAIN + text.encode()).hexdigest()
    name = f"{document.name}@{document.version}"
    ready = tuple(
        ReadyRule(rule, rule.effect, name, digest, text, compile_expression(rule.when), (name, rule.id, digest))
        for rule in document.rules
    )
    royalties = {c.trigger: (c, compile_expression(c.when) if c.when is not None else None) for c in document.royalties}
    return Policy(
        source=text,
        digest=digest,
        name=document.name,
        version=document.version,
        schema=document.schema,
        rules=document.rules,
        royalties=document.royalties,
        _rules=MappingProxyType(_by_action(ready)),
        _royalties=MappingProxyType(royalties),
    )


def _by_action(rules: tuple[ReadyRule, ...]) -> dict[str, tuple[ReadyRule, ...]]:
    found: dict[str, list[ReadyRule]] = {ANY_ACTION: []}
    for ready in rules:
        for action in ready.rule.actions:
            found.setdefault(action, list(found[ANY_ACTION]))
        for action in found if ANY_ACTION in ready.rule.actions else ready.rule.actions:
            found[action].append(ready)
    return {action: tuple(named) for action, named in found.items()}
