"""Writes remarque/client.py, the client that blocks, off the one that does not.

    python scripts/write_client.py

Each public method of `AsyncClient` is written out with its signature and its docstring, so that both clients offer the
same, and a reader, an editor and a type checker see all of it. A test compares the file with what this gives.

The sources are read and not imported, because importing any of the package imports what is to be written.
"""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from functools import cache
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "remarque" / "client.py"

HEADER = '''"""The client for programs without an event loop: every method of `AsyncClient`, blocking.

Written by scripts/write_client.py from `AsyncClient`; change that one, and run the script.
"""

from __future__ import annotations

'''
CLASS = '''

class Client(Blocking):
    """An account's access to nodes. `with Client(url, account, key) as client: …`

    Methods refuse with RemarqueError, whose `code` is a permanent word; `remarque.errors` says what else may be met.
    """
'''

Method = ast.FunctionDef | ast.AsyncFunctionDef


def client() -> str:
    """The text of remarque/client.py."""
    methods: list[str] = []
    wanted: dict[str, set[str]] = {"remarque.blocking": {"Blocking"}}
    offered = {method.name for method in _methods(_class("remarque.blocking", "Blocking"))}
    for module, name in _classes("remarque.async_client", "AsyncClient"):
        for method in _methods(_class(module, name)):
            if not method.name.startswith("_") and method.name not in offered:
                methods.append(_written(method))
                _note_names(method, module, wanted)
    imports = "\n".join(f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(wanted.items()))
    return _laid_out(HEADER + imports + CLASS + "".join(methods))


def _classes(module: str, name: str) -> list[tuple[str, str]]:
    """A class and those it is made of, each with its module, and each before those that it is made of itself."""
    places, found = _imported(module), [(module, name)]
    for base in map(ast.unparse, _class(module, name).bases):
        made_of = _classes(places[base], base)
        found = [one for one in found if one not in made_of] + made_of
    return found


def _class(module: str, name: str) -> ast.ClassDef:
    return next(node for node in _parsed(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def _methods(written: ast.ClassDef) -> list[Method]:
    return [node for node in written.body if isinstance(node, Method)]


def _imported(module: str) -> dict[str, str]:
    """Names that a module imports, and from where."""
    froms = (node for node in _parsed(module).body if isinstance(node, ast.ImportFrom))
    return {alias.name: node.module for node in froms if node.module for alias in node.names}


@cache
def _parsed(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    return ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))


def _written(method: Method) -> str:
    """A method, blocking: what it waits for is run, and what comes as a stream is iterated over."""
    docstring = ast.get_docstring(method)
    if docstring is None or method.returns is None:
        raise SystemExit(f"{method.name} of AsyncClient is public: give it a docstring and say what it returns")
    asked = f"self._waiting.{method.name}({', '.join(_passed_on(method.args))})"
    returns, does = ast.unparse(method.returns), f"self._run({asked})"
    if returns.startswith("AsyncGenerator["):
        returns, does = (
            returns.replace("AsyncGenerator[", "Iterator[").replace(", None]", "]"),
            f"self._iterate({asked})",
        )
    end = "\n" if "\n" in docstring else ""
    body = f'"""{docstring}{end}"""\nreturn {does}\n'
    return f"\n    def {method.name}({ast.unparse(method.args)}) -> {returns}:\n{indent(body, ' ' * 8)}"


def _passed_on(arguments: ast.arguments) -> list[str]:
    passed = [one.arg for one in arguments.args if one.arg != "self"]
    passed += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    passed += [f"{one.arg}={one.arg}" for one in arguments.kwonlyargs]
    passed += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    return passed


def _note_names(method: Method, module: str, wanted: dict[str, set[str]]) -> None:
    """Add what a method's signature names to what is imported, each from where its own module has it."""
    places = _imported(module)
    named = [node for part in (method.args, method.returns) if part is not None for node in ast.walk(part)]
    for node in named:
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            name = "Iterator" if node.id == "AsyncGenerator" else node.id
            wanted.setdefault(places.get(node.id, module), set()).add(name)


def _laid_out(source: str) -> str:
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(CLIENT), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        source = done.stdout
    return source


def main() -> None:
    CLIENT.write_text(client(), encoding="utf-8")


if __name__ == "__main__":
    main()
