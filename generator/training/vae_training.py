"""Teaches the autoencoder to keep a picture in few numbers, then turns the training set into those numbers once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generator.training.checkpoints import load_checkpoint, save_checkpoint
from generator.training.networks import new_vae

CROP = 64
BATCH = 16
RATE = 1.5e-3
PRIOR_WEIGHT = 1e-4
"""How strongly latents are pulled towards a unit normal."""

EDGE_WEIGHT = 0.4
CHECKPOINT_STEPS = 200


def train_vae(work: Path, images: NDArray[np.uint8], steps: int, seed: int) -> Any:
    """Train for `steps` steps on random crops, resuming from `work`; the network comes back ready to encode."""
    torch.manual_seed(seed)
    vae = new_vae()
    optimizer = torch.optim.AdamW(vae.parameters(), RATE, betas=(0.9, 0.98), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.06)
    done = load_checkpoint(work / "vae.pt", {"vae": vae, "optimizer": optimizer, "schedule": schedule})
    started = time.monotonic()
    for step in range(done, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        pixels = _crops(images, np.random.default_rng((seed, step)))
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pixels).latent_dist
            made = vae.decode(posterior.sample()).sample
        loss = _difference(made.float(), pixels)
        (loss + PRIOR_WEIGHT * posterior.kl().float().mean() / posterior.mean[0].numel()).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 20 == 0:
            print(f"vae step {step}/{steps} loss {loss.item():.4f} {time.monotonic() - started:.0f} s", flush=True)
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            save_checkpoint(work / "vae.pt", step + 1, {"vae": vae, "optimizer": optimizer, "schedule": schedule})
    return vae.eval()


def refine_decoder(work: Path, vae: Any, images: NDArray[np.uint8], steps: int, seed: int) -> None:
    """Teach the decoder alone for `steps` more steps: pictures get crisper and the latents keep their meaning."""
    learning = [vae.decoder, vae.post_quant_conv]
    weights = [weight for part in learning for weight in part.parameters()]
    optimizer = torch.optim.AdamW(weights, RATE, betas=(0.9, 0.98), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.06)
    parts = {"decoder": vae.decoder, "inlet": vae.post_quant_conv, "optimizer": optimizer, "schedule": schedule}
    done = load_checkpoint(work / "decoder.pt", parts)
    for step in range(done, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        pixels = _crops(images, np.random.default_rng((seed, 1, step)))
        with torch.no_grad():
            latents = vae.encode(pixels).latent_dist.sample()
        with torch.autocast("cpu", torch.bfloat16):
            made = vae.decode(latents).sample
        loss = _difference(made.float(), pixels)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 20 == 0:
            print(f"decoder step {step}/{steps} loss {loss.item():.4f}", flush=True)
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            save_checkpoint(work / "decoder.pt", step + 1, parts)


def encode_dataset(work: Path, vae: Any, images: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of every picture's latents, kept in `work` as float16."""
    path = work / "latents.pt"
    if path.exists():
        saved = torch.load(path)
        return saved["mean"], saved["deviation"]
    means, deviations = [], []
    with torch.no_grad():
        for start in range(0, len(images), 64):
            posterior = vae.encode(as_tensor(images[start : start + 64])).latent_dist
            means.append(posterior.mean.half())
            deviations.append(posterior.std.half())
            if start % 3200 == 0:
                print(f"latents {start}/{len(images)}", flush=True)
    mean, deviation = torch.cat(means), torch.cat(deviations)
    torch.save({"mean": mean, "deviation": deviation}, path)
    return mean, deviation


def as_tensor(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Bytes (n, height, width, 3) as numbers from -1 to 1 (n, 3, height, width)."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _crops(images: NDArray[np.uint8], chance: np.random.Generator) -> torch.Tensor:
    spare = images.shape[1] - CROP
    crops = []
    for index in chance.integers(0, len(images), BATCH):
        y, x = chance.integers(0, spare + 1, 2)
        crop = images[index, y : y + CROP, x : x + CROP]
        crops.append(crop[:, ::-1] if chance.random() < 0.5 else crop)
    return as_tensor(np.stack(crops))


def _difference(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of pixels and of edges: the second keeps outlines crisp."""
    edges = torch.zeros(())
    for axis in (2, 3):
        edges = edges + (made.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
    return (made - wanted).abs().mean() + EDGE_WEIGHT * edges
