"""Which settings have a part in a picture, by the family of the pipeline that makes it.

Pipelines of diffusers name the same thing differently, and several take an argument that they then do not use:
Qwen-Image takes `guidance_scale` and is guided by `true_cfg_scale`; HunyuanDiT makes 1024 x 1024 where 64 x 64 was
asked, unless it is told not to. So each family that is known has an entry here, made of what its `__call__` does
(diffusers 0.42), and any other pipeline is judged by its signature and the configuration of its denoiser.

Guidance is one of two things. By *contrast*, the model predicts twice, with the prompt and with the negative prompt (or
none), and the difference is enlarged; a number that enlarges nothing turns it off. *Learned*, the number is an input of
the model, which then predicts once, and a negative prompt has no part.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.errors import GeneratorCode, GeneratorError
from generator.settings import Settings

GUIDER = "guider"
"""Not an argument: the pipeline has a component that guides, and the number is that component's."""
EXACT_SIZE = {"use_resolution_binning": False}
"""Make the size that is asked for, not the nearest one of a list."""


@dataclass(frozen=True)
class Family:
    """What a model does with the settings."""

    guided_by: str = ""
    """The argument that guidance is given as, or `guider`; empty if nothing guides this model."""
    learned: bool = False
    """Whether guidance is an input of the model, so that every number has a part and a negative prompt has none."""
    off_to_centi: int = 100
    """Guidance by contrast that enlarges nothing, in hundredths: from 0 to this."""
    side_multiple: int = 8
    """Pixels: a side is a whole number of these."""
    needs_negative: bool = False
    """Whether contrast happens only where a negative prompt is given, be it empty."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Arguments that every call has."""

    def contrasts(self, settings: Settings) -> bool:
        """Whether the negative prompt has a part."""
        return bool(self.guided_by) and not self.learned and settings.guidance_centi > self.off_to_centi

    def check(self, settings: Settings) -> None:
        """SETTINGS_INVALID, naming the setting, if one would have no part in the picture: nobody shall commit to it."""
        for name, side in (("width", settings.width), ("height", settings.height)):
            if side % self.side_multiple:
                near = max(1, round(side / self.side_multiple)) * self.side_multiple
                _refuse(name, f"{side} pixels, this model makes multiples of {self.side_multiple}; ask for {near}")
        if settings.guidance_centi and not self.guided_by:
            _refuse("guidance", "nothing guides this model; ask with guidance 0")
        if not self.learned and 0 < settings.guidance_centi <= self.off_to_centi:
            _refuse("guidance", f"up to {self.off_to_centi / 100} it has no part; ask with 0, or with more")
        if settings.negative_prompt and not self.contrasts(settings):
            how = "leave it out" if self.learned or not self.guided_by else "leave it out, or ask with more guidance"
            _refuse("negative_prompt", f"it has no part in this model's picture at this guidance; {how}")

    def arguments(self, settings: Settings) -> dict[str, object]:
        """What a call has beside prompt, size, steps and noise; guidance as a number, not in hundredths."""
        found = dict(self.fixed)
        if self.guided_by and self.guided_by != GUIDER:
            found[self.guided_by] = settings.guidance_centi / 100
        return found

    def negative(self, settings: Settings) -> str | None:
        """The negative prompt as the pipeline takes it; None where it has no part, as an empty one may have some."""
        if not self.contrasts(settings):
            return None
        return settings.negative_prompt if self.needs_negative else settings.negative_prompt or None


def family_of(pipe: Any) -> Family:
    """The family of a loaded pipeline: of its class, else what its signature and its denoiser's configuration say."""
    return FAMILIES.get(type(pipe).__name__, _by_signature)(pipe)


def guide(pipe: Any, family: Family, settings: Settings) -> None:
    """Give the number to the component that guides, in the families that have one."""
    if family.guided_by == GUIDER:
        wanted = {"guidance_scale": settings.guidance_centi / 100, "enabled": family.contrasts(settings)}
        pipe.guider = pipe.guider.new(**wanted)
        if pipe.ocr_guider is not None:
            pipe.ocr_guider = pipe.ocr_guider.new(**wanted)


def _stable_diffusion(pipe: Any) -> Family:
    """SD and SDXL. A UNet distilled for few steps (LCM) takes guidance as an input."""
    learned = _configured(pipe.unet, "time_cond_proj_dim") is not None
    return Family("guidance_scale", learned=learned, side_multiple=pipe.vae_scale_factor)


def _stable_diffusion_3(pipe: Any) -> Family:
    return Family("guidance_scale", side_multiple=pipe.vae_scale_factor * pipe.patch_size)


def _hunyuan_dit(pipe: Any) -> Family:
    """Its rotary grid is counted in eighths of the sides whatever the autoencoder's factor is."""
    return Family("guidance_scale", side_multiple=8 * _patch(pipe.transformer), fixed=EXACT_SIZE)


def _hunyuan_image(pipe: Any) -> Family:
    """Distilled: its own argument, an input of the model. Else by its guider, and by nothing if it has none."""
    multiple = pipe.vae_scale_factor * _patch(pipe.transformer)
    if _configured(pipe.transformer, "guidance_embeds"):
        return Family("distilled_guidance_scale", learned=True, side_multiple=multiple)
    return Family("" if pipe.guider is None else GUIDER, side_multiple=multiple, needs_negative=True)


def _flux_or_qwen_image(pipe: Any) -> Family:
    """Trained to be guided: an input of the model. Else true guidance by contrast, which needs a negative prompt."""
    multiple = pipe.vae_scale_factor * 2
    if _configured(pipe.transformer, "guidance_embeds"):
        return Family("guidance_scale", learned=True, side_multiple=multiple)
    return Family("true_cfg_scale", side_multiple=multiple, needs_negative=True)


def _z_image(pipe: Any) -> Family:
    """It adds the difference to the prediction, so any number above 0 has a part."""
    return Family("guidance_scale", off_to_centi=0, side_multiple=pipe.vae_scale_factor * 2)


def _by_signature(pipe: Any) -> Family:
    accepted = inspect.signature(pipe.__call__).parameters
    denoiser = getattr(pipe, "transformer", None) or getattr(pipe, "unet", None)
    fixed = {name: value for name, value in EXACT_SIZE.items() if name in accepted}
    multiple = int(getattr(pipe, "vae_scale_factor", 8))
    if _configured(denoiser, "guidance_embeds"):
        name = next((one for one in ("distilled_guidance_scale", "guidance_scale") if one in accepted), "")
        return Family(name, learned=True, side_multiple=multiple, fixed=fixed)
    if "negative_prompt" in accepted:
        name = next((one for one in ("true_cfg_scale", "guidance_scale") if one in accepted), "")
        return Family(name, side_multiple=multiple, needs_negative=name == "true_cfg_scale", fixed=fixed)
    return Family(side_multiple=multiple, fixed=fixed)


FAMILIES: Mapping[str, Callable[[Any], Family]] = {
    "FluxPipeline": _flux_or_qwen_image,
    "HunyuanDiTPipeline": _hunyuan_dit,
    "HunyuanImagePipeline": _hunyuan_image,
    "QwenImagePipeline": _flux_or_qwen_image,
    "StableDiffusion3Pipeline": _stable_diffusion_3,
    "StableDiffusionPipeline": _stable_diffusion,
    "StableDiffusionXLPipeline": _stable_diffusion,
    "ZImagePipeline": _z_image,
}
"""By the name of the pipeline's class, as `model_index.json` has it."""


def _configured(denoiser: Any, name: str) -> Any:
    return None if denoiser is None else getattr(denoiser.config, name, None)


def _patch(denoiser: Any) -> int:
    """Latent pixels to a side of one patch."""
    size = denoiser.config.patch_size
    return int(size if isinstance(size, int) else max(size))


def _refuse(setting: str, fact: str) -> None:
    raise GeneratorError(GeneratorCode.SETTINGS_INVALID, f"{setting}: {fact}")
