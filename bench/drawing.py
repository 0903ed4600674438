"""Whether a model draws what it is asked: held-out prompts of its world, read by a classifier that it never saw.

    python -m bench.drawing --icons FOLDER --judge FILE [--model FOLDER] [--prompts 500]

No combination asked for was composed in training. The reference is the drawings themselves, passed through the model's
autoencoder and read by the same judge in the same run: what they miss is the judge's own error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.settings import Settings
from generator.training.compositions import Composition, ask, draw_scene
from generator.training.decoder_training import as_tensor
from generator.training.icons import Icons
from generator.training.judge import Judge, Judgement, load_judge
from generator.training.world import GROUNDS

SEEDS_FROM = 1_000_000
STEPS, GUIDANCE_CENTI = 20, 500


def marks_of(asked: Composition, seen: Judgement) -> dict[str, bool]:
    """Which questions a picture answers rightly."""
    wanted = {item.place: item.thing for item in asked.items}
    marks = {
        "things": sorted(wanted.values()) == sorted(seen.things.values()),
        "places": wanted == seen.things,
        "colours": all(item.colour in (None, seen.colours[item.place]) for item in asked.items),
        "ground": asked.ground == seen.ground,
        "hour": asked.hour == seen.hour or not GROUNDS[asked.ground].has_hours,
    }
    return {**marks, "all": all(marks.values())}


def shares(judge: Judge, asked: list[Composition], pictures: Iterator[Image.Image]) -> dict[str, float]:
    """The part of the pictures that answer each question rightly."""
    marks = [marks_of(wanted, judge.read([picture])[0]) for wanted, picture in zip(asked, pictures, strict=True)]
    return {question: round(float(np.mean([mark[question] for mark in marks])), 3) for question in marks[0]}


@torch.no_grad()
def kept(vae: Any, drawing: Image.Image) -> Image.Image:
    """A drawing as the model's autoencoder gives it back."""
    pixels = as_tensor(np.asarray(drawing)[None])
    made = vae.decode(vae.encode(pixels).latents).sample[0].clamp(-1, 1)
    return Image.fromarray(((made.movedim(0, -1) + 1) * 127.5).round().byte().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--icons", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=default_model_folder())
    parser.add_argument("--prompts", type=int, default=500)
    options = parser.parse_args()
    judge, icons, pipeline = load_judge(options.judge), Icons(options.icons), Pipeline(options.model)
    vae = import_module("diffusers").AutoencoderTiny.from_pretrained(options.model / "vae", torch_dtype=torch.float32)
    seeds = range(SEEDS_FROM, SEEDS_FROM + options.prompts)
    asked = [ask(seed, held_out=True) for seed in seeds]
    compositions = [composition for composition, _ in asked]
    drawn = (kept(vae, draw_scene(icons, seed, held_out=True).image) for seed in seeds)
    made = (
        pipeline.generate(
            Settings(prompt=prompt, seed=seed, steps=STEPS, guidance_centi=GUIDANCE_CENTI), lambda step, steps: None
        )
        for seed, (_, prompt) in zip(seeds, asked, strict=True)
    )
    found = {
        "prompts": options.prompts,
        "model": shares(judge, compositions, made),
        "drawings": shares(judge, compositions, drawn),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
