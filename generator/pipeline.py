"""Turns settings into pixels with a diffusers pipeline. The only module that loads torch, and only when it is used.

The noise comes from a processor generator seeded with seed + index and everything is computed in float32, so that the
same machine gives the same pixels again and another machine nearly the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from generator.errors import GeneratorCode, GeneratorError
from generator.models import model_digest
from generator.settings import Settings, check_settings

__all__ = ["Pipeline", "Settings", "device_name"]

OnStep = Callable[[int, int], None]
"""Called after each step with its number from 1 and the number of steps; what it raises ends the generation."""


class Pipeline:
    """One loaded model."""

    def __init__(self, folder: Path) -> None:
        """Load a model folder as `DiffusionPipeline.save_pretrained` writes it; safetensors only, no code from it."""
        torch, diffusers = import_module("torch"), import_module("diffusers")
        _hush(diffusers, import_module("transformers"))
        self.digest = model_digest(folder)
        self._pipe: Any = diffusers.DiffusionPipeline.from_pretrained(
            str(folder), dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        self._pipe.set_progress_bar_config(disable=True)
        self._pipe.to("cuda" if torch.cuda.is_available() else "cpu")
        self._accepted = frozenset(inspect.signature(self._pipe.__call__).parameters)

    def generate(self, settings: Settings, on_step: OnStep) -> Image.Image:
        """One RGB picture. SETTINGS_INVALID, OUT_OF_MEMORY, or whatever `on_step` raises."""
        return self.generate_batch([settings], on_step)[0]

    def generate_batch(self, batch: list[Settings], on_step: OnStep) -> list[Image.Image]:
        """Pictures that differ in prompts, seed and index only, computed together: faster, but rounded differently."""
        torch = import_module("torch")
        for settings in batch:
            check_settings(settings)
        first = batch[0]

        def step_ended(pipe: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(step + 1, first.steps)
            return tensors

        wanted = {
            "prompt": [settings.prompt for settings in batch],
            "negative_prompt": [settings.negative_prompt for settings in batch],
            "num_inference_steps": first.steps,
            "guidance_scale": first.guidance_centi / 100,
            "width": first.width,
            "height": first.height,
            "generator": [torch.Generator("cpu").manual_seed(each.seed + each.index) for each in batch],
            "callback_on_step_end": step_ended,
        }
        try:
            made = self._pipe(**{name: value for name, value in wanted.items() if name in self._accepted})
        except (MemoryError, RuntimeError) as error:
            if _is_out_of_memory(error):
                raise GeneratorError(
                    GeneratorCode.OUT_OF_MEMORY, f"{first.width} x {first.height} pixels; ask for a smaller picture"
                ) from None
            raise
        return [image.convert("RGB") for image in made.images]


def device_name() -> str:
    """Where pictures are computed: `cpu` or the name of the GPU."""
    torch = import_module("torch")
    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "cpu"


def _hush(*libraries: Any) -> None:
    """Keep progress bars and advice to developers out of the worker's log."""
    for library in libraries:
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
