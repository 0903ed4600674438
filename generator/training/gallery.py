"""Draws the pictures that the documentation shows: `python -m generator.training.gallery docs/pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.settings import Settings
from pictures.labels import Label
from pictures.marking import Layers, mark
from pictures.source_types import SourceType

PROMPTS = {
    "sunset": "a landscape with the sea at sunset, a purple sky",
    "sails": "the sea at noon, a large white boat in the centre",
    "tree": "green hills by day, a large tree on the left, clouds",
    "desert": "a desert at noon, a small sun on the right",
    "bottle": "a still life of a green bottle on the right, a red table, a yellow wall",
    "vase": "a still life with a large blue vase in the centre, a wooden table, a yellow wall",
}
"""File names and what was asked for."""

LABELLED = Layers(label=Label(SourceType.TRAINED))
SEED, STEPS, GUIDANCE_CENTI = 17, 30, 500


def main() -> None:
    """Write one file for each prompt."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(default_model_folder())
    for name, prompt in PROMPTS.items():
        settings = Settings(prompt=prompt, seed=SEED, steps=STEPS, guidance_centi=GUIDANCE_CENTI)
        image = pipeline.generate(settings, lambda step, steps: None)
        (folder / f"{name}.png").write_bytes(mark(image, "PNG", LABELLED, "").data)


if __name__ == "__main__":
    main()
