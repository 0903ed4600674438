"""Trains the default model from nothing: `python -m generator.training.train --work FOLDER --out MODEL_FOLDER`.

Every stage keeps its result in the work folder, so that the same command goes on where it stopped. With the same
arguments, the same libraries and the same number of threads it makes the same model.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from generator.training.dataset import draw_dataset, open_dataset
from generator.training.denoiser_training import Denoiser, train_denoiser
from generator.training.export import export_model, latent_statistics, normalise_vae
from generator.training.networks import learn_tokenizer
from generator.training.vae_training import encode_dataset, refine_decoder, train_vae

VOCABULARY = 1000
"""Tokens, of which half are single bytes and their word ends."""


def main() -> None:
    """Run all stages that are not done yet."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    vae, tokenizer, denoiser = train(arguments)
    size = export_model(arguments.out, vae, denoiser, tokenizer)
    print(f"exported {size / 1e6:.1f} MB to {arguments.out}", flush=True)


def train(arguments: argparse.Namespace) -> tuple[Any, Any, Denoiser]:
    """Draw, train the autoencoder, encode, train the denoiser, refine the decoder; returns the parts to export."""
    work: Path = arguments.work
    draw_dataset(work, arguments.scenes, arguments.seed, arguments.threads)
    images, captions = open_dataset(work)
    vae = train_vae(work, images, arguments.vae_steps, arguments.seed)
    means, deviations = encode_dataset(work, vae, images)
    centre, spread = latent_statistics(means)
    normalise_vae(vae, centre, spread)
    shape = (1, -1, 1, 1)
    latents = ((means.float() - centre.view(shape)) / spread.view(shape), deviations.float() / spread.view(shape))
    tokenizer = learn_tokenizer(captions, VOCABULARY)
    denoiser = train_denoiser(work, tokenizer, captions, latents, arguments.steps, arguments.seed)
    refine_decoder(work, vae, images, arguments.decoder_steps, arguments.seed)
    return vae, tokenizer, denoiser


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generator.training.train", description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for the training set and the checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="where the model folder is written")
    parser.add_argument("--scenes", type=int, default=24_000, help="pictures in the training set")
    parser.add_argument("--vae-steps", type=int, default=2_400, help="training steps of the autoencoder")
    parser.add_argument(
        "--steps",
        type=int,
        default=5_200,
        help="training steps of UNet and text encoder, in all; fewer than are done exports what there is",
    )
    parser.add_argument("--decoder-steps", type=int, default=400, help="last training steps, of the decoder alone")
    parser.add_argument("--seed", type=int, default=1, help="decides everything that is left to chance")
    parser.add_argument("--threads", type=int, default=1, help="processor threads to use")
    return parser.parse_args()


if __name__ == "__main__":
    main()
