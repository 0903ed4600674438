"""Writes the trained parts as an ordinary Stable Diffusion folder: float16 weights, no code, no pickles."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from generator.training.denoiser_training import Denoiser
from generator.training.networks import new_scheduler
from generator.training.world import describe


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
    (folder / "world.json").write_text(json.dumps(describe(), indent=1) + "\n", encoding="utf-8")
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o644)
    return sum(path.stat().st_size for path in files)
