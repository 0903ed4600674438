"""What expressions mean: programs and their values, their errors, and what they cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_vm import Duration, RuleValue, Timestamp
from contracts_vm.errors import EVALUATION_CODES
from contracts_vm.evaluate import compile_expression, run
from contracts_vm.expression import parse_expression
from contracts_vm.operators import OPERATORS, EvaluationError
from contracts_vm.types import duration_of, read_duration, read_timestamp, write_duration, write_timestamp

FACTS: dict[str, dict[str, Any]] = {
    "a": {"one": 1, "name": "ada", "yes": True, "list": ["x", "y"], "deep": {"er": {"field": 7}}, "empty": {}},
    "t": {"noon": Timestamp(43_200_000), "hour": Duration(3_600_000)},
    "bad": {"float": 1.5, "none": None, "big": 2**63, "late": Timestamp(10**18), "inside": [1.5]},
}


def evaluate(source: str, fuel: int = 10_000) -> RuleValue | str:
    """The value, or the code of the error."""
    value = run(compile_expression(parse_expression(source)), FACTS, [fuel])
    return value.code if isinstance(value, EvaluationError) else value


def spent(source: str) -> int:
    meter = [10_000]
    run(compile_expression(parse_expression(source)), FACTS, meter)
    return 10_000 - meter[0]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("true", True),
        ("-9223372036854775808", -(2**63)),
        ("0x7f", 127),
        ("--5", 5),
        ("!!!true", False),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("1 < 2 == true", True),
        ("true || false && false", True),
        ("true ? 1 : false ? 2 : 3", 1),
        ("'a' + \"b\"", "ab"),
        ("[1] + [2]", (1, 2)),
        ("[1, 2,] == [1, 2]", True),
        ("portion(999, 100000)", 99),
        ("portion(9223372036854775807, 1000000) == 9223372036854775807", True),
        ("[1, 2] == [2, 1]", False),
        ("1 == true", False),
        ("1 != '1'", True),
        ("[1] == [true]", False),
        ("1 in [true, 1]", True),
        ("1 in [true, '1']", False),
        ("'x' in a.list", True),
        ("[1] in [[2], [1]]", True),
        ("'B' < 'a'", True),
        ("'f' < '\\u1EBF'", True),
        ("false < true", True),
        (r"'\X41\u00e9\U0001F600\101\n\''", "Aé😀A\n'"),
        ("size('é😀')", 2),
        ("size([])", 0),
        ("size(a.list)", 2),
        ("size(a.deep)", 1),
        ("a.deep.er.field", 7),
        ("a.empty == a.empty", True),
        ("a.deep == a.empty", False),
        ("has(a.one)", True),
        ("has(a.two)", False),
        ("has(a.deep.er)", True),
        ("timestamp('1970-01-01T12:00:00Z') == t.noon", True),
        ("timestamp('1970-01-01T14:30:00+02:30') == t.noon", True),
        ("t.noon + t.hour > t.noon", True),
        ("t.noon - t.hour == timestamp('1970-01-01T11:00:00Z')", True),
        ("t.noon - timestamp('1970-01-01T00:00:00Z') == duration('12h')", True),
        ("timestamp(t.noon) == t.noon && duration(t.hour) == t.hour", True),
        ("duration('1h30m') == duration('5400s')", True),
        ("duration('-1.5s') < duration('0s')", True),
        # maps, indexes, macros and bindings
        ("'one' in a", True),
        ("{'a': 1, 2: 'b', true: 3}[true]", 3),
        ("{1: 'a', true: 'b'}[1]", "a"),
        ("{1: 'a'} == {1u: 'a'}", True),
        ("a.list[1]", "y"),
        ("(a.deep).er.field", 7),
        ("has(a['deep'].er)", True),
        ("[3, 1, 2].filter(x, x > 1)", (3, 2)),
        ("[1, 2, 3].map(x, x > 1, x * x)", (4, 9)),
        ("{'b': 1, 'a': 2, true: 3, 7: 4}.map(k, k)", (True, 7, "a", "b")),
        ("[1, 2, 3].all(x, 6 / (2 - x) == 6)", False),
        ("[1, 0].exists(x, 1 / x == 1)", True),
        ("[1, 2].exists_one(x, x == 2)", True),
        ("[1, 2].all(x, [3, 4].exists(y, y == x + 2))", True),
        ("[1].all(x, [2].all(x, x == 2) && x == 1)", True),
        ("cel.bind(x, 3, cel.bind(y, x + 1, x * y))", 12),
        ("'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('bc')", True),
        ("math.greatest(1, 7, 3) + math.least([4, 2])", 9),
        ("string(1) + string(true) + string(t.hour) + string(b'x')", "1true3600sx"),
        ("string(timestamp('2026-01-01T00:00:00.5Z'))", "2026-01-01T00:00:00.500Z"),
        ("int('-7') + int(timestamp('1970-01-01T00:01:00Z'))", 53),
        ("bytes('é') == b'\\303\\251' && b'a' + b'b' == b'ab'", True),
        ("t.noon.getHours('-02:30')", 9),
        ("t.noon.getDayOfWeek()", 4),
        ("t.hour.getMinutes()", 60),
        ("timestamp('2026-01-01T00:00:00.000000001Z') > timestamp('2026-01-01T00:00:00Z')", True),
        ("1u < 2 && 2 == 2u", True),
        # what && and || absorb, whichever side it is on
        ("false && a.two == 1", False),
        ("a.two == 1 && false", False),
        ("true || 1 / 0 == 1", True),
        ("1 / 0 == 1 || true", True),
        ("1 || true", True),
        ("true ? 1 : 1 / 0", 1),
    ],
)
def test_a_program_has_this_value(source: str, value: RuleValue) -> None:
    found = evaluate(source)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("b.one", "ROOT_MISSING"),
        ("has(b.one)", "ROOT_MISSING"),
        ("a.two", "FIELD_MISSING"),
        ("has(a.two.three)", "FIELD_MISSING"),
        ("a.one.two", "NOT_A_RECORD"),
        ("has(a.name.length)", "NOT_A_RECORD"),
        ("1 && true", "NOT_BOOL"),
        ("false || 'x'", "NOT_BOOL"),
        ("!1", "NOT_BOOL"),
        ("1 ? true : false", "NOT_BOOL"),
        ("a.two && 1 / 0 == 1", "FIELD_MISSING"),
        ("1 / 0 == 1 || a.two", "DIVIDE_BY_ZERO"),
        ("1 % 0", "DIVIDE_BY_ZERO"),
        ("1 < 'a'", "NO_OVERLOAD"),
        ("1 < true", "NO_OVERLOAD"),
        ("[1] < [2]", "NO_OVERLOAD"),
        ("true + true", "NO_OVERLOAD"),
        ("'a' - 'b'", "NO_OVERLOAD"),
        ("t.noon + t.noon", "NO_OVERLOAD"),
        ("t.noon * 2", "NO_OVERLOAD"),
        ("-true", "NO_OVERLOAD"),
        ("-'a'", "NO_OVERLOAD"),
        ("'a' in 'abc'", "NO_OVERLOAD"),
        ("[1] in a", "KEY_INVALID"),
        ("{'a': 1}['b']", "KEY_MISSING"),
        ("{'a': 1, 'a': 2}", "KEY_INVALID"),
        ("{[1]: 1}", "KEY_INVALID"),
        ("a.list[2]", "INDEX_OUT_OF_RANGE"),
        ("a.list[-1]", "INDEX_OUT_OF_RANGE"),
        ("a.list['x']", "NO_OVERLOAD"),
        ("a.list.x", "NOT_A_RECORD"),
        ("1.size()", "NO_OVERLOAD"),
        ("'a'.contains(1)", "NO_OVERLOAD"),
        ("int('x')", "CONVERSION_INVALID"),
        ("portion(-1, 1)", "PORTION_INVALID"),
        ("portion(1, 1000001)", "PORTION_INVALID"),
        ("portion('1', 1)", "NO_OVERLOAD"),
        ("int('9223372036854775808')", "CONVERSION_INVALID"),
        ("int('\\u0661')", "CONVERSION_INVALID"),
        ("string(b'\\xff')", "CONVERSION_INVALID"),
        ("bool('yes')", "CONVERSION_INVALID"),
        ("uint(-1)", "CONVERSION_INVALID"),
        ("t.noon.getHours('Europe/Paris')", "ZONE_INVALID"),
        ("t.hour.getMonth()", "NO_OVERLOAD"),
        ("1.all(x, true)", "NO_OVERLOAD"),
        ("[1, 2].all(x, x / 0 == 1)", "DIVIDE_BY_ZERO"),
        ("[1, 2].exists_one(x, 2 / (x - 1) == 2)", "DIVIDE_BY_ZERO"),
        ("[1].map(x, y)", "ROOT_MISSING"),
        ("math.greatest([])", "NO_OVERLOAD"),
        ("1u + 1", "NO_OVERLOAD"),
        ("0u - 1u", "OVERFLOW"),
        ("-(1u)", "NO_OVERLOAD"),
        ("size(1)", "NO_OVERLOAD"),
        ("timestamp(true)", "NO_OVERLOAD"),
        ("timestamp(253402300800)", "OVERFLOW"),
        ("duration(true)", "NO_OVERLOAD"),
        ("9223372036854775807 + 1", "OVERFLOW"),
        ("-9223372036854775808 - 1", "OVERFLOW"),
        ("5000000000 * 5000000000", "OVERFLOW"),
        ("-(-9223372036854775808)", "OVERFLOW"),
        ("(-9223372036854775808) / -1", "OVERFLOW"),
        ("(-9223372036854775808) % -1", "OVERFLOW"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "OVERFLOW"),
        ("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "OVERFLOW"),
        ("timestamp('2026-02-29T00:00:00Z')", "TIMESTAMP_INVALID"),
        ("timestamp('2026-01-01T00:00:60Z')", "TIMESTAMP_INVALID"),
        ("timestamp('2026-01-01T00:00:00.0000000001Z')", "TIMESTAMP_INVALID"),
        ("timestamp('2026-01-01 00:00:00Z')", "TIMESTAMP_INVALID"),
        ("timestamp('0001-01-01T00:00:00+01:00')", "TIMESTAMP_INVALID"),
        ("timestamp('\\u0662026-01-01T00:00:00Z')", "TIMESTAMP_INVALID"),
        ("duration('1 hour')", "DURATION_INVALID"),
        ("duration('0.1ns')", "DURATION_INVALID"),
        ("duration('320000000000s')", "DURATION_INVALID"),
        ("bad.float == 1", "VALUE_UNSUPPORTED"),
        ("bad.inside[0]", "VALUE_UNSUPPORTED"),
        ("bad.big", "VALUE_UNSUPPORTED"),
        ("bad.late", "VALUE_UNSUPPORTED"),
        ("bad.inside == [1]", "VALUE_UNSUPPORTED"),
        ("1 in bad.inside", "VALUE_UNSUPPORTED"),
    ],
)
def test_a_program_without_a_value_says_why(source: str, code: str) -> None:
    assert evaluate(source) == code
    assert code in EVALUATION_CODES


@pytest.mark.parametrize(
    ("source", "fuel"),
    [
        ("true", 0),
        ("a.one", 2),
        ("has(a.one)", 2),
        ("a.deep.er.field", 4),
        ("a.one == 1", 3),
        ("a.name == 'ada'", 3),
        ("'0123456789' == '0123456789x'", 2),
        ("1 in [1, 2, 3]", 17),
        ("true && true && true", 2),
        ("false && a.one == 1", 1),
        ("!true", 1),
        ("true ? a.one : 2", 3),
        ("'12345678' + ''", 2),
        ("timestamp('2026-01-01T00:00:00Z')", 3),
        ("size(a.list)", 3),
        ("[1, 2] == [1, 2]", 27),
        ("[1, 2].all(x, x > 0)", 12 + 2 * (2 + 2)),
        ("{'a': 1}['a']", 33),
        ("cel.bind(x, 1, x)", 2),
        ("'0123456789'.contains('0123456789')", 4),
        ("string('0123456789')", 2),
        ("a.list[0]", 3),
        ("(a.deep).er", 3),
    ],
)
def test_a_program_costs_what_the_table_says(source: str, fuel: int) -> None:
    assert spent(source) == fuel
    assert evaluate(source, fuel) != "BUDGET"
    if fuel:
        assert evaluate(source, fuel - 1) == "BUDGET"


def test_the_end_of_fuel_is_not_absorbed() -> None:
    assert evaluate("[1, 2, 3].exists(x, x == 1 / 0) || true", fuel=17) == "BUDGET"
    assert evaluate("true || [1, 2, 3].all(x, true)", fuel=1) is True
    assert evaluate("a.one == 1 || true", fuel=2) == "BUDGET"
    assert evaluate("'x' in a.list && false", fuel=3) == "BUDGET"
    assert evaluate("'x' in a.list ? true : true", fuel=3) == "BUDGET"


def test_deep_and_cyclic_facts_cost_fuel_and_nothing_else() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    cycle: list[object] = []
    cycle.append(cycle)
    compiled = compile_expression(parse_expression("x.a == x.b"))

    for value in (deep, cycle):
        facts: dict[str, dict[str, Any]] = {"x": {"a": value, "b": [value]}}
        outcome = run(compiled, facts, [5_000])
        assert isinstance(outcome, EvaluationError)
        assert outcome.code == "BUDGET"


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(0, 999_999))
def test_every_instant_reads_back(ms: int, ns: int) -> None:
    assert read_timestamp(write_timestamp(Timestamp(ms, ns))) == Timestamp(ms, ns)


@given(st.integers(-(2**63 - 1), 2**63 - 1))
def test_every_duration_reads_back(ns: int) -> None:
    assert read_duration(write_duration(duration_of(ns))) == duration_of(ns)


@given(st.text())
def test_no_text_breaks_the_readers_of_time(text: str) -> None:
    read_timestamp(text)
    read_duration(text)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.sampled_from("+-*/%"))
def test_arithmetic_is_exact_or_a_fault(a: int, b: int, operator: str) -> None:
    compiled = compile_expression(parse_expression(f"x.a {operator} x.b"))
    value = run(compiled, {"x": {"a": a, "b": b}}, [100])

    if isinstance(value, EvaluationError):
        assert value.code in ("OVERFLOW", "DIVIDE_BY_ZERO")
    elif operator in "/%":
        quotient, rest = run(compile_expression(parse_expression("x.a / x.b")), {"x": {"a": a, "b": b}}, [100]), a
        if isinstance(quotient, int):
            rest = a - quotient * b
            assert abs(rest) < abs(b)
            assert rest == 0 or (rest < 0) == (a < 0)
            assert value == (quotient if operator == "/" else rest)
    else:
        assert value == {"+": a + b, "-": a - b, "*": a * b}[operator]


def test_a_text_that_has_no_bytes_is_a_fault() -> None:
    assert evaluate("bytes(a.name)") == b"ada"
    assert (found := run(compile_expression(parse_expression("bytes(a.b)")), {"a": {"b": "\ud800"}}, [9]))
    assert isinstance(found, EvaluationError)
    assert found.code == "CONVERSION_INVALID"


MISSING = object()
FIELDS = [
    MISSING, True, 7, -(2**63), 2**63, "ada", "zoë" * 9, b"ada", ["ada"], ("ada", 1), {"ada": 1}, Timestamp(5),
    Timestamp(5, 1), Timestamp(-5), Timestamp(10**18), Duration(7), Duration(7, -1), None, 1.5,
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_two_fields_in_one_closure_are_what_they_are_one_by_one(operator: str) -> None:
    short = compile_expression(parse_expression(f"a.x {operator} b.y"))
    far = compile_expression(parse_expression(f"r.a.x {operator} r.b.y"))
    for left in FIELDS:
        for right in FIELDS:
            facts: dict[str, Any] = {
                "a": {} if left is MISSING else {"x": left},
                "b": {} if right is MISSING else {"y": right},
            }
            spent, spent_far = [100], [100]

            found, wanted = run(short, facts, spent), run(far, {"r": facts}, spent_far)

            assert type(found) is type(wanted)
            if isinstance(found, EvaluationError) and isinstance(wanted, EvaluationError):
                assert found.code == wanted.code
            else:
                assert found == wanted
            read = 1 if isinstance(run(compile_expression(parse_expression("a.x")), facts, [9]), EvaluationError) else 2
            assert spent[0] - spent_far[0] == read
