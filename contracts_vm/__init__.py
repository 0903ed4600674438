"""The rule language: who may do what with a picture, and who must be paid when it is sold.

The way of a policy through this package:

1. `parse(source)` reads the text (lexer, parser, syntax), compiles its conditions (evaluate) and gives a frozen
   `Policy`, or raises `PolicyError` with the place and what was expected.
2. `check(policy, schema, actions)` holds it against a vocabulary (schema, inference, guards, checker) and lists every
   `RuleProblem`. Publish only what has no error; `bounds` says what each rule may cost.
3. `decide(policies, action, facts, fuel)` evaluates every rule that names the action under a fuel meter (cost) and
   combines the verdicts without regard to order into a `PolicyDecision`. It never raises.
4. `decision.explain()` says why, as plain JSON values (explain).
5. `policy.royalty_for(trigger, facts, meter)` names the royalty that is due; `meter` is a list of the fuel left, which
   the policies of all scopes share. `settle` splits the price exactly (royalty).

Everything here is a pure function of its arguments: integers only, no clock, no chance, no input or output, and the
same result on every node. The language is described in docs/rules.md.
"""

from contracts_vm.checker import RuleProblem, bounds, check
from contracts_vm.cost import COST_TABLE_VERSION
from contracts_vm.decide import DECISION_CODES, PolicyDecision, decide
from contracts_vm.errors import InvariantBroken, PolicyError, RoyaltyError
from contracts_vm.parser import NAMED_PAYEES_MAX
from contracts_vm.policies import default_policy_source
from contracts_vm.policy import Policy, parse
from contracts_vm.royalty import PAYEES_MAX, DueRoyalty, Settlement, divide, portion, settle
from contracts_vm.schema import Field, Schema
from contracts_vm.syntax import Money, NamedPayee, RoyaltyClause, Upstream
from contracts_vm.types import PPM_WHOLE, Duration, Facts, RuleValue, Timestamp

__all__ = [
    "COST_TABLE_VERSION",
    "DECISION_CODES",
    "NAMED_PAYEES_MAX",
    "PAYEES_MAX",
    "PPM_WHOLE",
    "DueRoyalty",
    "Duration",
    "Facts",
    "Field",
    "InvariantBroken",
    "Money",
    "NamedPayee",
    "Policy",
    "PolicyDecision",
    "PolicyError",
    "RoyaltyClause",
    "RoyaltyError",
    "RuleProblem",
    "RuleValue",
    "Schema",
    "Settlement",
    "Timestamp",
    "Upstream",
    "bounds",
    "check",
    "decide",
    "default_policy_source",
    "divide",
    "parse",
    "portion",
    "settle",
]
