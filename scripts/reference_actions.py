"""docs/actions.md: every action with its fields, an example, and the codes that its code can refuse it with.

The codes are read off the source of `ledger/execution`: those that stand in the function of the action, and in what it
calls there. That is rather too many than too few: whether a code can really be met depends on the state.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from reference_schemas import fields

from ledger import actions, execution, names
from ledger.encoding import encode
from ledger.errors import Code
from node.api.examples import example
from node.api.schemas import references_and_components

FAMILIES = {
    "account": "Accounts and their keys",
    "governance": "Governance",
    "node": "Nodes",
    "model": "Models",
    "asset": "Assets",
    "generation": "Prompts and settings in clear",
    "token": "Tokens",
    "market": "Sales and offers",
    "auction": "Auctions",
    "currency": "Currencies",
    "payment": "Payments",
    "policy": "Policies",
    "org": "An org's policy",
    "collection": "Collections",
    "access": "Access to confidential pictures",
    "licence": "Licences",
    "content": "Content archives",
    "statement": "Statements",
    "keeper": "Keepers of the consortium's key",
    "ceremony": "Ceremonies in which it is made",
}
"""What comes before the point of an action's name, in the order of the page."""
INTRODUCTION = """What a transaction can ask for. Each of its `actions` is one of the objects below, told apart by
`type`; all are carried out in order, or none. The whole is canonical JSON (RFC 8785): sorted fields, no white
space, what is absent left out. How it is signed and sent: [http_api.md](http_api.md); what the codes mean:
[errors.md](errors.md).

Every action may also be refused for what is wrong with its transaction (its signatures, its signers, its time), and
with `FUEL_EXHAUSTED`. Digests and keys in the examples have the right form, and hold nothing."""
HELD_FOR_EVERY_ACTION = {"FUEL_EXHAUSTED"}
Place = tuple[str, str]
"""Module and name of a function; a method's name begins with a point."""


def page(note: str) -> str:
    """The whole page."""
    every = sorted(actions.AnyAction.__args__, key=lambda one: list(FAMILIES).index(_family(one)))
    _, components = references_and_components(every)
    parts = [note, "# Actions", "", INTRODUCTION, ""]
    for family, title in FAMILIES.items():
        parts += [f"## {title}", ""]
        for action in (one for one in every if _family(one) == family):
            parts += _described(action, components[action.__name__])
    own = {action.__name__ for action in every}
    parts += ["## Parts of actions", ""]
    for name, schema in sorted(components.items()):
        if name not in own and name not in ("Transaction", "Signer"):
            parts += [f"### {name}", "", schema["description"], "", *fields(schema)]
    return "\n".join([*parts, *forms()])


def forms() -> list[str]:
    """A table of the forms that text may have."""
    source = inspect.getsource(names)
    rows = []
    for name, value in vars(names).items():
        if hasattr(value, "__metadata__") and value.__metadata__[0].pattern:
            found = re.search(rf'^{name} = .+\n"""(.+?)"""', source, re.M | re.S)
            pattern = value.__metadata__[0].pattern.replace(r"\Z", "$").replace("|", r"\|")
            rows.append(f"| {name} | `{pattern}` | {' '.join(found.group(1).split()) if found else ''} |")
    return ["## Forms of text", "", "| form | pattern | what |", "|---|---|---|", *rows, ""]


def _family(action: Any) -> str:
    return str(action.__struct_config__.tag.partition(".")[0])


def _described(action: Any, schema: dict[str, Any]) -> list[str]:
    table = fields(schema | {"properties": {key: one for key, one in schema["properties"].items() if key != "type"}})
    codes = sorted(codes_of(action) - HELD_FOR_EVERY_ACTION, key=[code.name for code in Code].index)
    return [
        f"### `{action.__struct_config__.tag}`",
        "",
        inspect.cleandoc(action.__doc__ or ""),
        "",
        *table,
        "```json",
        encode(example(action, whole=True)).decode(),
        "```",
        "",
        f"May be refused with {', '.join(f'`{code}`' for code in codes)}." if codes else "",
        "",
    ]


def codes_of(action: Any) -> set[str]:
    """Codes that stand in what carries an action out."""
    found: set[str] = set()
    waiting = [_source().of_actions[action.__name__]]
    seen = set(waiting)
    while waiting:
        place = waiting.pop()
        for node in (part for line in _source().functions[place].body for part in ast.walk(line)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code":
                found.add(node.attr)
            called = _called(node, place[0]) if isinstance(node, ast.Call) else None
            if called is not None:
                found |= _left_to_default(node, _source().functions[called])
                waiting += {called} - seen
                seen.add(called)
    return found & set(Code.__members__)


def _called(call: ast.Call, module: str) -> Place | None:
    """Which function of the execution a call in a module is of."""
    if isinstance(call.func, ast.Name):
        return _source().names[module].get(call.func.id)
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        of = {"ledger": "view", "tx": "context", "self": module}.get(call.func.value.id, "")
        place = (of, f".{call.func.attr}")
        return place if place in _source().functions else None
    return None


def _left_to_default(call: ast.AST, function: ast.FunctionDef) -> set[str]:
    """Codes that a call leaves to the defaults of a function's parameters."""
    given = len(call.args) + len(call.keywords) if isinstance(call, ast.Call) else 0
    names = [one.arg for one in function.args.args if one.arg != "self"]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    left = [defaults[name] for name in names[given:] if name in defaults]
    return {one.attr for one in left if isinstance(one, ast.Attribute)}


class _Source(NamedTuple):
    """The source of the execution, function by function."""

    functions: dict[Place, ast.FunctionDef]
    names: dict[str, dict[str, Place]]
    """What a module calls which function, by module."""
    of_actions: dict[str, Place]


@cache
def _source() -> _Source:
    found = _Source({}, {}, {})
    for path in sorted(Path(execution.__file__).parent.glob("*.py")):
        names = found.names[path.stem] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ledger.execution."):
                names |= {one.asname or one.name: (str(node.module).rpartition(".")[2], one.name) for one in node.names}
            elif isinstance(node, ast.ClassDef):
                for method in (one for one in node.body if isinstance(one, ast.FunctionDef)):
                    found.functions[path.stem, f".{method.name}"] = method
            elif isinstance(node, ast.FunctionDef):
                names[node.name] = (path.stem, node.name)
                found.functions[path.stem, node.name] = node
                of = [one.args[0] for one in node.decorator_list if isinstance(one, ast.Call) and one.args]
                found.of_actions.update({one.id: (path.stem, node.name) for one in of if isinstance(one, ast.Name)})
    for names in found.names.values():
        for name in [name for name, place in names.items() if place not in found.functions]:
            del names[name]
    return found
