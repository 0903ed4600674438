"""The expressions of the language: the grammar of the Common Expression Language, by recursive descent.

Refusals are the product here as much as trees are: each says where, what was expected and what was found, and a part
of the language that rules leave out is named as such. Nesting is counted on the way down, nodes as they are built and
the height of the tree at the end, so that no source can exhaust the stack or the memory of a node.
"""

from typing import Final, NoReturn, TypeVar, cast

from contracts_vm.errors import nearest
from contracts_vm.functions import ARITY, ENGINE_ONLY, FUNCTIONS, METHODS
from contracts_vm.lexer import Lexeme, decode
from contracts_vm.reader import RESERVED, LexemeReader
from contracts_vm.syntax import (
    Bind,
    Call,
    Choice,
    Expr,
    FieldPath,
    Has,
    Index,
    ListOf,
    Literal,
    Local,
    Logic,
    Macro,
    MacroKind,
    MapOf,
    Negate,
    Not,
    OperatorChain,
    Select,
    SourceSpan,
    height,
)
from contracts_vm.types import INT_MAX, UINT_MAX, UInt

NODES_MAX: Final = 2_000
DEPTH_MAX: Final = 32
HEIGHT_MAX: Final = 128
"""Operations inside one another, however they are written: `x[0][0][0]` is three."""
MACROS: Final[tuple[MacroKind, ...]] = ("all", "exists", "exists_one", "filter", "map")

_CALLED = (*(name for name in FUNCTIONS if name not in METHODS), "size", "has", "cel.bind")
_DOTTED = ("cel.bind", "math.greatest", "math.least")
_NEVER = ("double", "matches", "now", "random")
_PRECEDENCE: Final = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">", "in"), ("+", "-"), ("*", "/", "%"))
_LEVELS: Final = {operator: level for level, operators in enumerate(_PRECEDENCE) for operator in operators}

N = TypeVar("N", bound=SourceSpan)


def parse_expression(source: str | bytes) -> Expr:
    """One expression alone, with all that the engine has, or PolicyError."""
    parser = ExpressionParser(decode(source, readable=False))
    expression = parser.expression()
    parser.expect_end("the expression")
    return expression


class ExpressionParser(LexemeReader):
    """One method for one production, from the loosest operator to the tightest."""

    for_rules = False
    """Whether what only the engine has is refused: null, unsigned integers, `dyn`, `type`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.nodes = 0
        self.locals: list[str] = []

    def expression(self) -> Expr:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            self.refuse("TOO_DEEP", f"an expression is nested at most {DEPTH_MAX} levels deep", self.lexeme)
        head = self.lexeme
        found = self.chain(0)
        if self.accept("?"):
            yes = self.chain(0)
            self.expect(":")
            no = self.expression()
            found = self.node(Choice(head.start, no.end, found, yes, no))
        self.depth -= 1
        if self.depth == 0 and self.nodes > HEIGHT_MAX and height(found) > HEIGHT_MAX:
            self.refuse("TOO_DEEP", f"an expression has at most {HEIGHT_MAX} operations inside one another", head)
        return found

    def chain(self, loosest: int) -> Expr:
        """Operands joined by operators of at least this precedence; those of one precedence make one flat node."""
        start = self.lexeme.start
        found = self.unary()
        while (level := _LEVELS.get(self.lexeme.text, -1)) >= loosest:
            rest: list[tuple[str, Expr]] = []
            while _LEVELS.get(self.lexeme.text) == level:
                operator = self.next().text
                rest.append((operator, self.chain(level + 1)))
            end = rest[-1][1].end
            if level < 2:
                operands = (found, *(operand for _, operand in rest))
                found = self.node(Logic(start, end, "&&" if level else "||", operands))
            else:
                self.count(len(rest) - 1)
                found = self.node(OperatorChain(start, end, found, tuple(rest)))
        return found

    def unary(self) -> Expr:
        """`!!x` is `!x` of a boolean twice and `--x` likewise, so any number of them is one or two nodes."""
        if self.lexeme.text not in ("!", "-"):
            return self.member()
        start, operator, count = self.lexeme.start, self.lexeme.text, 0
        while self.accept(operator):
            count += 1
        if operator == "-" and self.lexeme.kind == "int":
            count -= 1
            operand = self.postfix(self.integer(start, negative=True))
        else:
            operand = self.member()
        for _ in range(count if count < 2 else 2 - count % 2):
            made = Not if operator == "!" else Negate
            operand = self.node(made(start, operand.end, operand))
        return operand

    # -- fields, indexes, methods and macros after a value

    def member(self) -> Expr:
        if self.lexeme.kind == "name" and self.lexeme.text not in ("true", "false", "null"):
            return self.postfix(self.named())
        return self.postfix(self.value())

    def postfix(self, found: Expr) -> Expr:
        while True:
            if self.accept("["):
                index = self.expression()
                end = self.expect("]")
                found = self.node(Index(found.start, end.end, found, index))
            elif self.accept("."):
                name = self.field()
                if self.peek("("):
                    found = self.method(found, name)
                else:
                    found = self.node(Select(found.start, name.end, found, name.text))
            else:
                return found

    def field(self) -> Lexeme:
        if self.lexeme.kind == "quoted" and not self.for_rules:
            quoted = self.next()
            return Lexeme("name", quoted.text.strip("`"), quoted.start, quoted.end)
        return self.kind("name", "a field")

    def named(self) -> Expr:
        """A variable, a path from a root, a function, or a method of one of these."""
        head = self.next()
        if head.text in RESERVED:
            self.refuse("NAME_RESERVED", f'"{head.text}" is a reserved word', head)
        if self.peek("("):
            return self.call(head, head.text)
        if head.text in self.locals:
            slot = len(self.locals) - self.locals[::-1].index(head.text)
            return self.node(Local(head.start, head.end, head.text, slot))
        return self.from_root(head)

    def from_root(self, head: Lexeme) -> Expr:
        """A root and its fields; the name before a bracket is a method of what stands before it."""
        names, last = [head.text], head
        while self.peek("."):
            self.next()
            name = self.field()
            if self.peek("("):
                dotted = f"{head.text}.{name.text}"
                if len(names) == 1 and dotted in _DOTTED:
                    return self.call(head, dotted)
                return self.method(self.finished(head, last, names), name)
            names.append(name.text)
            last = name
        return self.finished(head, last, names)

    def finished(self, head: Lexeme, last: Lexeme, names: list[str]) -> FieldPath:
        if self.depth + len(names) > DEPTH_MAX:
            self.refuse("TOO_DEEP", f"an expression is nested at most {DEPTH_MAX} levels deep", last)
        self.count(len(names) - 1)
        return self.node(FieldPath(head.start, last.end, tuple(names)))

    def call(self, head: Lexeme, name: str) -> Expr:
        if name not in _CALLED or (self.for_rules and name in ENGINE_ONLY):
            self.refuse_function(head, _CALLED)
        self.expect("(")
        if name == "cel.bind":
            return self.bind(head)
        arguments, end = self.arguments()
        if name == "has":
            return self.has(head, arguments, end)
        return self.called(head, Call(head.start, end.end, name, arguments))

    def method(self, receiver: Expr, name: Lexeme) -> Expr:
        if name.text in MACROS:
            return self.macro(receiver, name)
        if name.text not in METHODS:
            self.refuse_function(name, (*METHODS, *MACROS))
        self.expect("(")
        arguments, end = self.arguments()
        return self.called(name, Call(receiver.start, end.end, name.text, (receiver, *arguments)))

    def called(self, head: Lexeme, made: Call) -> Expr:
        least, most = ARITY[made.function]
        if not least <= len(made.arguments) <= most:
            self.refuse("ARGUMENT_COUNT", f"{made.function} takes {_count(least, most)}", head)
        return self.node(made)

    def arguments(self) -> tuple[tuple[Expr, ...], Lexeme]:
        found: list[Expr] = []
        while not self.peek(")"):
            found.append(self.expression())
            if not self.accept(","):
                break
        return tuple(found), self.expect(")")

    def has(self, head: Lexeme, arguments: tuple[Expr, ...], end: Lexeme) -> Expr:
        if len(arguments) != 1:
            self.refuse("ARGUMENT_COUNT", "has takes one argument", head)
        field = arguments[0]
        if not isinstance(field, Select | FieldPath) or (isinstance(field, FieldPath) and len(field.names) < 2):
            self.refuse("HAS_NEEDS_FIELD", "expected a field such as has(asset.model)", head)
        return self.node(Has(head.start, end.end, field))

    def bind(self, head: Lexeme) -> Expr:
        name = self.variable()
        self.expect(",")
        value = self.expression()
        self.expect(",")
        variable, body = self.inside(name)
        end = self.expect(")")
        return self.node(Bind(head.start, end.end, variable, value, body))

    def macro(self, source: Expr, head: Lexeme) -> Expr:
        self.expect("(")
        name = self.variable()
        self.expect(",")
        variable, body = self.inside(name)
        test = None
        if head.text == "map" and self.accept(","):
            test = body
            _, body = self.inside(name)
        end = self.expect(")")
        return self.node(Macro(source.start, end.end, cast(MacroKind, head.text), source, variable, test, body))

    def variable(self) -> Lexeme:
        lexeme = self.lexeme
        self.name("a name for each item")
        return lexeme

    def inside(self, name: Lexeme) -> tuple[Local, Expr]:
        """What stands inside a macro, where its variable is known."""
        self.locals.append(name.text)
        variable = Local(name.start, name.end, name.text, len(self.locals))
        body = self.expression()
        self.locals.pop()
        return variable, body

    # -- values

    def value(self) -> Expr:
        lexeme = self.lexeme
        if lexeme.kind in ("int", "uint"):
            return self.integer(lexeme.start, negative=False)
        if lexeme.kind in ("string", "bytes"):
            return self.node(Literal(lexeme.start, lexeme.end, self.next().meaning))
        if self.peek("true", "false"):
            return self.node(Literal(lexeme.start, lexeme.end, self.next().text == "true"))
        if self.accept("["):
            return self.list_of(lexeme)
        if self.accept("{"):
            return self.map_of(lexeme)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.peek(".") and not self.for_rules:
            self.next()
            return self.from_root(self.kind("name", "a name"))
        if self.peek("null") and not self.for_rules:
            self.next()
            return self.node(Literal(lexeme.start, lexeme.end, None))
        return self.refuse_value(lexeme)

    def refuse_value(self, lexeme: Lexeme) -> NoReturn:
        if lexeme.kind in ("decimal", "double"):
            self.refuse("NOT_IN_THE_LANGUAGE", "there are only integers, without point or exponent", lexeme)
        if self.peek("null"):
            self.refuse("NOT_IN_THE_LANGUAGE", "there is no null; ask has(...) whether a field is there", lexeme)
        self.unexpected("a value")

    def integer(self, start: int, *, negative: bool) -> Literal:
        lexeme = self.next()
        value = int(lexeme.text, 16 if lexeme.text.startswith("0x") else 10)
        if lexeme.kind == "uint":
            if self.for_rules:
                self.refuse("NOT_IN_THE_LANGUAGE", "rules have no unsigned integers", lexeme)
            if value > UINT_MAX:
                self.refuse("INT_OUT_OF_RANGE", "an unsigned integer has 64 bits, up to 2^64-1", lexeme)
            return self.node(Literal(start, lexeme.end, UInt(value)))
        if value > INT_MAX + negative:
            self.refuse("INT_OUT_OF_RANGE", "an integer has 64 bits, from -2^63 to 2^63-1", lexeme)
        return self.node(Literal(start, lexeme.end, -value if negative else value))

    def list_of(self, head: Lexeme) -> Expr:
        items: list[Expr] = []
        while not self.peek("]"):
            items.append(self.expression())
            if not self.accept(","):
                break
        end = self.expect("]")
        return self.node(ListOf(head.start, end.end, tuple(items)))

    def map_of(self, head: Lexeme) -> Expr:
        entries: list[tuple[Expr, Expr]] = []
        while not self.peek("}"):
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
            if not self.accept(","):
                break
        end = self.expect("}")
        return self.node(MapOf(head.start, end.end, tuple(entries)))

    def refuse_function(self, name: Lexeme, known: tuple[str, ...]) -> NoReturn:
        if name.text in (*_NEVER, *ENGINE_ONLY):
            self.refuse("NOT_IN_THE_LANGUAGE", f"{name.text}(...) does not exist here", name)
        self.refuse("FUNCTION_UNKNOWN", f"there is no function {name.text}{nearest(name.text, sorted(known))}", name)

    def node(self, made: N) -> N:
        self.count(1)
        return made

    def count(self, more: int) -> None:
        self.nodes += more
        if self.nodes > NODES_MAX:
            self.refuse("TOO_MANY_NODES", f"a policy has at most {NODES_MAX} expression nodes", self.lexeme)


def _count(least: int, most: int) -> str:
    if least == most:
        return "one argument" if least == 1 else f"{least} arguments"
    return f"{least} to {most} arguments"
