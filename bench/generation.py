"""Seconds per picture of the default model, against the same pipeline driven by diffusers alone.

    python -m bench.generation [--pictures 5] [--steps 20]

The reference is `diffusers`' own pipeline on the same folder, seed and steps in this process; the ratio is what
Remarque's pipeline adds. Through the node a picture also waits for its record: one commit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from importlib import import_module

import torch

from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.settings import Settings

PROMPT = "a lighthouse on the left by the sea at sunset"


def median_s(times: list[float]) -> float:
    return round(statistics.median(times), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    pipeline = Pipeline(default_model_folder())
    reference = import_module("diffusers").StableDiffusionPipeline.from_pretrained(
        default_model_folder(), torch_dtype=torch.float32
    )
    reference.set_progress_bar_config(disable=True)
    ours, theirs = [], []
    for seed in range(options.pictures + 1):
        started = time.perf_counter()
        pipeline.generate(Settings(prompt=PROMPT, seed=seed, steps=options.steps), lambda step, steps: None)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        generator = torch.Generator().manual_seed(seed)
        reference(PROMPT, num_inference_steps=options.steps, guidance_scale=7.5, generator=generator)
        theirs.append(time.perf_counter() - started)
    found = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__.partition("+")[0],
        "steps": options.steps,
        "seconds_per_picture": median_s(ours[1:]),
        "diffusers_alone": median_s(theirs[1:]),
        "ratio": round(statistics.median(ours[1:]) / statistics.median(theirs[1:]), 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
