"""The policy around the expressions: rules and royalties, one method for one production of docs/rules.md.

A clause that the language has but this version does not is refused by name, never skipped: a royalty that was read in
part would pay the wrong people.
"""

import re
from collections.abc import Iterable
from typing import Final, NoReturn, cast

from contracts_vm.errors import nearest
from contracts_vm.expression import ExpressionParser
from contracts_vm.lexer import Lexeme, decode, refuse
from contracts_vm.syntax import (
    ANY_ACTION,
    Document,
    Effect,
    FieldPath,
    Literal,
    Mode,
    Money,
    NamedPayee,
    Payer,
    Refund,
    RoyaltyClause,
    Rule,
    SourceSpan,
    Upstream,
)
from contracts_vm.types import PPM_WHOLE, SAFE_MAX

TRIGGERS: Final = ("primary_sale", "secondary_sale", "licence", "rental", "derivative_mint", "swap", "gift")

DEPTH_MAX: Final = 32
"""Generations that royalties reach up."""
MONEY_DECIMALS_MAX: Final = 8
RULES_MAX: Final = 128
"""Rules and royalties of a policy; checking them against each other takes as many steps as there are pairs."""
NAMED_PAYEES_MAX: Final = 8
"""Payees that a royalty names beside those of its field."""
NAMED_PAYEE_MAX: Final = 128
"""Characters of such a name."""
ACTIONS_MAX: Final = 32
"""Actions that one rule names; more are meant by `*`."""

_CLAUSES = ("base", "pay", "upstream", "floor", "cap", "fallback", "payer", "refund")
_CURRENCY = re.compile(r"[A-Z]{3,8}")


def parse_document(source: str | bytes) -> tuple[str, Document]:
    """The decoded text and its syntax, or PolicyError."""
    text = decode(source)
    return text, _PolicyParser(text).document()


class _PolicyParser(ExpressionParser):
    for_rules = True

    def document(self) -> Document:
        self.expect("policy")
        name = self.name("a name for the policy")
        self.expect("version")
        version = self.version()
        self.expect("schema")
        schema = self.name("the name of a schema")
        self.expect("@")
        schema = f"{schema}@{self.version()}"
        self.expect("{")
        rules: list[Rule] = []
        royalties: list[RoyaltyClause] = []
        while not self.accept("}"):
            if self.peek("permit", "forbid", "require"):
                rules.append(self.rule(len(rules) + 1))
            elif self.peek("royalty"):
                royalties.append(self.royalty())
            else:
                self.refuse_declaration()
            if len(rules) + len(royalties) > RULES_MAX:
                self.refuse("TOO_MANY_RULES", f"a policy has at most {RULES_MAX} rules and royalties", self.lexeme)
        self.expect_end('the closing "}" of the policy')
        self.distinct("NAME_REPEATED", [*((r, r.id) for r in rules), *((r, r.id) for r in royalties)])
        self.distinct("TRIGGER_REPEATED", ((item, item.trigger) for item in royalties))
        return Document(name, version, schema, tuple(rules), tuple(royalties))

    def refuse_declaration(self) -> NoReturn:
        if self.peek("let"):
            self.not_in_this_version("let")
        self.unexpected('"permit", "forbid", "require", "royalty" or "}"', ("permit", "forbid", "require", "royalty"))

    def rule(self, number: int) -> Rule:
        head = self.next()
        actions = self.actions()
        identifier = self.name("a name for the rule") if self.accept("as") else f"{head.text}#{number}"
        self.expect("when")
        when = self.expression()
        reason = str(self.kind("string", "a reason in quotes").meaning) if self.accept("reason") else ""
        end = self.expect(";")
        return Rule(head.start, end.end, cast(Effect, head.text), actions, identifier, when, reason)

    def actions(self) -> tuple[str, ...]:
        if self.accept("*"):
            return (ANY_ACTION,)
        found = [self.name('an action or "*"')]
        while self.accept(","):
            lexeme = self.lexeme
            name = self.name("an action")
            if name in found:
                self.refuse("ACTION_REPEATED", f"the action {name} is already listed", lexeme)
            found.append(name)
            if len(found) > ACTIONS_MAX:
                self.refuse("TOO_MANY_ACTIONS", f"a rule names at most {ACTIONS_MAX} actions, or *", lexeme)
        return tuple(found)

    def royalty(self) -> RoyaltyClause:
        head = self.next()
        identifier = self.name("a name for the royalty")
        self.expect("on")
        trigger = self.kind("name", "what the royalty is due on")
        if trigger.text not in TRIGGERS:
            message = f"{trigger.text} is none of {', '.join(TRIGGERS)}{nearest(trigger.text, TRIGGERS)}"
            self.refuse("TRIGGER_UNKNOWN", message, trigger)
        when = self.expression() if self.accept("when") else None
        self.expect("{")
        clauses: dict[str, object] = {}
        named: list[NamedPayee] = []
        while not self.peek("}"):
            self.clause(clauses, named)
        end = self.next()
        for needed in ("base", "pay"):
            if needed not in clauses:
                self.refuse("CLAUSE_MISSING", f"the royalty {identifier} has no {needed} clause", head)
        rate, payees = cast(tuple[int, FieldPath], clauses["pay"])
        cap = cast(int | None, clauses.get("cap"))
        whole = rate + sum(one.rate_ppm for one in named)
        if whole > (PPM_WHOLE if cap is None else cap):
            most = "no more than 100% is paid" if cap is None else f"its cap is {cap} ppm"
            self.refuse("RATE_OVER_CAP", f"the royalty {identifier} pays {whole} ppm but {most}", head)
        return RoyaltyClause(
            head.start,
            end.end,
            id=identifier,
            trigger=trigger.text,
            when=when,
            base=cast(FieldPath, clauses["base"]),
            rate_ppm=rate,
            payees=payees,
            named=tuple(named),
            cap_ppm=cap,
            payer=cast(Payer, clauses.get("payer", "seller")),
            upstream=cast(Upstream | None, clauses.get("upstream")),
            floor=cast(Money | None, clauses.get("floor")),
            fallback=cast(Money | None, clauses.get("fallback")),
            refund=cast(Refund, clauses.get("refund", "keep")),
        )

    def clause(self, clauses: dict[str, object], named: list[NamedPayee]) -> None:
        lexeme = self.lexeme
        if not self.peek(*_CLAUSES):
            self.unexpected("a clause (" + ", ".join(_CLAUSES) + ') or "}"', _CLAUSES)
        self.next()
        value = self.clause_value(lexeme.text)
        if isinstance(value, NamedPayee):
            if value.payee in (one.payee for one in named):
                self.refuse("PAYEE_REPEATED", f"the royalty pays {value.payee} already", lexeme)
            named.append(value)
            if len(named) > NAMED_PAYEES_MAX:
                self.refuse("TOO_MANY_PAYEES", f"a royalty names at most {NAMED_PAYEES_MAX} payees", lexeme)
        elif lexeme.text in clauses:
            self.refuse("CLAUSE_REPEATED", f"the royalty already has a {lexeme.text} clause", lexeme)
        else:
            clauses[lexeme.text] = value
        self.expect(";")

    def clause_value(self, name: str) -> object:
        match name:
            case "base":
                return self.path()
            case "pay":
                return self.pay()
            case "upstream":
                return self.upstream()
            case "floor" | "fallback":
                return self.money()
            case "cap":
                return self.rate()
            case "payer":
                return self.one_of("buyer", "seller")
            case _:
                return self.one_of("reverse", "keep")

    def pay(self) -> tuple[int, FieldPath] | NamedPayee:
        rate = self.rate()
        self.expect("to")
        lexeme = self.lexeme
        if lexeme.kind == "string":
            return NamedPayee(rate, self.payee(lexeme))
        payees = self.path()
        if not self.accept("by"):
            self.not_in_this_version('pay without "by weight"')
        self.expect("weight")
        return rate, payees

    def payee(self, lexeme: Lexeme) -> str:
        found = self.expression()
        if not isinstance(found, Literal) or not isinstance(found.value, str):
            self.unexpected('a name such as "society@club"', lexeme=lexeme)
        if not 1 <= len(found.value) <= NAMED_PAYEE_MAX:
            self.refuse("PAYEE_INVALID", f"a payee's name has 1 to {NAMED_PAYEE_MAX} characters", lexeme)
        return found.value

    def rate(self) -> int:
        """`7.5%` or `75000 ppm`, as parts per million, exactly."""
        lexeme = self.next()
        if lexeme.kind not in ("int", "decimal") or lexeme.text.startswith("0x"):
            self.unexpected("a rate such as 7.5% or 75000 ppm", lexeme=lexeme)
        whole, _, part = lexeme.text.partition(".")
        if lexeme.kind == "int" and self.accept("ppm"):
            ppm = int(whole)
        else:
            self.expect("%")
            part = part.rstrip("0")
            if len(part) > 4:
                self.refuse("RATE_TOO_FINE", "a rate has at most four decimals, one part per million", lexeme)
            ppm = int(whole) * 10_000 + int(part.ljust(4, "0"))
        if ppm > PPM_WHOLE:
            self.refuse("RATE_OUT_OF_RANGE", "a rate is at most 100%", lexeme)
        return ppm

    def upstream(self) -> Upstream:
        mode = cast(Mode, self.one_of("lap", "lrp"))
        self.expect("max_depth")
        lexeme = self.kind("int", "a number of generations")
        if lexeme.text.startswith("0x") or not 1 <= int(lexeme.text) <= DEPTH_MAX:
            self.refuse("DEPTH_OUT_OF_RANGE", f"max_depth is a decimal number from 1 to {DEPTH_MAX}", lexeme)
        return Upstream(mode, int(lexeme.text))

    def money(self) -> Money:
        """`1.00 EUR`, exactly."""
        lexeme = self.next()
        if lexeme.kind not in ("int", "decimal") or lexeme.text.startswith("0x"):
            self.unexpected("an amount such as 1.00 EUR", lexeme=lexeme)
        whole, _, part = lexeme.text.partition(".")
        part = part.rstrip("0")
        currency = self.kind("name", "a currency such as EUR")
        if not _CURRENCY.fullmatch(currency.text):
            self.refuse("MONEY_INVALID", f"{currency.text} is no currency; one is three to eight capitals", currency)
        digits = int(whole + part)
        if digits > SAFE_MAX or len(part) > MONEY_DECIMALS_MAX:
            message = f"an amount has at most {MONEY_DECIMALS_MAX} decimals and is at most 2^53-1 minor units"
            self.refuse("MONEY_INVALID", message, lexeme)
        return Money(digits, len(part), currency.text)

    def one_of(self, first: str, second: str) -> str:
        if not self.peek(first, second):
            self.unexpected(f'"{first}" or "{second}"', (first, second))
        return self.next().text

    def path(self) -> FieldPath:
        """A plain `root.field`, which is all that royalty clauses read in this version."""
        lexeme = self.lexeme
        found = self.expression()
        if not isinstance(found, FieldPath) or len(found.names) < 2:
            message = "in this version of the language only a field such as tx.price can stand here"
            self.refuse("NOT_IN_THIS_VERSION", message, lexeme)
        return found

    def version(self) -> int:
        lexeme = self.kind("int", "a version number")
        if lexeme.text.startswith("0x") or not 1 <= int(lexeme.text) <= SAFE_MAX:
            self.refuse("VERSION_INVALID", "a version is a decimal number from 1 to 2^53-1", lexeme)
        return int(lexeme.text)

    def distinct(self, code: str, items: Iterable[tuple[SourceSpan, str]]) -> None:
        seen: dict[str, SourceSpan] = {}
        for place, name in items:
            if name in seen:
                refuse(self.text, place.start, code, f"{name} is already used in this policy")
            seen[name] = place
