"""Everything beside the model that decides how a picture looks."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from generator.errors import GeneratorCode, GeneratorError

INDEX_MAX = 1_000
SEED_MAX = 2**32 - 1 - INDEX_MAX
"""The noise that a picture begins with comes of 32 bits: a larger seed would give the picture of a smaller one."""

Side = Annotated[int, Meta(ge=64, le=2048, multiple_of=8)]
Precision = Literal["float32", "bfloat16", "float16"]
BATCH_MAX = 16


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same settings, model and libraries give the same picture."""

    prompt: Annotated[str, Meta(max_length=2000)]
    negative_prompt: Annotated[str, Meta(max_length=2000)] = ""
    """What guidance steers away from."""
    seed: Annotated[int, Meta(ge=0, le=SEED_MAX)]
    steps: Annotated[int, Meta(ge=1, le=100)] = 25
    guidance_centi: Annotated[int, Meta(ge=0, le=5000)] = 750
    """How closely to follow the prompt, in hundredths: 750 is 7.5. A model that is not guided takes 0 only."""
    width: Side = 128
    """Pixels."""
    height: Side = 128
    precision: Precision = "float32"
    """The numbers that are computed with. float32 can be repeated best; the others are shorter, quicker and smaller."""
    batch: Annotated[int, Meta(ge=1, le=BATCH_MAX)] = 1
    """Pictures that are computed together: quicker on a GPU, and rounded differently."""
    strength_centi: Annotated[int, Meta(ge=0, le=100)] = 0
    """How much of a source is redrawn, in hundredths; 0 where there is no source."""
    mask: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    """SHA-256 of the file that says where a source is redrawn; empty for everywhere."""
    index: Annotated[int, Meta(ge=0, le=INDEX_MAX)] = 0
    """Which picture of a job: picture i is made with seed + i."""


def check_settings(settings: Settings) -> None:
    """SETTINGS_INVALID if a value is outside its range; decoding checks this by itself, constructing does not."""
    try:
        msgspec.convert(msgspec.to_builtins(settings), Settings)
    except msgspec.ValidationError as error:
        raise GeneratorError(GeneratorCode.SETTINGS_INVALID, f"{error}; see the ranges of Settings") from None
