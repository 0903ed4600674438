"""Source text to tokens, in one pass over at most 16 KiB.

What a reviewer sees must be what runs: code is ASCII, characters that reorder, hide or break lines are refused
everywhere, and strings hold other characters only as themselves or as the escapes of the Common Expression Language.
Character classes are spelled out, since those of Python follow its Unicode tables, which change between versions.
"""

import re
from typing import Final, NoReturn

import msgspec

from contracts_vm.errors import PolicyError, position

SOURCE_BYTES_MAX: Final = 16 * 1024
DIGITS_MAX: Final = 20
NAME_CHARACTERS_MAX: Final = 64

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]|\r(?!\n)"
)
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+|//[^\n]*)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<int>0x[0-9a-fA-F]++|[0-9]++(?!\.[0-9]|[eE][+-]?[0-9]))"
    r"|(?P<decimal>[0-9]++\.[0-9]++(?![eE][+-]?[0-9]))"
    r"|(?P<double>[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+)"
    r"|(?P<string>[\"'])"
    r"|(?P<op>&&|\|\||[=!<>]=|[-=<>!+*/%?:.,;(){}\[\]@])"
)
_PREFIXED = re.compile(r"(?:[rR][bB]?|[bB][rR]?)[\"']")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_PLAIN = {quote: re.compile(rf"[^{quote}\\\r\n]*") for quote in "'\""}
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(rf"\\(?:[xX]({_HEX}{{2}})|u({_HEX}{{4}})|U({_HEX}{{8}})|([0-3][0-7]{{2}})|([abfnrtv\\?\"'`]))")
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Token(msgspec.Struct, frozen=True):
    """One word of the source; the last token has kind "end" and no text."""

    kind: str
    """name, int, decimal, double, string, op or end."""
    text: str
    """As written; of a string, what it means."""
    start: int
    end: int


def decode(source: str | bytes) -> str:
    """The text of a source within its limit and without characters that mislead, or PolicyError."""
    try:
        raw = source.encode() if isinstance(source, str) else source
        if len(raw) > SOURCE_BYTES_MAX:
            message = f"the source has {len(raw)} bytes; at most {SOURCE_BYTES_MAX} are allowed"
            raise PolicyError("SOURCE_TOO_LARGE", message, 1, 1)
        text = raw.decode()
    except UnicodeError:
        raise PolicyError("SOURCE_NOT_UTF8", "the source is not UTF-8 text", 1, 1) from None
    found = _FORBIDDEN.search(text)
    if found:
        message = f"the character U+{ord(found[0]):04X} is not allowed in a policy; in a string, write it as an escape"
        refuse(text, found.start(), "CHARACTER_FORBIDDEN", message)
    return text


def tokens(text: str) -> list[Token]:
    """The tokens of a decoded source, without spaces and comments."""
    result: list[Token] = []
    offset = 0
    while offset < len(text):
        found = _TOKEN.match(text, offset)
        if found is None:
            _refuse_character(text, offset)
        kind, end = found.lastgroup or "", found.end()
        value = found[0]
        if kind == "string":
            value, end = _string(text, offset)
        elif kind != "space":
            _bounded(text, kind, offset, end)
        if kind != "space":
            result.append(Token(kind, value, offset, end))
        offset = end
    result.append(Token("end", "", offset, offset))
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


def _bounded(text: str, kind: str, start: int, end: int) -> None:
    """Refuse names and numbers that are too long, and numbers that run into letters."""
    if kind == "name":
        if end - start > NAME_CHARACTERS_MAX:
            message = f"a name has at most {NAME_CHARACTERS_MAX} characters, this one {end - start}"
            refuse(text, start, "NAME_TOO_LONG", message)
        if _PREFIXED.match(text, start):
            refuse(text, start, "NOT_IN_THIS_VERSION", "raw strings and bytes are not in this version of the language")
    elif kind != "op":
        if end - start > DIGITS_MAX:
            refuse(text, start, "NUMBER_TOO_LONG", f"a number has at most {DIGITS_MAX} digits")
        tail = _WORD.match(text, end)
        if tail and tail[0] in ("u", "U"):
            refuse(text, end, "NOT_IN_THIS_VERSION", "unsigned integers are not in this version of the language")
        if tail:
            refuse(text, end, "NUMBER_MALFORMED", f'expected an operator or a space, found "{tail[0][:20]}"')


def _string(text: str, start: int) -> tuple[str, int]:
    """The meaning of the string that starts here and the offset after it."""
    quote = text[start]
    if text.startswith(quote * 3, start):
        refuse(text, start, "NOT_IN_THIS_VERSION", "triple-quoted strings are not in this version of the language")
    parts: list[str] = []
    offset = start + 1
    while True:
        plain = _PLAIN[quote].match(text, offset)
        if plain:
            parts.append(plain[0])
            offset = plain.end()
        stop = text[offset : offset + 1]
        if stop == quote:
            return "".join(parts), offset + 1
        if stop != "\\":
            refuse(text, start, "STRING_UNTERMINATED", f"expected a closing {quote} on this line")
        character, offset = _escape(text, offset)
        parts.append(character)


def _escape(text: str, offset: int) -> tuple[str, int]:
    """The character that the escape at this offset stands for and the offset after it."""
    found = _ESCAPE.match(text, offset)
    if found is None:
        expected = r"\\ \" \' \` \? \a \b \f \n \r \t \v \xHH \uHHHH \UHHHHHHHH \ooo"
        refuse(text, offset, "ESCAPE_INVALID", f"expected one of {expected}")
    hexadecimal, octal, letter = found[1] or found[2] or found[3], found[4], found[5]
    if letter:
        return _ESCAPED.get(letter, letter), found.end()
    code = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        refuse(text, offset, "ESCAPE_INVALID", f"U+{code:04X} is not a character")
    return chr(code), found.end()
