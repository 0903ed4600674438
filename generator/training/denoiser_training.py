"""Teaches the UNet and the text encoder together to turn noise into the latents of a described scene.

What is exported is a slow average of the weights, which draws better than the newest ones.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss

from generator.training.checkpoints import load_checkpoint, save_checkpoint
from generator.training.icons import Icons
from generator.training.networks import fast_numbers, fast_order, new_scheduler, new_text_encoder, new_unet, rate_at
from generator.training.words import begin_words

BATCH = 16
RATE = 8e-4
SILENT = 0.1
"""How often a picture is shown without its caption, which is what guidance steers away from."""

NOISY = 0.7
"""Below 1, noisy latents are shown more often: they decide what the words stand for and where things go."""

AVERAGE = 0.999
CHECKPOINT_STEPS = 250


class Denoiser(torch.nn.Module):
    """The two parts that learn together: words in, a prediction of velocity out."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.text_encoder = new_text_encoder(tokenizer)
        self.unet = new_unet().to(memory_format=fast_order())

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Latents (n, 16, 16, 16) at times 0 to 999 with token ids (n, 48)."""
        velocity: torch.Tensor = self.unet(noisy, times, self.text_encoder(words)[0]).sample
        return velocity


def begin_denoiser(tokenizer: Any, icons: Icons, folder: Path | None, seed: int) -> Denoiser:
    """A fresh denoiser, or that of a model folder whose tokenizer this is."""
    torch.manual_seed(seed)
    denoiser = Denoiser(tokenizer)
    if folder:
        for part, name in ((denoiser.unet, "unet"), (denoiser.text_encoder, "text_encoder")):
            kept = type(part).from_pretrained(folder / name, torch_dtype=torch.float32)
            part.load_state_dict(kept.state_dict())
    else:
        begin_words(denoiser.text_encoder, tokenizer, icons)
    return denoiser


def train_denoiser(
    work: Path,
    denoiser: Denoiser,
    words: tuple[torch.Tensor, torch.Tensor],
    latents: torch.Tensor,
    steps: int,
    seed: int,
) -> Denoiser:
    """Train up to `steps` steps in all, resuming from `work`; returns the averaged networks.

    `words` are the token ids of every caption and of none.
    """
    average = copy.deepcopy(denoiser).requires_grad_(False)
    optimizer = torch.optim.AdamW(denoiser.parameters(), RATE, betas=(0.9, 0.99), weight_decay=0.01)
    parts = {"denoiser": denoiser, "average": average, "optimizer": optimizer}
    done = load_checkpoint(work / "denoiser.pt", parts)
    scheduler = new_scheduler()
    started, recent = time.monotonic(), []
    for step in range(done, steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate_at(step, steps)
        torch.manual_seed(seed * 1_000_003 + step)
        loss = _loss(denoiser, scheduler, latents, words)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        _follow(average, denoiser, step)
        recent.append(loss.item())
        if (step + 1) % 50 == 0:
            spent, mean = time.monotonic() - started, sum(recent) / len(recent)
            print(f"denoiser step {step + 1}/{steps} loss {mean:.4f} {spent:.0f} s", flush=True)
            recent.clear()
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            save_checkpoint(work / "denoiser.pt", step + 1, parts)
    return average.eval()


def token_ids(tokenizer: Any, captions: list[str]) -> torch.Tensor:
    """Captions as rows of token ids, padded and cut to the model's length."""
    length = tokenizer.model_max_length
    encoded: torch.Tensor = tokenizer(
        captions, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
    ).input_ids
    return encoded


def _loss(
    denoiser: Denoiser, scheduler: Any, latents: torch.Tensor, words: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    captions, silence = words
    chosen = torch.randint(0, len(latents), (BATCH,))
    clean = latents[chosen].float()
    shown = torch.where(torch.rand(BATCH, 1) < SILENT, silence, captions[chosen])
    evenly = (torch.arange(BATCH) + torch.rand(BATCH)) / BATCH
    times = (evenly**NOISY * scheduler.config.num_train_timesteps).long()
    noise = torch.randn_like(clean)
    noisy = scheduler.add_noise(clean, noise, times).contiguous(memory_format=fast_order())
    with fast_numbers():
        made = denoiser(noisy, times, shown)
    return mse_loss(made.float(), scheduler.get_velocity(clean, noise, times))


def _follow(average: Denoiser, denoiser: Denoiser, step: int) -> None:
    weight = 1 - min(AVERAGE, (step + 1) / (step + 20))
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), denoiser.parameters(), strict=True):
            slow.lerp_(fast, weight)
