"""Lets the words for things begin with what the things look like.

A word starts as the principal components of its icon rather than at random, so that the denoiser has to learn one way
to draw a thing from its word, and not every thing by heart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from generator.training.icons import Icons
from generator.training.world import THINGS

SIDE = 40
GREY = (128, 128, 128)
LOUDNESS = 0.05
"""Root mean square of a word's start; positions and other words begin at 0.02."""


@torch.no_grad()
def begin_words(text_encoder: Any, tokenizer: Any, icons: Icons) -> None:
    """Set the embedding of the last token of every name of a thing."""
    pictures = np.stack([np.asarray(_on_grey(icons.picture(thing.icon, SIDE, None))) for thing in THINGS])
    looks = torch.from_numpy(pictures).flatten(1).float()
    looks -= looks.mean(dim=0)
    left, strength, _ = torch.linalg.svd(looks, full_matrices=False)
    table = text_encoder.get_input_embeddings().weight
    count = min(len(strength), table.shape[1])
    starts = torch.zeros(len(THINGS), table.shape[1])
    starts[:, :count] = left[:, :count] * strength[:count]
    starts = starts @ torch.linalg.qr(torch.randn(table.shape[1], table.shape[1]))[0]
    starts *= LOUDNESS / starts.square().mean(dim=1, keepdim=True).sqrt()
    for thing, start in zip(THINGS, starts, strict=True):
        for name in thing.words:
            table[tokenizer(name, add_special_tokens=False).input_ids[-1]] = start


def _on_grey(icon: Image.Image) -> Image.Image:
    picture = Image.new("RGB", icon.size, GREY)
    picture.paste(icon, (0, 0), icon)
    return picture
