"""Whether a model reads a prompt to its end.

Text encoders take so many tokens and no more, and diffusers cuts off what is beyond: CLIP, and so Stable Diffusion,
ends after 77, some fifty words. The rest has no part in the picture, so it is refused like any setting that has none.
Where a pipeline has several encoders, one that reads everything is enough.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from generator.errors import GeneratorCode, GeneratorError

TEMPLATE_TOKENS = 16
"""Room for what a pipeline writes behind a prompt for a language model."""
OWN_LIMITS: Mapping[tuple[str, str], int] = {
    ("HunyuanDiTPipeline", "tokenizer"): 77,
    ("HunyuanDiTPipeline", "tokenizer_2"): 256,
    ("HunyuanImagePipeline", "tokenizer_2"): 0,
}
"""Tokens read, where nothing else says so. HunyuanImage's second encoder reads only what stands in quotes."""


def check_read(pipe: Any, setting: str, text: str) -> None:
    """SETTINGS_INVALID, naming the setting, if no encoder of the pipeline reads the whole text."""
    counted = [_counted(pipe, name, text) for name in _tokenizers(pipe)]
    if counted and not any(found <= most for found, most in counted):
        found, most = max(counted, key=lambda pair: pair[1])
        fact = f"{setting}: this model reads {most} tokens, these are {found}"
        raise GeneratorError(GeneratorCode.SETTINGS_INVALID, f"{fact}, so its end would have no part; shorten it")


def _counted(pipe: Any, name: str, text: str) -> tuple[int, int]:
    """Tokens of a text, and how many are read."""
    tokenizer = getattr(pipe, name)
    templated = hasattr(pipe, "prompt_template_encode") or getattr(tokenizer, "chat_template", None) is not None
    tokens = len(tokenizer(text, verbose=False).input_ids)
    return tokens, _limit(pipe, name) - (TEMPLATE_TOKENS if templated else 0)


def _limit(pipe: Any, name: str) -> int:
    own = OWN_LIMITS.get((type(pipe).__name__, name))
    if own is not None:
        return own
    accepted = inspect.signature(pipe.__call__).parameters
    said = accepted["max_sequence_length"].default if "max_sequence_length" in accepted else None
    bound = said if said is not None else getattr(pipe, "tokenizer_max_length", None)
    held = int(getattr(pipe, name).model_max_length)
    return held if bound is None else min(held, int(bound))


def _tokenizers(pipe: Any) -> list[str]:
    """Names of the tokenizers whose encoder is there: some models are saved without their largest."""
    parts = pipe.components
    return [
        name
        for name in parts
        if name.startswith("tokenizer")
        and None not in (parts[name], parts.get(name.replace("tokenizer", "text_encoder")))
    ]
