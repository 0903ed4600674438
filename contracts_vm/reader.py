"""Reading tokens one after another, and saying what was expected when another one comes."""

from collections.abc import Iterable
from typing import Final, NoReturn

from contracts_vm.errors import nearest
from contracts_vm.lexer import Token, refuse, tokens

RESERVED: Final = (
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let", "loop", "namespace",
    "package", "return", "var", "void", "while",
)  # fmt: skip


class Reader:
    """A position in the tokens of a source."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = iter(tokens(text))
        self.token = next(self.tokens)
        """The one to be read next; the last is the end."""

    def next(self) -> Token:
        token = self.token
        self.token = next(self.tokens, token)
        return token

    def peek(self, *texts: str) -> bool:
        return self.token.text in texts

    def accept(self, text: str) -> bool:
        if self.token.text != text:
            return False
        self.token = next(self.tokens)
        return True

    def expect(self, text: str) -> Token:
        if self.token.text != text:
            self.unexpected(f'"{text}"', (text,))
        return self.next()

    def expect_end(self, after: str) -> None:
        if self.token.kind != "end":
            self.unexpected(f"nothing after {after}")

    def kind(self, kind: str, expected: str) -> Token:
        if self.token.kind != kind:
            self.unexpected(expected)
        return self.next()

    def name(self, expected: str) -> str:
        token = self.kind("name", expected)
        if token.text in RESERVED or token.text in ("true", "false", "null"):
            self.refuse("NAME_RESERVED", f'"{token.text}" is a reserved word', token)
        return token.text

    def unexpected(self, expected: str, words: Iterable[str] = (), token: Token | None = None) -> NoReturn:
        found = token or self.token
        shown = {"end": "the end of the source", "string": "a string"}.get(found.kind, f'"{found.text[:40]}"')
        hint = nearest(found.text, words) if found.kind == "name" else ""
        if found.kind == "op" and found.text == "=":
            hint = "; two values are compared with =="
        self.refuse("SYNTAX", f"expected {expected}, found {shown}{hint}", found)

    def not_in_this_version(self, what: str) -> NoReturn:
        self.refuse("NOT_IN_THIS_VERSION", f"{what} is not in this version of the language", self.token)

    def refuse(self, code: str, message: str, token: Token) -> NoReturn:
        refuse(self.text, token.start, code, message)
