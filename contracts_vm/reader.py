"""Reading lexemes one after another, and saying what was expected when another one comes."""

from collections.abc import Iterable
from typing import Final, NoReturn

from contracts_vm.errors import nearest
from contracts_vm.lexer import Lexeme, lexemes, refuse

RESERVED: Final = (
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let", "loop", "namespace",
    "package", "return", "var", "void", "while",
)  # fmt: skip


class LexemeReader:
    """A position in the lexemes of a source."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lexemes = iter(lexemes(text))
        self.lexeme = next(self.lexemes)
        """The lexeme to be read next; the last one is of kind "end"."""

    def next(self) -> Lexeme:
        lexeme = self.lexeme
        self.lexeme = next(self.lexemes, lexeme)
        return lexeme

    def peek(self, *texts: str) -> bool:
        return self.lexeme.text in texts

    def accept(self, text: str) -> bool:
        if self.lexeme.text != text:
            return False
        self.lexeme = next(self.lexemes)
        return True

    def expect(self, text: str) -> Lexeme:
        if self.lexeme.text != text:
            self.unexpected(f'"{text}"', (text,))
        return self.next()

    def expect_end(self, after: str) -> None:
        if self.lexeme.kind != "end":
            self.unexpected(f"nothing after {after}")

    def kind(self, kind: str, expected: str) -> Lexeme:
        if self.lexeme.kind != kind:
            self.unexpected(expected)
        return self.next()

    def name(self, expected: str) -> str:
        lexeme = self.kind("name", expected)
        if lexeme.text in RESERVED or lexeme.text in ("true", "false", "null"):
            self.refuse("NAME_RESERVED", f'"{lexeme.text}" is a reserved word', lexeme)
        return lexeme.text

    def unexpected(self, expected: str, words: Iterable[str] = (), lexeme: Lexeme | None = None) -> NoReturn:
        found = lexeme or self.lexeme
        shown = {"end": "the end of the source", "string": "a string"}.get(found.kind, f'"{found.text[:40]}"')
        hint = nearest(found.text, words) if found.kind == "name" else ""
        if found.kind == "op" and found.text == "=":
            hint = "; two values are compared with =="
        self.refuse("SYNTAX", f"expected {expected}, found {shown}{hint}", found)

    def not_in_this_version(self, what: str) -> NoReturn:
        self.refuse("NOT_IN_THIS_VERSION", f"{what} is not in this version of the language", self.lexeme)

    def refuse(self, code: str, message: str, lexeme: Lexeme) -> NoReturn:
        refuse(self.text, lexeme.start, code, message)
