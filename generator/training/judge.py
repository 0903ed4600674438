"""A classifier that reads drawings: which thing stands where, in which colour, on which ground, at which hour.

    python -m generator.training.judge --icons FOLDER --out FILE

It learns from true drawings only, spoiled a little, and never sees a picture of the model that it judges. Half of them
are combinations that are held out from the model: a judge that had never met those would be blind to them.
"""

from __future__ import annotations

import argparse
import io
import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import nn
from torch.nn.functional import cross_entropy

from generator.training.compositions import Composition, draw_scene
from generator.training.decoder_training import as_tensor
from generator.training.icons import Icons
from generator.training.world import BY_NAME, COLOURS, GROUNDS, HOURS, PLACES

THINGS = ("", *BY_NAME)
"""Classes of a place; the first is an empty one."""

BATCH = 48
RATE = 1.5e-3
UNKNOWN = -100
"""What `cross_entropy` passes over."""


@dataclass(frozen=True)
class Judgement:
    """What the judge sees in a picture: a thing and a colour for each place, a ground and an hour."""

    things: dict[str, str]
    """By place, without the empty ones."""
    colours: dict[str, str]
    """By place; what it says of an empty place means nothing."""
    ground: str
    hour: str


class Judge(nn.Module):
    """Pictures (n, 3, 128, 128) from -1 to 1 to scores: things (n, 80, 3), colours (n, 6, 3), grounds and hours."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.sees = nn.Sequential(
            *layers, nn.Conv2d(128, 128, 3, 1, 1), nn.BatchNorm2d(128), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2)
        )
        self.thinks = nn.Sequential(nn.Linear(128 * 64, 384), nn.ReLU())
        self.sizes = (3 * len(THINGS), 3 * len(COLOURS), len(GROUNDS), len(HOURS))
        self.says = nn.Linear(384, sum(self.sizes))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One tensor of scores for each question."""
        things, colours, grounds, hours = self.says(self.thinks(self.sees(pictures))).split(self.sizes, dim=1)
        return things.unflatten(1, (-1, 3)), colours.unflatten(1, (-1, 3)), grounds, hours

    @torch.no_grad()
    def read(self, pictures: list[Image.Image]) -> list[Judgement]:
        """What is most likely seen in each picture."""
        answers = self(as_tensor(np.stack([np.asarray(picture) for picture in pictures])))
        rows = zip(*(answer.argmax(dim=1).tolist() for answer in answers), strict=True)
        return [_reading(*row) for row in rows]


def load_judge(file: Path) -> Judge:
    """A judge that `main` wrote."""
    judge = Judge()
    judge.load_state_dict(torch.load(file, weights_only=True))
    return judge.eval()


def train_judge(icons: Icons, steps: int, seed: int) -> Judge:
    """A judge after `steps` batches of fresh drawings."""
    torch.manual_seed(seed)
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.1)
    for step in range(steps):
        numbers = [(step + seed * 10**6) * BATCH + number for number in range(BATCH)]
        scenes = [draw_scene(icons, number, held_out=number % 2 == 0) for number in numbers]
        rng = random.Random(step)
        pictures = as_tensor(np.stack([np.asarray(spoil(rng, scene.image)) for scene in scenes]))
        truths = zip(*(_truth(scene.composition) for scene in scenes), strict=True)
        scores = judge(pictures)
        losses = [cross_entropy(score, torch.tensor(truth)) for score, truth in zip(scores, truths, strict=True)]
        loss = torch.stack(losses).sum()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"judge step {step}/{steps} loss {loss.item():.3f}", flush=True)
    return judge.eval()


def spoil(rng: random.Random, picture: Image.Image) -> Image.Image:
    """A picture as a generator or a careless save might leave it: blurred, or with the marks of JPEG, or as it was."""
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
    if rng.random() < 0.5:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=rng.randint(25, 90))
        picture = Image.open(stored)
    return picture.convert("RGB")


def _truth(composition: Composition) -> tuple[list[int], list[int], int, int]:
    things, colours = [0] * len(PLACES), [UNKNOWN] * len(PLACES)
    for item in composition.items:
        place = list(PLACES).index(item.place)
        things[place] = THINGS.index(item.thing)
        if item.colour:
            colours[place] = list(COLOURS).index(item.colour)
    hour = list(HOURS).index(composition.hour) if GROUNDS[composition.ground].has_hours else UNKNOWN
    return things, colours, list(GROUNDS).index(composition.ground), hour


def _reading(things: list[int], colours: list[int], ground: int, hour: int) -> Judgement:
    return Judgement(
        {place: THINGS[thing] for place, thing in zip(PLACES, things, strict=True) if thing},
        {place: list(COLOURS)[colour] for place, colour in zip(PLACES, colours, strict=True)},
        list(GROUNDS)[ground],
        list(HOURS)[hour],
    )


def main() -> None:
    """Train a judge and keep it."""
    parser = argparse.ArgumentParser(prog="python -m generator.training.judge")
    parser.add_argument("--icons", type=Path, required=True, help="the unpacked package of icons")
    parser.add_argument("--out", type=Path, required=True, help="where the judge is written")
    parser.add_argument("--steps", type=int, default=3000, help="batches of drawings")
    parser.add_argument("--threads", type=int, default=1, help="processor threads to use")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.save(train_judge(Icons(arguments.icons), arguments.steps, 7).state_dict(), arguments.out)


if __name__ == "__main__":
    main()
