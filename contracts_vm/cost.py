"""What evaluation costs, in fuel: one table, read by the meter and printed in the documentation.

The table is part of consensus: a node that charges otherwise decides otherwise. It therefore has a version, is never
edited in place once a chain runs on it, and is data rather than numbers spread over the evaluator. Costs depend on
the policy and the facts only, never on time or on Python. A cost is charged before the work that it pays for whenever
the work grows with the data.
"""

from typing import Any, Final

COST_TABLE_VERSION: Final = 1

RULE: Final = 1
"""Each rule that is evaluated, before its condition."""
NAME: Final = 1
"""Each name of a path: `asset.owner` costs two, also inside has(). The variable of a macro, and each `.field`, one."""
LITERAL: Final = 0
OPERATOR: Final = 1
"""Each operator, index, call and binding; `a && b && c` has two operators, charged together on entry."""
LIST: Final = 10
"""A list literal, to which comes LIST_ITEM for each item."""
LIST_ITEM: Final = 1
MAP: Final = 30
"""A map literal, to which comes MAP_ENTRY for each entry."""
MAP_ENTRY: Final = 2
MEMBER_ITEM: Final = 1
"""Each item of the list right of `in`; a map right of `in` costs one."""
FOLD_ITEM: Final = 2
"""Each item that a macro goes through, beside what its body costs."""
COMPARE_UNIT: Final = 10
"""Comparing text or bytes costs one more for every so many characters of the shorter side; comparing lists or maps
costs one more for each element of the shorter side."""
CONCAT_UNIT: Final = 8
"""Joining text, bytes or lists costs one more for every so many characters or items of the result."""
READ_UNIT: Final = 10
"""Conversions cost one more for every so many characters of text or bytes."""
SEARCH_UNIT: Final = 10
"""contains() costs (1 + a / 10) * (1 + b / 10) for a characters searched and b sought; startsWith() and endsWith() cost
one more for every so many characters sought."""

RULE_FUEL_MAX: Final = 10_000
"""The most that a rule may cost in the worst case, and the rules of one policy for one action together.

The condition of a royalty counts among these rules: whoever asks about a sale also asks what is due on it.
"""


class OutOfFuel(Exception):
    """The meter went below zero. Only the decision catches it; no operator may."""


Meter = list[Any]
"""The fuel left, followed by the values of the variables of macros and bindings, the outermost first. Nothing else
changes during an evaluation; it is a list so that closures reach it without an attribute lookup."""


def charge(meter: Meter, amount: int) -> None:
    """Lower the meter before work whose size depends on the data; stop there if it goes below zero."""
    meter[0] -= amount
    if meter[0] < 0:
        raise OutOfFuel
