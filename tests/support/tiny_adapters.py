"""Adapters (LoRA) with random weights, written as diffusers writes trained ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

FILE = "pytorch_lora_weights.safetensors"


def write_adapter(pipe: Any, folder: Path, *, seed: int = 0, rank: int = 2) -> Path:
    """The folder of an adapter for the denoiser of a diffusers pipeline, which is left as it was."""
    kind = "unet" if hasattr(pipe, "unet") else "transformer"
    denoiser = getattr(pipe, kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights=False, target_modules=["to_q", "to_k", "to_v"])
        denoiser.add_adapter(config, "made")
    weights = get_peft_model_state_dict(denoiser, adapter_name="made")
    type(pipe).save_lora_weights(folder, **{f"{kind}_lora_layers": weights})
    pipe.unload_lora_weights()
    return folder


def spoil(folder: Path, word: str, other: str) -> None:
    """Have an adapter's matrices be for another network: those whose name has a word are named otherwise."""
    weights = load_file(folder / FILE)
    save_file({name.replace(word, other): value for name, value in weights.items()}, folder / FILE)
