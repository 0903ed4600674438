"""What evaluation costs, in fuel: one table, read by the meter and printed in the documentation.

The table is part of consensus: a node that charges otherwise decides otherwise. It therefore has a version, is never
edited in place once a chain runs on it, and is data rather than numbers spread over the evaluator. Costs depend on
the policy and the facts only, never on time or on Python. A cost is charged before the work that it pays for whenever
the work grows with the data.
"""

from typing import Final

COST_TABLE_VERSION: Final = 1

RULE: Final = 1
"""Each rule that is evaluated, before its condition."""
NAME: Final = 1
"""Each name of a path: `asset.owner` costs two, also inside has()."""
LITERAL: Final = 0
OPERATOR: Final = 1
"""Each operator and each call; `a && b && c` has two operators, charged together on entry."""
LIST: Final = 10
"""A list literal, to which comes LIST_ITEM for each item."""
LIST_ITEM: Final = 1
MEMBER_ITEM: Final = 1
"""Each item of the list right of `in`."""
COMPARE_UNIT: Final = 10
"""Comparing text costs one more for each this many characters of the shorter side; a list or record, one for each
element of the shorter side."""
CONCAT_UNIT: Final = 8
"""Joining text or lists costs one more for each this many characters or items of the result."""
READ_UNIT: Final = 10
"""timestamp() and duration() cost one more for each this many characters of text."""


class OutOfFuel(Exception):
    """The meter went below zero. Only the decision catches it; no operator may."""


Meter = list[int]
"""One number: the fuel left. A list, so that closures can lower it without an attribute lookup."""


def charge(meter: Meter, amount: int) -> None:
    """Lower the meter before work whose size depends on the data; stop there if it goes below zero."""
    meter[0] -= amount
    if meter[0] < 0:
        raise OutOfFuel
