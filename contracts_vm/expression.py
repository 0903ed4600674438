"""The expressions of the language: a part of the grammar of the Common Expression Language, by recursive descent.

Refusals are the product here as much as trees are: each says where, what was expected and what was found, and a part
of the language that this version leaves out is named as such. Nesting is counted on the way down and nodes as they
are built, so that no source can exhaust the stack or the memory of a node.
"""

from typing import Final, NoReturn, TypeVar

from contracts_vm.errors import nearest
from contracts_vm.lexer import Token, decode
from contracts_vm.reader import RESERVED, Reader
from contracts_vm.syntax import Call, Chain, Choice, Expr, Has, ListOf, Literal, Logic, Negate, Not, Path, Place
from contracts_vm.types import INT_MAX

NODES_MAX: Final = 2_000
DEPTH_MAX: Final = 32
FUNCTIONS: Final = ("duration", "has", "size", "timestamp")

_FUNCTIONS_LATER = (
    "all", "ancestor", "contains", "endsWith", "exists", "exists_one", "filter", "getDate", "getDayOfMonth",
    "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth",
    "getSeconds", "holds", "int", "map", "portion", "role", "startsWith", "string",
)  # fmt: skip
_FUNCTIONS_NEVER = ("bool", "bytes", "double", "dyn", "matches", "now", "random", "type", "uint")
_PRECEDENCE: Final = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">", "in"), ("+", "-"), ("*", "/", "%"))

N = TypeVar("N", bound=Place)


def parse_expression(source: str | bytes) -> Expr:
    """One expression alone, or PolicyError."""
    parser = ExpressionParser(decode(source))
    expression = parser.expression()
    parser.expect_end("the expression")
    return expression


class ExpressionParser(Reader):
    """One method for one production, from the loosest operator to the tightest."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.nodes = 0

    def expression(self) -> Expr:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            self.refuse("TOO_DEEP", f"an expression is nested at most {DEPTH_MAX} levels deep", self.token)
        start = self.token.start
        found = self.chain(0)
        if self.accept("?"):
            yes = self.chain(0)
            self.expect(":")
            no = self.expression()
            found = self.node(Choice(start, no.end, found, yes, no))
        self.depth -= 1
        return found

    def chain(self, level: int) -> Expr:
        """Operands joined by operators of one precedence; the operands are chains of the next."""
        if level == len(_PRECEDENCE):
            return self.unary()
        start = self.token.start
        first = self.chain(level + 1)
        rest: list[tuple[str, Expr]] = []
        while self.peek(*_PRECEDENCE[level]):
            operator = self.next().text
            rest.append((operator, self.chain(level + 1)))
        if not rest:
            return first
        end = rest[-1][1].end
        if level < 2:
            return self.node(Logic(start, end, "&&" if level else "||", (first, *(operand for _, operand in rest))))
        self.count(len(rest) - 1)
        return self.node(Chain(start, end, first, tuple(rest)))

    def unary(self) -> Expr:
        """`!!x` is `!x` of a boolean twice and `--x` likewise, so any number of them is one or two nodes."""
        start, operator, count = self.token.start, self.token.text, 0
        if not self.peek("!", "-"):
            return self.primary()
        while self.accept(operator):
            count += 1
        if operator == "-" and self.token.kind == "int":
            count -= 1
            operand: Expr = self.integer(start, negative=True)
        else:
            operand = self.primary()
        for _ in range(count if count < 2 else 2 - count % 2):
            made = Not if operator == "!" else Negate
            operand = self.node(made(start, operand.end, operand))
        return operand

    def primary(self) -> Expr:
        found = self.value()
        if self.peek("["):
            self.not_in_this_version("an index")
        if self.accept("."):
            name = self.kind("name", "a method")
            if self.peek("("):
                self.refuse_function(name)
            self.not_in_this_version("a field of anything but a name")
        return found

    def value(self) -> Expr:
        token = self.token
        if token.kind == "int":
            return self.integer(token.start, negative=False)
        if token.kind == "string":
            return self.node(Literal(token.start, token.end, self.next().text))
        if self.peek("true", "false"):
            return self.node(Literal(token.start, token.end, self.next().text == "true"))
        if self.accept("["):
            return self.list_of(token)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if token.kind != "name":
            self.refuse_value(token)
        return self.path_or_call()

    def refuse_value(self, token: Token) -> NoReturn:
        if token.kind in ("decimal", "double"):
            self.refuse("NOT_IN_THE_LANGUAGE", "there are only integers, without point or exponent", token)
        if self.peek("{"):
            self.not_in_this_version("a map literal")
        self.unexpected("a value")

    def integer(self, start: int, *, negative: bool) -> Literal:
        token = self.next()
        value = int(token.text, 16 if token.text.startswith("0x") else 10)
        if value > INT_MAX + negative:
            self.refuse("INT_OUT_OF_RANGE", "an integer has 64 bits, from -2^63 to 2^63-1", token)
        return self.node(Literal(start, token.end, -value if negative else value))

    def list_of(self, head: Token) -> Expr:
        items: list[Expr] = []
        while not self.peek("]"):
            items.append(self.expression())
            if not self.accept(","):
                break
        end = self.expect("]")
        return self.node(ListOf(head.start, end.end, tuple(items)))

    def path_or_call(self) -> Expr:
        head = self.next()
        if head.text in RESERVED:
            self.refuse("NAME_RESERVED", f'"{head.text}" is a reserved word', head)
        if head.text == "null":
            self.refuse("NOT_IN_THE_LANGUAGE", "there is no null; ask has(...) whether a field is there", head)
        if self.peek("("):
            return self.call(head)
        names, last = [head.text], head
        while self.accept("."):
            last = self.kind("name", "a field")
            if self.peek("("):
                self.refuse_function(last)
            names.append(last.text)
        if self.depth + len(names) > DEPTH_MAX:
            self.refuse("TOO_DEEP", f"an expression is nested at most {DEPTH_MAX} levels deep", last)
        self.count(len(names) - 1)
        return self.node(Path(head.start, last.end, tuple(names)))

    def call(self, head: Token) -> Expr:
        if head.text not in FUNCTIONS:
            self.refuse_function(head)
        self.expect("(")
        arguments: list[Expr] = []
        while not self.peek(")"):
            arguments.append(self.expression())
            if not self.accept(","):
                break
        end = self.expect(")")
        if len(arguments) != 1:
            self.refuse("ARGUMENT_COUNT", f"{head.text} takes one argument, not {len(arguments)}", head)
        argument = arguments[0]
        if head.text != "has":
            return self.node(Call(head.start, end.end, head.text, argument))
        if not isinstance(argument, Path) or len(argument.names) < 2:
            self.refuse("HAS_NEEDS_FIELD", "expected a field such as has(asset.model)", head)
        return self.node(Has(head.start, end.end, argument))

    def refuse_function(self, name: Token) -> NoReturn:
        if name.text in _FUNCTIONS_LATER:
            self.refuse("NOT_IN_THIS_VERSION", f"{name.text}(...) is not in this version of the language", name)
        if name.text in _FUNCTIONS_NEVER:
            self.refuse("NOT_IN_THE_LANGUAGE", f"{name.text}(...) does not exist here", name)
        self.refuse("FUNCTION_UNKNOWN", f"there is no function {name.text}{nearest(name.text, FUNCTIONS)}", name)

    def node(self, made: N) -> N:
        self.count(1)
        return made

    def count(self, more: int) -> None:
        self.nodes += more
        if self.nodes > NODES_MAX:
            self.refuse("TOO_MANY_NODES", f"a policy has at most {NODES_MAX} expression nodes", self.token)
