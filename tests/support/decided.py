"""One digest of many decisions: two processes that print the same decide, charge and explain alike.

    python -m decided

Random expressions, the default policy on random facts, and sources with characters of all planes of Unicode.
"""

import json
import random
from hashlib import sha256

from expressions import FACTS, expression

from contracts_vm import PolicyError, RuleValue, Timestamp, decide, default_policy_source, parse
from contracts_vm.evaluate import compile_expression, run
from contracts_vm.expression import parse_expression
from contracts_vm.operators import EvaluationError

EXPRESSIONS, REQUESTS, CHARACTER_STEP = 5_000, 200, 257
ACTIONS = ("view", "mint", "list", "sale", "transfer", "rent", "derive", "grant", "revoke")
PEOPLE = ("ada@acme", "bob@acme", "zoë@acme")


def digest(seed: int = 1) -> str:
    """The digest, in hex."""
    chance, seen = random.Random(seed), sha256()
    for _ in range(EXPRESSIONS):
        seen.update(evaluated(expression(chance, chance.choice(["int", "bool", "string", "list"]), 4)).encode())
    policy = parse(default_policy_source())
    for _ in range(REQUESTS):
        decision = decide([policy], chance.choice(ACTIONS), facts(chance), chance.choice([10_000, 30]))
        seen.update(json.dumps([decision.code, decision.fuel, decision.reason, decision.explain()]).encode())
    for code in range(0x80, 0x110000, CHARACTER_STEP):
        seen.update(refused(chr(code)).encode())
    return seen.hexdigest()


def evaluated(source: str) -> str:
    """What an expression gives, or why it gives nothing, and what it costs."""
    meter = [3_000]
    value = run(compile_expression(parse_expression(source)), FACTS, meter)
    return f"{value.code} {value.message} {meter[0]}" if isinstance(value, EvaluationError) else f"{value!r} {meter[0]}"


def refused(character: str) -> str:
    """The words with which a character is refused as a name, and in a string."""
    found = []
    for text in (f"a{character}b", f"'{character}'"):
        try:
            parse(
                f"policy p version 1 schema s@1 {{ permit view when {text} == x.y; }}".encode("utf-8", "surrogatepass")
            )
        except PolicyError as error:
            found.append(str(error))
    return " ".join(found).encode("unicode_escape").decode()


def facts(chance: random.Random) -> dict[str, dict[str, RuleValue]]:
    """A request of somebody for something, some of it missing."""
    who, owner, creator = (chance.choice(PEOPLE) for _ in range(3))
    return {
        "requester": {"id": who, "org": "acme", "roles": [], "suspended": chance.random() < 0.1},
        "asset": {"owner": owner, "creator": creator, "confidential": chance.random() < 0.5},
        "token": {} if chance.random() < 0.3 else {"owner": chance.choice(PEOPLE)},
        "grant": {} if chance.random() < 0.5 else {"until": Timestamp(chance.randrange(2_000))},
        "block": {"time": Timestamp(chance.randrange(2_000))},
    }


if __name__ == "__main__":
    print(digest())
