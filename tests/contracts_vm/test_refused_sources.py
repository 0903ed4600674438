"""Hostile and mistaken sources, each with the exact code that refuses it, and that only PolicyError ever comes out."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_vm import PolicyError, parse
from contracts_vm.errors import SOURCE_CODES


def policy(body: str) -> str:
    return f"policy p version 1 schema s@1 {{ {body} }}"


def when(expression: str) -> str:
    return policy(f"permit view when {expression};")


def royalty(clauses: str) -> str:
    return policy(f"royalty r on gift {{ {clauses} }}")


CALL = "size("
DEEPEST = "true ? 1 : 0 || 1 && 1 == 1 + 1 * -("
REFUSED: list[tuple[str | bytes, str]] = [
    ("", "SYNTAX"),
    (" " * 16_385, "SOURCE_TOO_LARGE"),
    (b"\xff" * 20_000, "SOURCE_TOO_LARGE"),
    (when("true" + " || true" * 4_000), "SOURCE_TOO_LARGE"),
    (b"policy \xff", "SOURCE_NOT_UTF8"),
    (b"policy \xc0\xaf", "SOURCE_NOT_UTF8"),
    (b"\xed\xa0\x80", "SOURCE_NOT_UTF8"),
    ("policy \ud800", "SOURCE_NOT_UTF8"),
    ("\ufeff" + when("true"), "CHARACTER_FORBIDDEN"),
    (when("true") + "\0", "CHARACTER_FORBIDDEN"),
    (when("'\x07' == 'x'"), "CHARACTER_FORBIDDEN"),
    (when("true") + "// \u202e hidden", "CHARACTER_FORBIDDEN"),
    (when("'a\u2066b' == 'ab'"), "CHARACTER_FORBIDDEN"),
    (when("'a\u200bb' == 'ab'"), "CHARACTER_FORBIDDEN"),
    (when("true // comment \r || true"), "CHARACTER_FORBIDDEN"),
    (when("true\u2028"), "CHARACTER_FORBIDDEN"),
    (when("true\x85"), "CHARACTER_FORBIDDEN"),
    (when("\u0430sset.owner == 'x'"), "NOT_ASCII"),
    (when("a == \uff11"), "NOT_ASCII"),
    (when("a.\u03bfwner"), "NOT_ASCII"),
    (when("a\u00a0== 1"), "NOT_ASCII"),
    (when("\u2018x\u2019 == 'x'"), "NOT_ASCII"),
    (when("a == #1"), "CHARACTER_UNKNOWN"),
    (when("a = 1"), "SYNTAX"),
    (when("a & b"), "CHARACTER_UNKNOWN"),
    (when("a.`b"), "CHARACTER_UNKNOWN"),
    (when("a" * 65), "NAME_TOO_LONG"),
    (when("x == " + "9" * 5_000), "NUMBER_TOO_LONG"),
    (when("x == " + "0" * 21), "NUMBER_TOO_LONG"),
    (when("x == 0x" + "0" * 19), "NUMBER_TOO_LONG"),
    (when("x == 1." + "0" * 5_000), "NUMBER_TOO_LONG"),
    (f"policy p version {'9' * 5_000} schema s@1 {{}}", "NUMBER_TOO_LONG"),
    (when("x == 12abc"), "NUMBER_MALFORMED"),
    (when("x == 0x"), "NUMBER_MALFORMED"),
    (when("x == 9223372036854775808"), "INT_OUT_OF_RANGE"),
    (when("x == -9223372036854775809"), "INT_OUT_OF_RANGE"),
    (when("x == -(9223372036854775808)"), "INT_OUT_OF_RANGE"),
    (when("x == 'open"), "STRING_UNTERMINATED"),
    (when("x == 'open\n'"), "STRING_UNTERMINATED"),
    (when("x == 'open\\"), "ESCAPE_INVALID"),
    (when(r"x == '\q'"), "ESCAPE_INVALID"),
    (when(r"x == '\u12'"), "ESCAPE_INVALID"),
    (when(r"x == '\ud800'"), "ESCAPE_INVALID"),
    (when(r"x == '\U00110000'"), "ESCAPE_INVALID"),
    (when(r"x == '\8'"), "ESCAPE_INVALID"),
    (when("(" * 40 + "true" + ")" * 40), "TOO_DEEP"),
    (when("(" * 8_000), "TOO_DEEP"),
    (when("[" * 2_000), "TOO_DEEP"),
    (when(CALL * 33), "TOO_DEEP"),
    (when(DEEPEST * 33), "TOO_DEEP"),
    (when("a" + ".a" * 40), "TOO_DEEP"),
    (when("true ? 1 : " * 33 + "1"), "TOO_DEEP"),
    (when("true" + "||true" * 2_000), "TOO_MANY_NODES"),
    (when("[" + "1," * 2_001 + "]"), "TOO_MANY_NODES"),
    (policy("permit a when true;" * 100 + "permit b when " + "1+" * 2_000 + "1;"), "TOO_MANY_NODES"),
    (policy("permit a when true;" * 129), "TOO_MANY_RULES"),
    (policy("permit " + ", ".join(f"a{n}" for n in range(33)) + " when true;"), "TOO_MANY_ACTIONS"),
    ("policy p version 1 schema s@1 {", "SYNTAX"),
    ("policy p version 1 schema s@1 {} trailing", "SYNTAX"),
    ("policy p version 1 schema s@1 {} policy q version 1 schema s@1 {}", "SYNTAX"),
    ("policy p schema s@1 {}", "SYNTAX"),
    ("policy 'p' version 1 schema s@1 {}", "SYNTAX"),
    ("policy p version 0 schema s@1 {}", "VERSION_INVALID"),
    ("policy p version 9007199254740992 schema s@1 {}", "VERSION_INVALID"),
    ("policy p version 1 schema s@0 {}", "VERSION_INVALID"),
    ("policy p version 1.5 schema s@1 {}", "SYNTAX"),
    ("policy in version 1 schema s@1 {}", "NAME_RESERVED"),
    (policy("allow view when true;"), "SYNTAX"),
    (policy("permit view when true"), "SYNTAX"),
    (policy("permit view if true;"), "SYNTAX"),
    (policy("permit view;"), "SYNTAX"),
    (policy("permit when true;"), "SYNTAX"),
    (policy("permit *, view when true;"), "SYNTAX"),
    (policy("permit view, view when true;"), "ACTION_REPEATED"),
    (policy("permit view as if when true;"), "NAME_RESERVED"),
    (policy("permit view as a when true; forbid view as a when true;"), "NAME_REPEATED"),
    (policy("permit view when true reason because;"), "SYNTAX"),
    (policy("let x = 1;"), "NOT_IN_THIS_VERSION"),
    (when("a b"), "SYNTAX"),
    (when("a ||"), "SYNTAX"),
    (when("(a"), "SYNTAX"),
    (when("[1, 2"), "SYNTAX"),
    (when("[,]"), "SYNTAX"),
    (when("!-1 == 1"), "SYNTAX"),
    (when("a ? b"), "SYNTAX"),
    (when("'permit' view"), "SYNTAX"),
    (when("while == 1"), "NAME_RESERVED"),
    (when("x == null"), "NOT_IN_THE_LANGUAGE"),
    (when("x == 1.5"), "NOT_IN_THE_LANGUAGE"),
    (when("x == 1e3"), "NOT_IN_THE_LANGUAGE"),
    (when("now() < x"), "NOT_IN_THE_LANGUAGE"),
    (when("a.name.matches('(a+)+$')"), "NOT_IN_THE_LANGUAGE"),
    (when("dyn(1) == 1"), "NOT_IN_THE_LANGUAGE"),
    (when("x == 1u"), "NOT_IN_THE_LANGUAGE"),
    (when("type(1) == x"), "NOT_IN_THE_LANGUAGE"),
    (when("uint(1) == x"), "NOT_IN_THE_LANGUAGE"),
    (when("a.`b-c` == 1"), "SYNTAX"),
    (when("x == b'\\u00e9'"), "ESCAPE_INVALID"),
    (when("x == r'open"), "STRING_UNTERMINATED"),
    (when('x == """open'), "STRING_UNTERMINATED"),
    (when("a" + "[0]" * 130), "TOO_DEEP"),
    (when("a" + ".size()" * 130), "TOO_DEEP"),
    (when("a.b" + ".map(x, x)" * 130), "TOO_DEEP"),
    (when("[1].all(x, " * 33), "TOO_DEEP"),
    (when("{" * 40), "TOO_DEEP"),
    (when("[1].all(1, true)"), "SYNTAX"),
    (when("[1].all(x.y, true)"), "SYNTAX"),
    (when("[1].all(in, true)"), "NAME_RESERVED"),
    (when("[1].all(x)"), "SYNTAX"),
    (when("[1].all(x, y, true)"), "SYNTAX"),
    (when("cel.bind(x, 1)"), "SYNTAX"),
    (when("{'a'} == x"), "SYNTAX"),
    (when("x[]"), "SYNTAX"),
    (when("x[1, 2]"), "SYNTAX"),
    (when("'a'.startsWith()"), "ARGUMENT_COUNT"),
    (when("all(x, true)"), "FUNCTION_UNKNOWN"),
    (when("math.sqrt(2)"), "FUNCTION_UNKNOWN"),
    (when("sise('a') == 1"), "FUNCTION_UNKNOWN"),
    (when("'a'.matches('b')"), "NOT_IN_THE_LANGUAGE"),
    (when("'a'.lowerAscii() == 'a'"), "FUNCTION_UNKNOWN"),
    (when("a.frob()"), "FUNCTION_UNKNOWN"),
    (when("size() == 1"), "ARGUMENT_COUNT"),
    (when("size('a', 'b') == 1"), "ARGUMENT_COUNT"),
    (when("has(a)"), "HAS_NEEDS_FIELD"),
    (when("has('a')"), "HAS_NEEDS_FIELD"),
    (when("has(has(a.b))"), "HAS_NEEDS_FIELD"),
    (policy("royalty r on resale { base a.b; pay 1% to a.c by weight; }"), "TRIGGER_UNKNOWN"),
    (policy("royalty r on gift { base a.b; pay 1% to a.c by weight; }" * 2), "NAME_REPEATED"),
    (
        policy("".join(f"royalty {r} on gift {{ base a.b; pay 1% to a.c by weight; }}" for r in "rs")),
        "TRIGGER_REPEATED",
    ),
    (royalty(""), "CLAUSE_MISSING"),
    (royalty("base a.b;"), "CLAUSE_MISSING"),
    (royalty("base a.b; base a.b;"), "CLAUSE_REPEATED"),
    (royalty("base 100;"), "NOT_IN_THIS_VERSION"),
    (royalty("base a.b + 1;"), "NOT_IN_THIS_VERSION"),
    (royalty("pay 1% to a.c;"), "NOT_IN_THIS_VERSION"),
    (royalty("floor 1.00 eur;"), "MONEY_INVALID"),
    (royalty("floor 1.00 EU;"), "MONEY_INVALID"),
    (royalty("floor 9007199254740992 EUR;"), "MONEY_INVALID"),
    (royalty("floor 0.000000001 EUR;"), "MONEY_INVALID"),
    (royalty("floor 1.00;"), "SYNTAX"),
    (royalty("floor -1 EUR;"), "SYNTAX"),
    (royalty("floor 0x10 EUR;"), "SYNTAX"),
    (royalty("fallback EUR;"), "SYNTAX"),
    (royalty("fallback 1 EUR; fallback 1 EUR;"), "CLAUSE_REPEATED"),
    (royalty("upstream lap max_depth 0;"), "DEPTH_OUT_OF_RANGE"),
    (royalty("upstream lap max_depth 33;"), "DEPTH_OUT_OF_RANGE"),
    (royalty("upstream lap max_depth 0x10;"), "DEPTH_OUT_OF_RANGE"),
    (royalty("upstream lap;"), "SYNTAX"),
    (royalty("upstream pil max_depth 3;"), "SYNTAX"),
    (royalty("refund maybe;"), "SYNTAX"),
    (royalty("refund reverse"), "SYNTAX"),
    (royalty("donate 1%;"), "SYNTAX"),
    (royalty("payer nobody;"), "SYNTAX"),
    (royalty("pay 7.5 to a.c by weight;"), "SYNTAX"),
    (royalty("pay -1% to a.c by weight;"), "SYNTAX"),
    (royalty("pay 0x10% to a.c by weight;"), "SYNTAX"),
    (royalty("pay 1e1% to a.c by weight;"), "SYNTAX"),
    (royalty("pay 7.50001% to a.c by weight;"), "RATE_TOO_FINE"),
    (royalty("pay 100.0001% to a.c by weight;"), "RATE_OUT_OF_RANGE"),
    (royalty("pay 1000001 ppm to a.c by weight;"), "RATE_OUT_OF_RANGE"),
    (royalty("base a.b; pay 30% to a.c by weight; cap 25%;"), "RATE_OVER_CAP"),
    (royalty('base a.b; pay 20% to a.c by weight; pay 6% to "s@club"; cap 25%;'), "RATE_OVER_CAP"),
    (royalty('base a.b; pay 90% to a.c by weight; pay 11% to "s@club";'), "RATE_OVER_CAP"),
    (royalty('base a.b; pay 1% to "s@club";'), "CLAUSE_MISSING"),
    (royalty('pay 1% to "s@club"; pay 2% to "s@club";'), "PAYEE_REPEATED"),
    (royalty('pay 1% to "";'), "PAYEE_INVALID"),
    (royalty(f'pay 1% to "{"s" * 129}";'), "PAYEE_INVALID"),
    (royalty('pay 1% to "s@club" by weight;'), "SYNTAX"),
    (royalty('pay 1% to "s" + "@club";'), "SYNTAX"),
    (royalty("pay 1% to b's@club';"), "NOT_IN_THIS_VERSION"),
    (royalty("".join(f'pay 1% to "s{number}@club"; ' for number in range(9))), "TOO_MANY_PAYEES"),
]


@pytest.mark.parametrize(("source", "code"), REFUSED, ids=[f"{i}-{code}" for i, (_, code) in enumerate(REFUSED)])
def test_a_source_is_refused_with_its_code(source: str | bytes, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(source)

    assert caught.value.code == code


def test_every_code_of_a_source_is_reached_and_documented() -> None:
    assert {code for _, code in REFUSED} == set(SOURCE_CODES)


def test_a_refusal_shows_the_place_and_what_was_expected() -> None:
    source = 'policy p version 1 schema s@1 {\n\tpermit view when a.b\n\treason "x"\n\tforbid view wen true;\n}\n'

    with pytest.raises(PolicyError) as caught:
        parse(source)

    assert (caught.value.line, caught.value.column) == (4, 2)
    assert str(caught.value) == (
        'SYNTAX at line 4, column 2: expected ";", found "forbid"\n  \tforbid view wen true;\n  \t^'
    )


def test_a_refusal_suggests_the_word_that_was_meant() -> None:
    with pytest.raises(PolicyError, match='found "wen"; did you mean "when"'):
        parse("policy p version 1 schema s@1 { permit view wen true; }")
    with pytest.raises(PolicyError, match='no function sise; did you mean "size"'):
        parse(when("sise('a') == 1"))


def test_the_deepest_source_needs_little_of_the_stack() -> None:
    deepest = DEEPEST.replace("1 == 1", "[1] == [1]") * 15 + "1" + ")" * 15
    here, frame = 0, sys._getframe()
    while frame.f_back is not None:
        here, frame = here + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(here + 500)
    try:
        parse(when(deepest))
        parse(when("(" * 31 + "true" + ")" * 31))
    finally:
        sys.setrecursionlimit(before)


def refusal_of(source: str | bytes) -> str | None:
    """The code of the refusal, or None for a policy; every refusal can be shown."""
    try:
        parse(source)
    except PolicyError as error:
        return error.code if str(error) else ""
    return None


WORDS = st.sampled_from(
    (
        *(
            "policy",
            "version",
            "schema",
            "permit",
            "forbid",
            "require",
            "royalty",
            "on",
            "when",
            "reason",
            "as",
            "{",
            "}",
        ),
        *(
            "base",
            "pay",
            "to",
            "by",
            "weight",
            "cap",
            "payer",
            "(",
            ")",
            "[",
            "]",
            ";",
            ",",
            ".",
            "?",
            ":",
            "!",
            "-",
            "+",
        ),
        *(
            "*",
            "/",
            "%",
            "==",
            "!=",
            "<",
            "<=",
            "&&",
            "||",
            "in",
            "has",
            "size",
            "timestamp",
            "duration",
            "true",
            "null",
        ),
        *("1", "7.5", "0x1f", "1e9", "'a'", '"b\\n"', '"', "'", "// x", "@", "a", "b.c"),
    )
)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), st.lists(WORDS, max_size=60).map(" ".join)))
def test_nothing_but_a_policy_error_comes_out(source: str | bytes) -> None:
    for candidate in (source, when(source) if isinstance(source, str) else source):
        assert refusal_of(candidate) in (None, *SOURCE_CODES)


@given(st.lists(WORDS, max_size=40).map(" ".join), st.integers(0, 60))
def test_a_policy_cut_or_spoilt_anywhere_is_refused_or_parsed(noise: str, at: int) -> None:
    source = policy("permit view, sale as a when has(x.y) && x.y < 7 || !(z.t in ['a', \"b\"]) reason 'r';")
    assert refusal_of(source[:at] + noise + source[at:]) in (None, *SOURCE_CODES)
