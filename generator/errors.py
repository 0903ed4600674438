"""The refusals of the generator, each with a permanent code and a text that names the rule, the fact and the fix."""

from __future__ import annotations

from enum import Enum

from ledger.errors import Refused


class GeneratorCode(Enum):
    """A refusal's word, with what it means for whoever meets it."""

    MODEL_MISMATCH = "the model folder's files are not the ones its digest stands for"
    MODEL_UNREADABLE = "the model folder is missing, empty, or holds something other than files and folders"
    MODEL_UNPINNED = "a model from a hub is named without the commit that fixes its files"
    MODEL_UNKNOWN = "the worker does not serve a model of this digest"
    SETTINGS_INVALID = "a setting is outside its range, or would have no part in this model's picture"
    SIZE_MISSED = "the model made a picture of another size than was asked for"
    DEVICE_UNFIT = "the device that is named is not there, or cannot do what is asked of it"
    FRAME_INVALID = "a frame of the worker protocol is not one of its messages"
    FRAME_TOO_LARGE = "a frame of the worker protocol is larger than any may be"
    FRAME_TRUNCATED = "the stream ended within a frame"
    KEY_UNREADABLE = "the key file does not hold an Ed25519 seed as 64 hex digits"
    OUT_OF_MEMORY = "the device has too little memory for a picture of this size"
    GENERATION_FAILED = "the pipeline failed; the worker goes on"
    WORK_FALSE = "the node asks a worker for something else than the creator signed"
    CANCELLED = "whoever asked for the pictures withdrew"
    QUEUE_FULL = "the worker has as many jobs waiting as it holds"


class GeneratorError(Refused):
    """A refusal. Show its text to whoever asked: it names the rule, the fact and the fix."""

    def __init__(self, code: GeneratorCode, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail
