"""What can go wrong with a rule, and the permanent word for each.

Three kinds never mix. A source we do not accept raises `PolicyError`; an amount or a list of payees that cannot be
settled raises `RoyaltyError`; a bug of ours raises `InvariantBroken`, also under `python -O`. An expression that
fails while it is evaluated raises nothing at all: its error is a value of the decision, with a code of
`EVALUATION_CODES`. Codes are never renamed or reused.
"""

from collections.abc import Iterable

SOURCE_CODES = {
    "ACTION_REPEATED": "a rule names the same action twice",
    "ARGUMENT_COUNT": "a function is called with too few or too many arguments",
    "CHARACTER_FORBIDDEN": "a control, bidirectional or invisible character: text must run as it reads",
    "CHARACTER_UNKNOWN": "an ASCII character that starts nothing in the language",
    "CLAUSE_MISSING": "a royalty lacks its base or its pay clause",
    "CLAUSE_REPEATED": "a royalty has the same clause twice",
    "DEPTH_OUT_OF_RANGE": "an upstream clause that reaches less than 1 or more than 32 generations",
    "ESCAPE_INVALID": "a backslash sequence in a string that means nothing",
    "FUNCTION_UNKNOWN": "a call of a function that does not exist",
    "HAS_NEEDS_FIELD": "has(...) around something that is not a field",
    "INT_OUT_OF_RANGE": "an integer outside 64 bits",
    "MONEY_INVALID": "an amount above 2^53-1, with more than 8 decimals, or without a currency such as EUR",
    "NAME_REPEATED": "two rules or royalties of one policy have the same name",
    "NAME_RESERVED": "a word that the expression language keeps for itself used as a name",
    "NAME_TOO_LONG": "a name longer than 64 characters",
    "NOT_ASCII": "a non-ASCII character outside strings and comments; it may look like a letter that it is not",
    "NOT_IN_THE_LANGUAGE": "left out of rules on purpose: doubles, unsigned integers, null, patterns, clocks",
    "NOT_IN_THIS_VERSION": "part of the language, but not in this version of it",
    "NUMBER_MALFORMED": "a number that runs into letters",
    "NUMBER_TOO_LONG": "a number of more than 20 digits",
    "PAYEE_INVALID": "the name of a payee that is empty, or longer than 128 characters",
    "PAYEE_REPEATED": "a royalty names a payee twice",
    "RATE_OUT_OF_RANGE": "a rate above 100%",
    "RATE_OVER_CAP": "a royalty's own rates together are above its cap, or above 100%",
    "RATE_TOO_FINE": "a rate finer than one part per million",
    "SOURCE_NOT_UTF8": "the source is not UTF-8 text",
    "SOURCE_TOO_LARGE": "the source is longer than 16 KiB",
    "STRING_UNTERMINATED": "a string without its closing quote on the same line",
    "SYNTAX": "something else was expected here",
    "TOO_DEEP": "an expression nested more than 32 levels or 128 operations deep",
    "TOO_MANY_ACTIONS": "a rule that names more than 32 actions",
    "TOO_MANY_PAYEES": "a royalty that names more than 8 payees",
    "TOO_MANY_NODES": "a policy of more than 2,000 expression nodes",
    "TOO_MANY_RULES": "a policy of more than 128 rules and royalties",
    "TRIGGER_REPEATED": "two royalties of one policy on the same trigger",
    "TRIGGER_UNKNOWN": "a royalty on something that is not a trigger",
    "VERSION_INVALID": "a version that is not between 1 and 2^53-1",
}
"""Why `parse` refuses a source."""

CHECK_CODES = {
    "ACTION_UNKNOWN": "a rule for an action that does not exist",
    "CAN_FAIL": "a forbid, a require or a royalty that some facts would leave without a value",
    "CONDITION_CONSTANT": "a condition that is always true or always false",
    "FIELD_UNCONSTRAINED": "a field of the transaction that a permit does not look at, nor any forbid or require",
    "FIELD_UNKNOWN": "a field that the schema does not have",
    "LITERAL_INVALID": "timestamp(...) or duration(...) of a text that is neither",
    "OPTIONAL_UNGUARDED": "an optional field read where has(...) has not made sure of it",
    "OVER_BUDGET": "a rule, or all rules for one action with a royalty's condition, that may cost over 10,000 fuel",
    "PERMIT_IMPLIED": "a permit that says nothing which another permit does not say",
    "ROOT_UNKNOWN": "a root that the schema does not have",
    "SCHEMA_OTHER": "the policy was written for another schema",
    "TYPE_MISMATCH": "an operator or a clause given a type that it does not take",
}
"""What `check` finds in a policy that parses."""

WARNINGS = frozenset({"CONDITION_CONSTANT", "FIELD_UNCONSTRAINED", "PERMIT_IMPLIED"})
"""The findings that an author should think about and that do not stop a policy from being published."""

EVALUATION_CODES = {
    "BUDGET": "the fuel ran out; nothing absorbs this",
    "CONVERSION_INVALID": "a value that has no equal in the other type, such as int('x')",
    "DIVIDE_BY_ZERO": "division or remainder by zero",
    "DURATION_INVALID": "not a duration in whole nanoseconds within range",
    "FIELD_MISSING": "the record does not have the field",
    "INDEX_OUT_OF_RANGE": "the list has no item there",
    "KEY_INVALID": "the key of a map that stands twice, or is neither bool, int nor string",
    "KEY_MISSING": "the map does not have the key",
    "NO_OVERLOAD": "the operator or function does not take values of these types",
    "NOT_A_RECORD": "a field was asked of something that has no fields",
    "NOT_BOOL": "a condition that is neither true nor false",
    "OVERFLOW": "the result leaves 64 bits, or the range of its type",
    "PORTION_INVALID": "portion() of an amount below 0, or at a rate outside 0 to 1,000,000 ppm",
    "ROOT_MISSING": "the facts do not have the root",
    "TIMESTAMP_INVALID": "not an RFC 3339 time from year 1 to 9999",
    "VALUE_UNSUPPORTED": "the facts hold a value of a kind that rules do not know",
    "ZONE_INVALID": "neither UTC nor a fixed offset such as +01:00",
}
"""How an expression fails at run time."""

ROYALTY_CODES = {
    "AMOUNT_OUT_OF_RANGE": "an amount below 0 or above 2^53-1",
    "PAYEES_INVALID": "no payee, more than 1,032, one twice, or one that is no text",
    "PAYER_UNKNOWN": "a payer that is neither buyer nor seller",
    "RATE_OUT_OF_RANGE": "a rate outside 0 to 1,000,000 ppm",
    "ROYALTY_OVER_PRICE": "a part of what is sold together owes more than its price",
    "WEIGHT_INVALID": "a weight that is not an integer from 1 to 2^53-1, or groups whose weights make different wholes",
}
"""Why `divide`, `portion` and `settle` refuse."""


class PolicyError(Exception):
    """The source is refused. Show `str(error)` to its author: the place, what was expected, the line with a caret."""

    def __init__(self, code: str, message: str, line: int, column: int, excerpt: str = "") -> None:
        super().__init__(code, message, line, column, excerpt)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.excerpt = excerpt

    def __str__(self) -> str:
        return placed(self.code, self.message, self.line, self.column, self.excerpt)


class RoyaltyError(ValueError):
    """The amount, the rate or the payees cannot be settled. Pass `code` on as the reason of the refusal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class InvariantBroken(BaseException):
    """A bug of ours. Let it pass: only the outermost task catches it, and then the process ends."""


def ensure(condition: object, statement: str) -> None:
    """Stop if what must always hold does not; unlike `assert`, also under `python -O`."""
    if not condition:
        raise InvariantBroken(statement)


def placed(code: str, message: str, line: int, column: int, excerpt: str) -> str:
    """`CODE at line 3, column 9: message`, and the line with its caret below."""
    head = f"{code} at line {line}, column {column}: {message}"
    return f"{head}\n{excerpt}" if excerpt else head


def position(source: str, offset: int) -> tuple[int, int, str]:
    """Line and column of an offset, from 1 and in code points, and an excerpt of that line with a caret under it."""
    start = source.rfind("\n", 0, offset) + 1
    end = source.find("\n", offset)
    text = source[start : len(source) if end < 0 else end].rstrip("\r")
    left = max(0, offset - start - 80)
    window = "".join(c if c >= " " or c == "\t" else "?" for c in text[left : left + 120])
    padding = "".join("\t" if c == "\t" else " " for c in window[: offset - start - left])
    return source.count("\n", 0, start) + 1, offset - start + 1, f"  {window}\n  {padding}^"


def nearest(name: str, candidates: Iterable[str]) -> str:
    """`; did you mean "owner"?` for the candidate at most two edits away (ties: the first in order), or nothing."""
    ranked = sorted((_edits(name, other), other) for other in candidates if abs(len(name) - len(other)) <= 2)
    if ranked and ranked[0][0] <= min(2, len(name) - 1):
        return f'; did you mean "{ranked[0][1]}"?'
    return ""


def _edits(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]
