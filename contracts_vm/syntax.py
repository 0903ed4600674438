"""The parsed form of a policy: what the parser builds and the checker, the evaluator and the explanation read.

Every node knows where it stands in the source, so that a problem can point at it and an explanation can quote it.
Operators of one precedence are kept flat (`a && b && c` is one node), so that no walk is deeper than what an author
can nest.
"""

from typing import Literal as OneOf

import msgspec

Effect = OneOf["permit", "forbid", "require"]
Payer = OneOf["buyer", "seller"]
Mode = OneOf["lap", "lrp"]
Refund = OneOf["reverse", "keep"]
MacroKind = OneOf["all", "exists", "exists_one", "map", "filter"]
ANY_ACTION = "*"


class SourceSpan(msgspec.Struct, frozen=True, gc=False):
    """Where something stands: source[start:end]."""

    start: int
    end: int


class Literal(SourceSpan, frozen=True):
    """`true`, `42`, `"text"`, `b"octets"`; in the engine alone also `null` and `7u`."""

    value: bool | int | str | bytes | None


class ListOf(SourceSpan, frozen=True):
    """`["sale", "transfer"]`."""

    items: tuple["Expr", ...]


class MapOf(SourceSpan, frozen=True):
    """`{"EUR": 100, "USD": 120}`."""

    entries: tuple[tuple["Expr", "Expr"], ...]


class FieldPath(SourceSpan, frozen=True):
    """`asset.owner`: a root and the fields under it."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """The path as it is written, without spaces."""
        return ".".join(self.names)


class Local(SourceSpan, frozen=True):
    """The variable of a macro or a binding around it."""

    name: str
    slot: int
    """How many variables are around it, from 1: where the evaluator keeps its value."""


class Select(SourceSpan, frozen=True):
    """`x.field`, where `x` is anything but a path."""

    operand: "Expr"
    field: str


class Index(SourceSpan, frozen=True):
    """`x[i]`."""

    operand: "Expr"
    index: "Expr"


class Has(SourceSpan, frozen=True):
    """`has(asset.model)`: whether the last field is there."""

    path: FieldPath | Select


class Not(SourceSpan, frozen=True):
    """`!x`."""

    operand: "Expr"


class Negate(SourceSpan, frozen=True):
    """`-x`."""

    operand: "Expr"


class Logic(SourceSpan, frozen=True):
    """`a && b && c`, or the same with `||`."""

    operator: OneOf["&&", "||"]
    operands: tuple["Expr", ...]


class OperatorChain(SourceSpan, frozen=True):
    """`a + b - c`: operators of one precedence, applied from the left."""

    first: "Expr"
    rest: tuple[tuple[str, "Expr"], ...]


class Choice(SourceSpan, frozen=True):
    """`test ? yes : no`."""

    test: "Expr"
    yes: "Expr"
    no: "Expr"


class Call(SourceSpan, frozen=True):
    """`size(x)`, `math.least(a, b)`, and `x.contains(y)`, which is a call of `contains` with x and y."""

    function: str
    arguments: tuple["Expr", ...]


class Macro(SourceSpan, frozen=True):
    """`xs.all(x, body)` and its kind: a loop over the items of a list or the keys of a map."""

    kind: MacroKind
    source: "Expr"
    variable: Local
    test: "Expr | None"
    """The middle argument of `xs.map(x, test, body)`."""
    body: "Expr"


class Bind(SourceSpan, frozen=True):
    """`cel.bind(x, value, body)`."""

    variable: Local
    value: "Expr"
    body: "Expr"


Expr = (
    Literal | ListOf | MapOf | FieldPath | Local | Select | Index | Has | Not | Negate | Logic | OperatorChain | Choice
    | Call | Macro | Bind
)  # fmt: skip


class Rule(SourceSpan, frozen=True):
    """One `permit`, `forbid` or `require`."""

    effect: Effect
    actions: tuple[str, ...]
    """Names of actions, or the one entry `*`."""
    id: str
    """The name after `as`; without one, effect and position: `permit#3`."""
    when: Expr
    reason: str
    """What to tell people, or ""."""


class Money(msgspec.Struct, frozen=True):
    """`1.00 EUR`, exactly as a decimal; what it is in minor units depends on the currency, which the caller knows."""

    digits: int
    decimals: int
    """How many of the digits stand behind the point; the last of them is no zero."""
    currency: str

    def units(self, decimals: int) -> int | None:
        """Minor units of a currency with so many decimals, or None when the amount is finer than one of them."""
        units, rest = divmod(self.digits * 10**decimals, 10**self.decimals)
        return None if rest else units

    @property
    def text(self) -> str:
        """The amount as people write it."""
        digits = str(self.digits).rjust(self.decimals + 1, "0")
        whole, part = digits[: len(digits) - self.decimals], digits[len(digits) - self.decimals :]
        return f"{whole}{'.' + part if part else ''} {self.currency}"


class Upstream(msgspec.Struct, frozen=True):
    """`upstream lap max_depth 16`: what a derivative owes to the pictures that it was made from."""

    mode: Mode
    """`lap`: every ancestor has its part of every sale; `lrp`: the direct parents only."""
    max_depth: int
    """How many generations up ancestors are paid."""


class NamedPayee(msgspec.Struct, frozen=True):
    """`pay 2% to "society@club"`: somebody who is paid whoever made the picture."""

    rate_ppm: int
    payee: str


class RoyaltyClause(SourceSpan, frozen=True):
    """One `royalty`: who is paid which part of what, and on which occasion."""

    id: str
    trigger: str
    when: Expr | None
    base: FieldPath
    """The amount that the rate is a part of, in minor units."""
    rate_ppm: int
    payees: FieldPath
    """The list of payees with their weights, which the caller looks up."""
    named: tuple[NamedPayee, ...]
    """Who is paid beside them, each at a rate of its own."""
    cap_ppm: int | None
    payer: Payer
    upstream: Upstream | None
    floor: Money | None
    """The least that is due where there is a price."""
    fallback: Money | None
    """What is due where there is none: for a gift or a swap."""
    refund: Refund
    """Whether a refund of the sale takes the royalty back (`reverse`) or leaves it with the payees (`keep`)."""

    @property
    def whole_ppm(self) -> int:
        """The rates of all payees together."""
        return self.rate_ppm + sum(one.rate_ppm for one in self.named)


class Document(msgspec.Struct, frozen=True):
    """A whole source."""

    name: str
    version: int
    schema: str
    rules: tuple[Rule, ...]
    royalties: tuple[RoyaltyClause, ...]


def children(node: Expr) -> tuple[Expr, ...]:  # noqa: C901 - a case for each kind of node
    """The expressions directly inside an expression, from left to right."""
    match node:
        case ListOf():
            return node.items
        case MapOf():
            return tuple(part for entry in node.entries for part in entry)
        case Select() | Not() | Negate():
            return (node.operand,)
        case Index():
            return (node.operand, node.index)
        case Has():
            return (node.path,)
        case Logic():
            return node.operands
        case OperatorChain():
            return (node.first, *(operand for _, operand in node.rest))
        case Choice():
            return (node.test, node.yes, node.no)
        case Call():
            return node.arguments
        case Macro():
            return (node.source, node.body) if node.test is None else (node.source, node.test, node.body)
        case Bind():
            return (node.value, node.body)
        case _:
            return ()


def height(node: Expr) -> int:
    """How many nodes deep an expression is."""
    level, found = [node], 0
    while level:
        found += 1
        level = [child for parent in level for child in children(parent)]
    return found
