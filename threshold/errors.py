"""The refusals of this package, each with a permanent code and a text that names rule, fact and fix."""

from __future__ import annotations

from enum import Enum


class ThresholdCode(Enum):
    """A refusal's word, with what it means for whoever meets it."""

    MESSAGE_MALFORMED = "the bytes are not a message of the documented form"
    CEREMONY_INVALID = "the ceremony has no threshold or holders with which a key can be made"
    HOLDER_KEY_INVALID = "whoever named the holder key has not proven to have its secret"
    DEALING_INVALID = "the dealing is none that this dealer may give in this ceremony"
    DEALINGS_TOO_FEW = "fewer dealings are left than the key needs, or a dealer has more than one"
    SECRET_SHARE_WRONG = "the dealer sealed another share than the one it committed to; complain"
    COMPLAINT_INVALID = "the complaint is not one of this holder against this dealing"
    CAPSULE_INVALID = "the capsule was not made for this key and this label"
    KEY_EPOCH_STALE = "the share is of another epoch of the key"
    DECRYPTION_SHARE_INVALID = "the share is not that of its holder for this capsule"
    DECRYPTION_SHARES_TOO_FEW = "fewer shares came than the threshold, or two of one holder"
    READER_KEY_INVALID = "nothing can be sealed to this reader key"
    SEAL_INVALID = "the share was not sealed to this reader for this decision, or was changed"


class ThresholdError(Exception):
    """A refusal. Pass `code` on as its reason; the text names the rule, the fact and the fix."""

    def __init__(self, code: ThresholdCode, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail


def require(condition: object, code: ThresholdCode, detail: str) -> None:
    """Refuse unless a rule holds."""
    if not condition:
        raise ThresholdError(code, detail)
