"""Turns source text into lexemes, in one pass over at most 16 KiB.

What a reviewer sees must be what runs: code is ASCII, characters that reorder, hide or break lines are refused
everywhere, and strings hold other characters only as themselves or as the escapes of the Common Expression Language.
Character classes are spelled out, since those of Python follow its Unicode tables, which change between versions.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec

from contracts_vm.errors import PolicyError, position

SOURCE_BYTES_MAX: Final = 16 * 1024
DIGITS_MAX: Final = 20
NAME_CHARACTERS_MAX: Final = 64

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028\u2029\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|\r(?!\n)"
)
"""Control, direction-turning and invisible characters; joiners and the variants of emoji are allowed."""
_LEXEME = re.compile(
    r"(?:[ \t\r\n\f]++|//[^\n]*+)*+"
    r"(?:(?P<op>&&|\|\||[=!<>]=|[-=<>!+*%?:.,;(){}\[\]@]|/)"
    r"|(?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"|'''|[\"']))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*+)"
    r"|(?P<int>0x[0-9a-fA-F]++|[0-9]++(?!\.[0-9]|[eE][+-]?[0-9]))"
    r"|(?P<decimal>[0-9]++\.[0-9]++(?![eE][+-]?[0-9]))"
    r"|(?P<double>[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+)"
    r"|(?P<quoted>`[A-Za-z0-9_./ -]+`)"
    r"|(?P<end>\Z)"
    r"|(?P<unknown>.))",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z0-9_]+")
_QUOTES: Final = ("'", '"', "'''", '"""')
_PLAIN = {
    quote: re.compile(rf"[^{quote}\\\r\n]*" if len(quote) == 1 else rf"(?:[^{quote[0]}\\]|{quote[0]}(?!{quote[1:]}))*")
    for quote in _QUOTES
}
_RAW = {
    quote: re.compile(rf"[^{quote}\r\n]*" if len(quote) == 1 else rf"(?:[^{quote[0]}]|{quote[0]}(?!{quote[1:]}))*")
    for quote in _QUOTES
}
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(rf"\\(?:[xX]({_HEX}{{2}})|u({_HEX}{{4}})|U({_HEX}{{8}})|([0-3][0-7]{{2}})|([abfnrtv\\?\"'`]))")
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Lexeme(msgspec.Struct, frozen=True, gc=False):
    """One word of the source; the last lexeme has kind "end" and no text."""

    kind: str
    """name, quoted, int, uint, decimal, double, string, bytes, op or end."""
    text: str
    """As written, so that no string is taken for a word or an operator."""
    start: int
    end: int
    meaning: str | bytes = ""
    """What a string or bytes literal stands for."""


def decode(source: str | bytes, *, readable: bool = True) -> str:
    """The text of a source within its limit, or PolicyError. `readable` also refuses characters that mislead."""
    try:
        raw = source.encode() if isinstance(source, str) else source
        if len(raw) > SOURCE_BYTES_MAX:
            message = f"the source has {len(raw)} bytes; at most {SOURCE_BYTES_MAX} are allowed"
            raise PolicyError("SOURCE_TOO_LARGE", message, 1, 1)
        text = raw.decode()
    except UnicodeError:
        raise PolicyError("SOURCE_NOT_UTF8", "the source is not UTF-8 text", 1, 1) from None
    found = _FORBIDDEN.search(text) if readable else None
    if found:
        message = f"the character U+{ord(found[0]):04X} is not allowed in a policy; in a string, write it as an escape"
        refuse(text, found.start(), "CHARACTER_FORBIDDEN", message)
    return text


def lexemes(text: str) -> list[Lexeme]:
    """The lexemes of a decoded source, without spaces and comments."""
    result: list[Lexeme] = []
    match: Callable[[str, int], Any] = _LEXEME.match  # every position matches, and in one of the groups
    offset, kind = 0, ""
    while kind != "end":
        found = match(text, offset)
        kind, (start, offset) = found.lastgroup, found.span(found.lastindex)
        if kind == "op" or (kind == "name" and offset - start <= NAME_CHARACTERS_MAX) or kind == "end":
            lexeme = Lexeme(kind, text[start:offset], start, offset)
        elif kind == "string":
            lexeme = _string(text, start, text[start:offset])
        elif kind == "unknown":
            _refuse_character(text, start)
        else:
            lexeme = _bounded(text, kind, start, offset)
        result.append(lexeme)
        offset = lexeme.end
    return result


def refuse(text: str, offset: int, code: str, message: str) -> NoReturn:
    """Raise PolicyError at an offset of the source."""
    line, column, excerpt = position(text, offset)
    raise PolicyError(code, message, line, column, excerpt)


def _refuse_character(text: str, offset: int) -> NoReturn:
    character = text[offset]
    if character > "\x7f":
        message = f"U+{ord(character):04X} may pass for another letter; only strings and comments hold more than ASCII"
        refuse(text, offset, "NOT_ASCII", message)
    refuse(text, offset, "CHARACTER_UNKNOWN", f"{character} means nothing here")


def _bounded(text: str, kind: str, start: int, end: int) -> Lexeme:
    """A name or a number, unless it is too long or a number runs into letters; `7u` is unsigned."""
    if kind in ("name", "quoted"):
        if end - start > NAME_CHARACTERS_MAX:
            message = f"a name has at most {NAME_CHARACTERS_MAX} characters, this one {end - start}"
            refuse(text, start, "NAME_TOO_LONG", message)
        return Lexeme(kind, text[start:end], start, end)
    if end - start > DIGITS_MAX:
        refuse(text, start, "NUMBER_TOO_LONG", f"a number has at most {DIGITS_MAX} digits")
    tail = _WORD.match(text, end)
    if tail and kind == "int" and tail[0] in ("u", "U"):
        return Lexeme("uint", text[start:end], start, end + 1)
    if tail:
        refuse(text, end, "NUMBER_MALFORMED", f'expected an operator or a space, found "{tail[0][:20]}"')
    return Lexeme(kind, text[start:end], start, end)


def _string(text: str, start: int, opening: str) -> Lexeme:
    """The string or bytes literal that starts here."""
    quote = opening.lstrip("rRbB")
    prefix = opening[: -len(quote)].lower()
    plain, binary = (_RAW if "r" in prefix else _PLAIN)[quote], "b" in prefix
    parts: list[str] = []
    data: list[bytes] = []
    offset = start + len(opening)
    while True:
        found = plain.match(text, offset)
        if found:
            parts.append(found[0])
            data.append(found[0].encode() if binary else b"")
            offset = found.end()
        if text.startswith(quote, offset):
            end = offset + len(quote)
            if binary:
                return Lexeme("bytes", text[start:end], start, end, b"".join(data))
            return Lexeme("string", text[start:end], start, end, "".join(parts))
        if not text.startswith("\\", offset):
            where = "on this line" if len(quote) == 1 else "before the end"
            refuse(text, start, "STRING_UNTERMINATED", f"expected a closing {quote} {where}")
        code, offset = _escape(text, offset, binary)
        parts.append(chr(code))
        data.append(bytes((code,)) if binary and code < 256 else chr(code).encode())


def _escape(text: str, offset: int, binary: bool) -> tuple[int, int]:
    """The character, or in bytes the octet, that the escape at this offset stands for, and the offset after it."""
    found = _ESCAPE.match(text, offset)
    if found is None or (binary and (found[2] or found[3])):
        expected = r"\\ \" \' \` \? \a \b \f \n \r \t \v \xHH \ooo"
        expected += "" if binary else r" \uHHHH \UHHHHHHHH"
        refuse(text, offset, "ESCAPE_INVALID", f"expected one of {expected}")
    hexadecimal, octal, letter = found[1] or found[2] or found[3], found[4], found[5]
    if letter:
        return ord(_ESCAPED.get(letter, letter)), found.end()
    code = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        refuse(text, offset, "ESCAPE_INVALID", f"U+{code:04X} is not a character")
    return code, found.end()
