"""Turns settings into pixels with a diffusers pipeline. Only this module and `devices` load torch, and only when used.

The noise comes from a processor generator seeded with seed + index, so that the same machine gives the same pixels
again and another machine nearly the same. A setting that would have no part in the picture is refused, and a picture
of another size than was asked for is not given out: what a creator commits to and a generator attests is what was done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PIL import Image

from generator.adapters import AdapterFolder, adapted
from generator.devices import Placement, computation, open_placed
from generator.errors import GeneratorCode, GeneratorError
from generator.families import family_of, guide
from generator.models import model_digest
from generator.prompts import check_read
from generator.redrawing import Source, check_redrawn, redrawing, redrawing_arguments, surroundings
from generator.settings import Precision, Settings, check_settings

__all__ = ["Pipeline", "Settings"]

OnStep = Callable[[int, int], None]
"""Called after each step with its number from 1 and the number of steps; what it raises ends the generation."""
AS_PLACED = Placement()


class Pipeline:
    """One loaded model."""

    def __init__(self, folder: Path, precision: Precision = "float32", placement: Placement = AS_PLACED) -> None:
        """Load a model folder as `DiffusionPipeline.save_pretrained` writes it. DEVICE_UNFIT as `chosen_device`."""
        _hush(import_module("diffusers"), import_module("transformers"))
        self.digest = model_digest(folder)
        self.precision = precision
        self._pipe: Any = open_placed(folder, precision, placement)
        self.family = family_of(self._pipe)
        self.computed = computation(self._pipe, placement)
        """For the attestation."""

    def generate(self, settings: Settings, on_step: OnStep, source: Source | None = None) -> Image.Image:
        """One RGB picture. SETTINGS_INVALID, SIZE_MISSED, OUT_OF_MEMORY, or whatever `on_step` raises."""
        return self.generate_batch([settings], on_step, source)[0]

    def generate_batch(self, batch: list[Settings], on_step: OnStep, source: Source | None = None) -> list[Image.Image]:
        """Pictures that differ in prompt, seed and index only, computed together: faster, but rounded differently."""
        for settings in batch:
            self._check(settings, batch[0])
        first = batch[0]
        check_redrawn(self._pipe, first, source)
        guide(self._pipe, self.family, first)
        with _cleaned(self._pipe, first):
            images = self._drawn(batch, on_step) if source is None else self._redrawn(batch, on_step, source)
        return [_of_size(image, first) for image in images]

    def _drawn(self, batch: list[Settings], on_step: OnStep) -> list[Image.Image]:
        made = self._pipe(**self._arguments(batch), **_stepping(batch[0].steps, on_step))
        return list(made.images)

    def _redrawn(self, batch: list[Settings], on_step: OnStep, source: Source) -> list[Image.Image]:
        """A part of the steps is done, which is what progress counts."""
        pipe = redrawing(self._pipe, source)
        accepted = inspect.signature(pipe.__call__).parameters
        arguments = self._arguments(batch) | redrawing_arguments(self._pipe, source, batch)
        around = surroundings(self._pipe, source, batch)

        def step_ended(redrawer: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(min(step + 1, redrawer.num_timesteps), redrawer.num_timesteps)
            return tensors if around is None else {"latents": around(redrawer, step, tensors["latents"])}

        made = pipe(
            **{name: value for name, value in arguments.items() if name in accepted}, callback_on_step_end=step_ended
        )
        self._pipe.maybe_free_model_hooks()
        return [source.laid_back(image.convert("RGB")) for image in made.images]

    @contextmanager
    def adapted(self, adapters: Sequence[AdapterFolder]) -> Iterator[None]:
        """Draw with adapters; as `generator.adapters.adapted`."""
        with adapted(self._pipe, adapters):
            yield

    def plainly(self, batch: list[Settings]) -> None:
        """The same pictures by one call of diffusers and nothing around it, for a benchmark to compare with."""
        self._pipe(**self._arguments(batch))

    def _check(self, settings: Settings, first: Settings) -> None:
        check_settings(settings)
        self.family.check(settings)
        for setting in ("prompt", "negative_prompt"):
            check_read(self._pipe, setting, getattr(settings, setting))
        if settings.precision != self.precision:
            raise _invalid(f"precision: {settings.precision} is asked for, the model is loaded in {self.precision}")
        if settings != replace(first, prompt=settings.prompt, seed=settings.seed, index=settings.index):
            raise _invalid("pictures that are computed together differ in prompt, seed and index only")

    def _arguments(self, batch: list[Settings]) -> dict[str, Any]:
        torch, first = import_module("torch"), batch[0]
        negative = self.family.negative(first)
        return {
            **self.family.arguments(first),
            **({} if negative is None else {"negative_prompt": [negative] * len(batch)}),
            "prompt": [settings.prompt for settings in batch],
            "num_inference_steps": first.steps,
            "width": first.width,
            "height": first.height,
            "generator": [torch.Generator("cpu").manual_seed(each.seed + each.index) for each in batch],
        }


def _stepping(steps: int, on_step: OnStep) -> dict[str, Any]:
    """The callback of a call. Some samplers evaluate the model once more than they were asked to step."""

    def step_ended(pipe: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(min(step + 1, steps), steps)
        return tensors

    return {"callback_on_step_end": step_ended}


@contextmanager
def _cleaned(pipe: Any, settings: Settings) -> Iterator[None]:
    """After a call that was ended, what was brought to the device goes back; too little memory is told as such."""
    try:
        yield
    except BaseException as error:
        pipe.maybe_free_model_hooks()
        if _is_out_of_memory(error):
            fact = f"{settings.width} x {settings.height} pixels, {settings.batch} at a time"
            raise GeneratorError(GeneratorCode.OUT_OF_MEMORY, f"{fact}; ask for smaller pictures, or fewer") from None
        raise


def _of_size(image: Image.Image, settings: Settings) -> Image.Image:
    """SIZE_MISSED unless the picture is as large as was asked."""
    if image.size != (settings.width, settings.height):
        made, asked = "{} x {}".format(*image.size), f"{settings.width} x {settings.height}"
        raise GeneratorError(GeneratorCode.SIZE_MISSED, f"asked for {asked}, made {made}; ask for a size that it makes")
    return image.convert("RGB")


def _hush(*libraries: Any) -> None:
    """Keep progress bars and advice to developers out of the worker's log."""
    for library in libraries:
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def _invalid(fact: str) -> GeneratorError:
    return GeneratorError(GeneratorCode.SETTINGS_INVALID, fact)


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )
