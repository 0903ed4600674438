"""What a new version of a policy changes, rule by rule, in words that a vote can be held on."""

from __future__ import annotations

import msgspec

from contracts_vm import Policy
from contracts_vm.syntax import RoyaltyClause, Rule
from node.policies.formatting import one_line


class PolicyChange(msgspec.Struct, frozen=True):
    """One change."""

    what: str
    """`rule viewer`, `royalty on secondary_sale`, `version`, `schema`."""
    before: str
    """As it was written; empty: it was not there."""
    after: str
    """As it is written; empty: it is gone."""
    note: str = ""
    """What follows from it."""


def compare(old: Policy, new: Policy) -> tuple[PolicyChange, ...]:
    """What is different, rules first. The order of rules means nothing, so moving one is no change."""
    found = []
    if new.name != old.name:
        found.append(PolicyChange("name", old.name, new.name, "it is another policy, not a version of this one"))
    elif new.version != old.version + 1:
        note = f"a new version of it would be {old.version + 1}"
        found.append(PolicyChange("version", str(old.version), str(new.version), note))
    if new.schema != old.schema:
        found.append(PolicyChange("schema", old.schema, new.schema))
    before, after = ({rule.id: rule for rule in policy.rules} for policy in (old, new))
    for name in sorted(before | after):
        texts = _rule(old, before.get(name)), _rule(new, after.get(name))
        if texts[0] != texts[1]:
            found.append(PolicyChange(f"rule {name}", *texts, _effect_of(before.get(name), after.get(name))))
    return (*found, *_royalties(old, new))


def _effect_of(before: Rule | None, after: Rule | None) -> str:
    """Whether a rule that came or went allows more or less; for one that was changed that is not known in general."""
    rule = (after if before is None else before) if before is None or after is None else None
    if rule is None:
        return ""
    opens = (rule.effect == "permit") == (after is not None)
    return f"{', '.join(rule.actions)}: {'more' if opens else 'less'} is allowed"


def _royalties(old: Policy, new: Policy) -> list[PolicyChange]:
    before, after = ({clause.trigger: clause for clause in policy.royalties} for policy in (old, new))
    found = []
    for trigger in sorted(before | after):
        was, now = before.get(trigger), after.get(trigger)
        texts = _royalty(old, was), _royalty(new, now)
        if texts[0] != texts[1]:
            rates = [clause.whole_ppm if clause is not None else 0 for clause in (was, now)]
            note = "the higher rate is due for tokens minted from then on" if rates[1] > rates[0] else ""
            found.append(PolicyChange(f"royalty on {trigger}", *texts, note))
    return found


def _rule(policy: Policy, rule: Rule | None) -> str:
    return "" if rule is None else one_line(policy.source[rule.start : rule.end])


def _royalty(policy: Policy, clause: RoyaltyClause | None) -> str:
    return "" if clause is None else one_line(policy.source[clause.start : clause.end])
