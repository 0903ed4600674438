"""Writes the trained parts as an ordinary Stable Diffusion folder: float16 weights, no code, no pickles."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from generator.training.denoiser_training import Denoiser
from generator.training.networks import new_scheduler


def export_model(folder: Path, vae: Any, denoiser: Denoiser, tokenizer: Any) -> int:
    """Replace `folder` by the model and return its size in bytes. The parts themselves become float16."""
    pipeline = (
        import_module("diffusers")
        .StableDiffusionPipeline(
            vae=vae,
            text_encoder=denoiser.text_encoder,
            tokenizer=tokenizer,
            unet=denoiser.unet,
            scheduler=new_scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        .to(dtype=torch.float16)
    )
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.save_pretrained(folder, safe_serialization=True)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o644)
    return sum(path.stat().st_size for path in files)


def latent_statistics(latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each latent channel over a whole training set."""
    spread = latents.float()
    return spread.mean(dim=(0, 2, 3)), spread.std(dim=(0, 2, 3))


def normalise_vae(vae: Any, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    """Fold the normalisation of the latents into the 1 x 1 convolutions on both sides of them.

    Stock pipelines know one scale for all channels; after this the right one is 1.
    """
    channels = len(mean)
    inwards, outwards = vae.quant_conv, vae.post_quant_conv
    with torch.no_grad():
        inwards.weight[:channels] /= deviation[:, None, None, None]
        inwards.bias[:channels] = (inwards.bias[:channels] - mean) / deviation
        inwards.bias[channels:] -= 2 * deviation.log()
        outwards.bias += outwards.weight[:, :, 0, 0] @ mean
        outwards.weight *= deviation[None, :, None, None]
    vae.register_to_config(scaling_factor=1.0)
