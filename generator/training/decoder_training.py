"""Teaches the decoder to draw crisp pictures from their few numbers, and turns the training set into those numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generator.training.autoencoder import new_vae, work_out
from generator.training.checkpoints import load_checkpoint, save_checkpoint
from generator.training.networks import fast_numbers, rate_at

CROP = 64
BATCH = 8
PIECES = 3
RATE = 2e-3
UNSURE = 0.1
"""Standard deviation of noise on the latents, so that the decoder forgives a denoiser that is not exact."""

EDGE_WEIGHT = 0.5
CHECKPOINT_STEPS = 100
WORKED_OUT_FROM = 400
"""Pictures whose components make the encoder."""


def worked_out_vae(work: Path, images: NDArray[np.uint8], begin: Path | None, seed: int) -> Any:
    """The autoencoder with the encoder of these pictures, or all that of the model folder `begin`; kept in `work`."""
    torch.manual_seed(seed)
    vae, path = new_vae(), work / "vae.pt"
    if path.exists():
        load_checkpoint(path, {"vae": vae})
        return vae
    if begin:
        vae.load_state_dict(type(vae).from_pretrained(begin / "vae", torch_dtype=torch.float32).state_dict())
    else:
        work_out(vae, as_tensor(images[:WORKED_OUT_FROM]))
    save_checkpoint(path, 0, {"vae": vae})
    return vae


def train_decoder(work: Path, vae: Any, images: NDArray[np.uint8], steps: int, seed: int) -> None:
    """Train up to `steps` steps in all on random crops, resuming from `work`."""
    decoder = vae.decoder
    optimizer = torch.optim.AdamW(decoder.parameters(), RATE, betas=(0.9, 0.98), weight_decay=1e-4)
    parts = {"decoder": decoder, "optimizer": optimizer}
    done = load_checkpoint(work / "decoder.pt", parts)
    started, recent = time.monotonic(), []
    for step in range(done, steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate_at(step, steps)
        torch.manual_seed(seed * 1_000_003 + step)
        pixels = _crops(images, np.random.default_rng((seed, step)))
        with torch.no_grad():
            latents = vae.encoder(pixels)
        with fast_numbers():
            made = decoder(latents + UNSURE * torch.randn_like(latents)).float()
        torch.autograd.backward(_difference(made, pixels))
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(_decibels(made.detach(), pixels))
        if (step + 1) % 20 == 0:
            spent, mean = time.monotonic() - started, sum(recent) / len(recent)
            print(f"decoder step {step + 1}/{steps} {mean:.2f} dB {spent:.0f} s", flush=True)
            recent.clear()
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            save_checkpoint(work / "decoder.pt", step + 1, parts)


@torch.no_grad()
def encode_dataset(work: Path, vae: Any, images: NDArray[np.uint8]) -> torch.Tensor:
    """The latents of every picture (n, 16, 16, 16), kept in `work` as float16."""
    path = work / "latents.pt"
    if not path.exists():
        starts = range(0, len(images), 64)
        torch.save(torch.cat([vae.encoder(as_tensor(images[start : start + 64])).half() for start in starts]), path)
    latents: torch.Tensor = torch.load(path)
    return latents


def as_tensor(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Bytes (n, height, width, 3) as numbers from -1 to 1 (n, 3, height, width)."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _crops(images: NDArray[np.uint8], chance: np.random.Generator) -> torch.Tensor:
    """A batch of pieces, each the most varied of a few: plain backgrounds teach nothing after the first steps."""
    spare = (images.shape[1] - CROP) // 8
    crops = []
    for index in chance.integers(0, len(images), BATCH):
        corners = 8 * chance.integers(0, spare + 1, (PIECES, 2))
        pieces = [images[index, y : y + CROP, x : x + CROP] for y, x in corners]
        crops.append(max(pieces, key=lambda piece: float(piece.std())))
    return as_tensor(np.stack(crops))


def _difference(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of pixels and of edges: the second keeps outlines crisp."""
    edges = torch.zeros(())
    for axis in (2, 3):
        edges = edges + (made.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
    return (made - wanted).abs().mean() + EDGE_WEIGHT * edges


def _decibels(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """Peak signal to noise ratio of numbers from -1 to 1."""
    return float(-10 * ((made - wanted) / 2).square().mean().log10())
