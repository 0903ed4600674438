"""The refusals of what reads pictures, each with a permanent code and a text that names rule, fact and fix."""

from __future__ import annotations

from enum import Enum

from ledger.errors import Refused


class PictureCode(Enum):
    """A refusal's word, with what it means for whoever meets it."""

    IMAGE_UNREADABLE = "the bytes are not a picture in one of the formats read here"
    IMAGE_TOO_LARGE = "the picture has more bytes or pixels than are read here"
    NOT_STRIPPED = "what the file says beside its pixels cannot be left out of it"
    NOT_SIGNED = "no manifest can be put into the file, or taken out of it"
    NOT_LABELLED = "the file takes no label that says this"
    IMAGE_CODE_INVALID = "the text is not a 256-bit ISCC Image-Code"
    FEATURES_INVALID = "the bytes are not the corners of a picture as they are kept"


class PictureError(Refused):
    """A refusal. Show its text to whoever asked: it names the rule, the fact and the fix."""

    def __init__(self, code: PictureCode, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail
