"""Pictures made of another one: how much of it is redrawn, and where.

The pipeline that redraws is made of the loaded one, so no weights are loaded twice. A source is brought to the size
that is asked for by scaling it until it covers that, and cutting off evenly what is beyond. Where a mask is given its
white is redrawn and its black stays: pipelines keep the surroundings only as well as their autoencoder can draw them,
so the source's own pixels are laid back over the result.

Source of the way to keep surroundings with a network that takes no mask: Avrahami et al., Blended Latent Diffusion.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from PIL import Image, ImageOps

from generator.errors import GeneratorCode, GeneratorError
from generator.settings import Settings
from pictures.errors import PictureError
from pictures.opening import open_picture
from pictures.picture import pixel_digest

SOURCE_BYTES_MAX = 48 * 1024 * 1024
"""Of a source's file: it goes to the worker within one frame."""
WHOLE_CENTI = 100
REDRAWN = frozenset(
    {
        "FluxPipeline",
        "QwenImagePipeline",
        "StableDiffusion3Pipeline",
        "StableDiffusionPipeline",
        "StableDiffusionXLPipeline",
        "ZImagePipeline",
    }
)
"""Pipelines beside which there is one that redraws a whole picture, and one that redraws a part (diffusers 0.42)."""
MASKED_CHANNELS = (4, 9)
"""Inputs of a UNet that the inpainting pipelines of Stable Diffusion take; any other is blended step by step here."""


@dataclass(frozen=True)
class Source:
    """The picture that another is made of, in the size that is asked for."""

    image: Image.Image
    """RGB."""
    mask: Image.Image | None = None
    """White where it is redrawn, in mode L; None to redraw all of it."""

    def laid_back(self, made: Image.Image) -> Image.Image:
        """What was made, with the source's own pixels where the mask is black."""
        return made if self.mask is None else Image.composite(made, self.image, self.mask)


def open_source(data: bytes, asset: str, mask: bytes, settings: Settings) -> Source:
    """A source from its file, held to the pixels that are recorded of it, and to the mask that is committed to.

    `asset`: the digest of its pixels. SETTINGS_INVALID, naming what does not hold.
    """
    if hashlib.sha256(mask).hexdigest() != settings.mask and (mask or settings.mask):
        _refuse("mask", "it is not the file that is committed to")
    size = (settings.width, settings.height)
    try:
        picture = open_picture(data)
        if pixel_digest(picture) != asset:
            _refuse("source", f"its pixels are not those of asset {asset[:16]}…")
        covered = ImageOps.fit(picture.shown(picture.box), size, Image.Resampling.LANCZOS)
        return Source(covered, _mask(mask, size) if mask else None)
    except PictureError as error:
        raise GeneratorError(GeneratorCode.SETTINGS_INVALID, f"source or mask: {error}") from None


def check_redrawn(pipe: Any, settings: Settings, source: Source | None) -> None:
    """SETTINGS_INVALID, naming the setting, unless this model can do what is asked with a source, or without one."""
    if (source is not None) != bool(settings.strength_centi):
        _refuse("strength", "it is how much of a source is redrawn; say both, or neither")
    if source is None:
        return
    if type(pipe).__name__ not in REDRAWN:
        _refuse("source", f"{type(pipe).__name__} draws from nothing only; ask another model")
    if source.mask is None and settings.strength_centi == WHOLE_CENTI:
        _refuse("strength", "at 1.0 nothing of the source has a part; ask with less, or without a source")
    if settings.steps * settings.strength_centi < WHOLE_CENTI:
        needed = -(-WHOLE_CENTI // settings.strength_centi)
        _refuse("strength", f"it leaves none of {settings.steps} steps; ask for {needed} steps, or more strength")


def redrawing(pipe: Any, source: Source) -> Any:
    """The pipeline that redraws, of the networks of the one that is loaded."""
    diffusers = import_module("diffusers")
    masked = source.mask is not None and not _is_blended(pipe)
    kind = diffusers.AutoPipelineForInpainting if masked else diffusers.AutoPipelineForImage2Image
    made = kind.from_pipe(pipe)
    made.set_progress_bar_config(disable=True)
    return made


def redrawing_arguments(pipe: Any, source: Source, batch: list[Settings]) -> dict[str, Any]:
    """What a call of it has beside what any call has. `pipe`: the one that is loaded."""
    found: dict[str, Any] = {"image": [source.image] * len(batch), "strength": batch[0].strength_centi / WHOLE_CENTI}
    if source.mask is not None and not _is_blended(pipe):
        found["mask_image"] = [source.mask] * len(batch)
    return found


def surroundings(pipe: Any, source: Source, batch: list[Settings]) -> Callable[[Any, int, Any], Any] | None:
    """What a step's result becomes where a network takes no mask: the surroundings of the source, as noisy as it is.

    None where nothing is to be done. What is returned takes the pipeline, the step from 0, and the latent pixels.
    """
    if source.mask is None or not _is_blended(pipe):
        return None
    torch = import_module("torch")
    kept = _latents(pipe, source.image)
    small = source.mask.resize((kept.shape[-1], kept.shape[-2]), Image.Resampling.BOX)
    levels = torch.tensor(list(small.tobytes()), dtype=kept.dtype, device=kept.device) / 255
    redrawn = levels.reshape(1, 1, *kept.shape[-2:])
    seeds = [torch.Generator("cpu").manual_seed(each.seed + each.index) for each in batch]
    noise = torch.cat([torch.randn(kept.shape, generator=one) for one in seeds]).to(kept)

    def blended(redrawer: Any, step: int, latents: Any) -> Any:
        times = redrawer.scheduler.timesteps[-redrawer.num_timesteps :]
        around = kept
        if step + 1 < len(times):
            around = redrawer.scheduler.add_noise(kept, noise, times[step + 1 : step + 2])
        return redrawn * latents + (1 - redrawn) * around

    return blended


def _mask(data: bytes, size: tuple[int, int]) -> Image.Image:
    """A mask, of two levels. SETTINGS_INVALID, or PictureError."""
    picture = open_picture(data, size[0] * size[1])
    if picture.format != "PNG" or picture.decoded.mode not in ("1", "L"):
        _refuse("mask", "it is no PNG of one channel with 8 bits or 1 bit a pixel; white is redrawn")
    if (picture.width, picture.height) != size:
        asked = "{} x {}".format(*size)
        _refuse("mask", f"it has {picture.width} x {picture.height} pixels; give it {asked}, as the picture has")
    mask = picture.image.convert("L").point([0] * 128 + [255] * 128)
    if mask.getextrema() == (0, 0):
        _refuse("mask", "nothing of it is white, so nothing would be redrawn")
    return mask


def _latents(pipe: Any, image: Image.Image) -> Any:
    """What a model's autoencoder makes of a picture: its one answer, or the likeliest of those that it spreads over."""
    torch = import_module("torch")
    pixels = pipe.image_processor.preprocess(image).to(pipe._execution_device, pipe.vae.dtype)
    with torch.no_grad():
        made = pipe.vae.encode(pixels)
    latents = made.latents if hasattr(made, "latents") else made.latent_dist.mode()
    return latents * pipe.vae.config.scaling_factor


def _is_blended(pipe: Any) -> bool:
    unet = getattr(pipe, "unet", None)
    return unet is not None and unet.config.in_channels not in MASKED_CHANNELS


def _refuse(setting: str, fact: str) -> None:
    raise GeneratorError(GeneratorCode.SETTINGS_INVALID, f"{setting}: {fact}")
