"""Adapters of low rank (LoRA): weights that are added to a loaded model's own for one job, and taken away after it.

diffusers leaves out what has no place in a model, with a line in its log. Here that is refused: an adapter that is
recorded as used has its part in the picture, with all of its weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from generator.errors import GeneratorCode, GeneratorError
from generator.models import adapter_weights, verify_model

_LOW_RANK = (".lora_A.", ".lora_B.", ".lora_down.", ".lora_up.", ".lora.down.", ".lora.up.")
"""How the names of an adapter's matrices are told in files of diffusers, PEFT and Kohya."""
_SCALE = ".alpha"
"""Ends the name of a number by which matrices are scaled."""
_HELD = ("lora_A", "lora_B")
"""How PEFT names them in a network."""


@dataclass(frozen=True)
class AdapterFolder:
    """An adapter on this machine, and how much of it is added."""

    digest: str
    """Of the folder, as `models.model_digest` finds it."""
    folder: Path
    """It has one file of weights, as `save_lora_weights` writes it."""
    weight_centi: int
    """In hundredths: 100 adds it as it was trained."""


@contextmanager
def adapted(pipe: Any, adapters: Sequence[AdapterFolder]) -> Iterator[None]:
    """Have a diffusers pipeline draw with adapters, and without any behind that, with the weights as they were.

    SETTINGS_INVALID if the pipeline takes none, or if something of one has no place in it; MODEL_MISMATCH or
    MODEL_UNREADABLE if a folder is not what its digest names.
    """
    if not adapters:
        yield
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise _refused(f"{type(pipe).__name__} takes none; ask without, or ask another model")
    try:
        for one in adapters:
            _add(pipe, one)
        pipe.set_adapters([one.digest for one in adapters], [one.weight_centi / 100 for one in adapters])
        yield
    finally:
        pipe.unload_lora_weights()


def _add(pipe: Any, adapter: AdapterFolder) -> None:
    verify_model(adapter.folder, adapter.digest)
    file = adapter_weights(adapter.folder)
    given = _given(file)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # a second adapter is meant
            pipe.load_lora_weights(
                str(file.parent), weight_name=file.name, adapter_name=adapter.digest, local_files_only=True
            )
    except (ValueError, RuntimeError, LookupError) as error:
        fact = "".join(str(error).splitlines()[:2])[:200]
        raise _refused(f"{adapter.digest[:16]}… does not fit this model ({fact})") from None
    held = sum(_held_of(part, adapter.digest) for part in pipe.components.values())
    if held < max(given, 1):
        fact = f"only {held} of its {given} matrices have a place in this model"
        raise _refused(f"{adapter.digest[:16]}…: {fact}; ask the model that it was trained for")


def _given(file: Path) -> int:
    """How many matrices a file has. SETTINGS_INVALID if it has anything else that would be left out, or no numbers."""
    safetensors, torch = import_module("safetensors"), import_module("torch")
    try:
        with safetensors.safe_open(file, "pt") as opened:
            names = list(opened.keys())
            broken = next((one for one in names if not torch.isfinite(opened.get_tensor(one)).all()), "")
    except (safetensors.SafetensorError, OSError) as error:
        raise GeneratorError(GeneratorCode.MODEL_UNREADABLE, f"{file}: {error}; put the adapter there again") from None
    if broken:
        raise _refused(f"{broken[:100]} is not finite, so no picture would come of it; ask without")
    matrices = [one for one in names if any(mark in one for mark in _LOW_RANK)]
    other = next((one for one in names if one not in matrices and not one.endswith(_SCALE)), "")
    if other:
        raise _refused(f"{other[:100]} is no matrix of low rank, and would be left out; ask without")
    return len(matrices)


def _held_of(part: Any, name: str) -> int:
    """How many matrices of an adapter a network holds."""
    if not hasattr(part, "named_parameters"):
        return 0
    ends = tuple(f".{kind}.{name}.weight" for kind in _HELD)
    return sum(one.endswith(ends) for one, _ in part.named_parameters())


def _refused(fact: str) -> GeneratorError:
    return GeneratorError(GeneratorCode.SETTINGS_INVALID, f"adapters: {fact}")
