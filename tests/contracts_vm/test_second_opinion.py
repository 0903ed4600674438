"""Random expressions, evaluated by us and by another implementation of the Common Expression Language.

Both must give the same value, or both an error. The families in which the two are known to differ are not generated, or
left out by the first error:

* `!-1`, which the grammar of the specification does not have and the other accepts;
* `int(true)`, which the other converts;
* fractions of a second in `string(timestamp)`, which the other writes without trailing zeros;
* a list or map left of `in` with a map on the right, which we refuse and the other answers with false;
* a binding that fails and is not read: we evaluate it, as the specification's expansion does, the other never does;
* a binding in an expression that has macros too: there the other may read the value of another variable (it gives
  1 for `cel.bind(x, size(l), x)` with three items, after two macros inside one another);
* types that the other cannot tell, of lists made from `[]`;
* which of several errors comes out;
* expressions nested more than 32 deep, or that loop longer than the other allows.
"""

import random
import re
from typing import Any

import pytest
from expressions import FACTS, expression

from contracts_vm.evaluate import compile_expression, run
from contracts_vm.expression import parse_expression
from contracts_vm.operators import EvaluationError

cel = pytest.importorskip("cel_expr_python.cel", reason="not run: cel-expr-python is not installed")
ext_math = pytest.importorskip("cel_expr_python.ext.ext_math")
ext_bindings = pytest.importorskip("cel_expr_python.ext.ext_bindings")

MACRO = re.compile(r"\.(all|exists|exists_one|map|filter)\(")


def differences(seed: int, count: int) -> list[str]:
    """The expressions on which the two do not agree."""
    chance = random.Random(seed)
    types = cel.Type
    integer, text, yes = types.INT, types.STRING, types.BOOL
    known = {"a": integer, "b": integer, "z": integer, "s": text, "l": types.List(integer), "p": yes}
    other = cel.NewEnv(variables=known, extensions=[ext_math.ExtMath(), ext_bindings.ExtBindings()])
    found = []
    for _ in range(count):
        source = expression(chance, chance.choice(["int", "bool", "string", "list"]), 4)
        try:
            theirs = other.compile(source).eval(data=FACTS)
        except Exception as refused:
            if "no matching overload" not in str(refused) or "[]" not in source:
                found.append(f"{source}: refused by the other: {refused}")
            continue
        ours = run(compile_expression(parse_expression(source)), FACTS, [1_000_000])
        error = str(theirs.type()) == "ERROR"
        if error and "budget" in str(theirs.value()):
            continue
        if "cel.bind" in source and (MACRO.search(source) or (isinstance(ours, EvaluationError) and not error)):
            continue
        mine: Any = list(ours) if isinstance(ours, tuple) else ours
        if error is not isinstance(ours, EvaluationError) or (not error and mine != theirs.plain_value()):
            found.append(f"{source}: we {ours!r}, the other {theirs.value()!r}")
    return found


def test_another_implementation_gives_the_same_values() -> None:
    assert differences(seed=4, count=3_000) == []


@pytest.mark.soak
def test_another_implementation_gives_the_same_values_for_long() -> None:
    for seed in range(100):
        assert differences(seed, 5_000) == []
