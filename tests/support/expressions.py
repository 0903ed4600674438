"""Random expressions of the rule language, all of them well typed: what two evaluations of it are held against."""

import random
from typing import Any

FACTS: dict[str, Any] = {"a": 7, "b": -3, "z": 0, "s": "picture", "l": [3, 1, 2], "p": True}
LEAVES = {
    "int": ["a", "b", "z", "0", "1", "-1", "2", "9223372036854775807", "-9223372036854775808", "size(s)", "size(l)"],
    "bool": ["p", "true", "false"],
    "string": ["s", "''", "'pic'", "'é😀'", "'a\\nb'"],
    "list": ["l", "[]", "[1, 2, 3]"],
}


def expression(chance: random.Random, kind: str, depth: int, items: tuple[str, ...] = ()) -> str:
    """A well-typed expression; `items` are the variables of macros around it, all of them integers."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice([*LEAVES[kind], *(items if kind == "int" else ())])

    def part(of: str) -> str:
        return expression(chance, of, depth - 1, items)

    item = f"x{chance.getrandbits(48)}"

    def inside(of: str) -> str:
        return expression(chance, of, depth - 1, (*items, item))

    forms = {
        "int": [
            *(lambda sign=sign: f"({part('int')} {sign} {part('int')})" for sign in "+-*/%"),
            lambda: f"({part('bool')} ? {part('int')} : {part('int')})",
            lambda: f"size({part(chance.choice(['string', 'list']))})",
            lambda: f"{part('list')}[{part('int')}]",
            lambda: f"math.{chance.choice(['greatest', 'least'])}({part('int')}, {part('int')})",
            lambda: f"int(string({part('int')}))",
            lambda: f"{{'k': {part('int')}, 'm': {part('int')}}}.{chance.choice(['k', 'm', 'n'])}",
            lambda: f"cel.bind({item}, {part('int')}, {inside('int')})",
        ],
        "bool": [
            *(lambda sign=sign: f"({part('int')} {sign} {part('int')})" for sign in ("==", "!=", "<", "<=", ">", ">=")),
            lambda: f"({part('string')} {chance.choice(['==', '<', '>='])} {part('string')})",
            lambda: f"({part('list')} == {part('list')})",
            lambda: f"({part('bool')} && {part('bool')})",
            lambda: f"({part('bool')} || {part('bool')})",
            lambda: f"!({part('bool')})",
            lambda: f"({part('int')} in {part('list')})",
            lambda: f"{part('string')}.{chance.choice(['contains', 'startsWith', 'endsWith'])}({part('string')})",
            lambda: f"{part('list')}.{chance.choice(['all', 'exists', 'exists_one'])}({item}, {inside('bool')})",
            lambda: f"({part('string')} in {{'pic': 1, 'x': 2}})",
        ],
        "string": [
            lambda: f"({part('string')} + {part('string')})",
            lambda: f"string({part('int')})",
            lambda: f"({part('bool')} ? {part('string')} : {part('string')})",
            lambda: f"string(bytes({part('string')}))",
        ],
        "list": [
            lambda: f"({part('list')} + {part('list')})",
            lambda: f"[{part('int')}, {part('int')}]",
            lambda: f"{part('list')}.map({item}, {inside('int')})",
            lambda: f"{part('list')}.filter({item}, {inside('bool')})",
        ],
    }
    return chance.choice(forms[kind])()
