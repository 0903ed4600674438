"""Trains the default model from nothing: `python -m generator.training.train --work FOLDER --out MODEL_FOLDER`.

Every stage keeps its result in the work folder, so that the same command goes on where it stopped. With the same
arguments, the same libraries and the same number of threads it makes the same model.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPTokenizer

from generator.training.dataset import draw_dataset, open_dataset
from generator.training.decoder_training import encode_dataset, train_decoder, worked_out_vae
from generator.training.denoiser_training import Denoiser, begin_denoiser, token_ids, train_denoiser
from generator.training.export import export_model
from generator.training.icons import Icons
from generator.training.networks import learn_tokenizer

VOCABULARY = 1000
"""Tokens, of which half are single bytes and their word ends."""


def main(words: Sequence[str] | None = None) -> None:
    """Run all stages that are not done yet."""
    arguments = _arguments(words)
    torch.set_num_threads(arguments.threads)
    vae, tokenizer, denoiser = train(arguments)
    size = export_model(arguments.out, vae, denoiser, tokenizer)
    print(f"exported {size / 1e6:.1f} MB to {arguments.out}", flush=True)


def train(arguments: argparse.Namespace) -> tuple[Any, Any, Denoiser]:
    """Draw, work out the encoder, encode, train the denoiser, train the decoder; returns the parts to export."""
    work: Path = arguments.work
    begin: Path | None = arguments.begin
    draw_dataset(work, arguments.icons, arguments.scenes, arguments.seed, arguments.threads)
    images, captions = open_dataset(work)
    vae = worked_out_vae(work, images, begin, arguments.seed)
    latents = encode_dataset(work, vae, images)
    tokenizer = CLIPTokenizer.from_pretrained(begin / "tokenizer") if begin else learn_tokenizer(captions, VOCABULARY)
    words = token_ids(tokenizer, captions), token_ids(tokenizer, [""])
    denoiser = begin_denoiser(tokenizer, Icons(arguments.icons), begin, arguments.seed)
    denoiser = train_denoiser(work, denoiser, words, latents, arguments.steps, arguments.seed)
    train_decoder(work, vae, images, arguments.decoder_steps, arguments.seed)
    return vae, tokenizer, denoiser


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generator.training.train", description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for the training set and the checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="where the model folder is written")
    parser.add_argument(
        "--icons", type=Path, required=True, help="the unpacked npm package @iconify-json/fluent-emoji-flat"
    )
    parser.add_argument("--begin", type=Path, help="model folder whose weights are the start")
    parser.add_argument("--scenes", type=int, default=8_000, help="pictures in the training set")
    parser.add_argument(
        "--steps",
        type=int,
        default=5_200,
        help="training steps of UNet and text encoder, in all; fewer than are done exports what there is",
    )
    parser.add_argument("--decoder-steps", type=int, default=1_500, help="training steps of the decoder, in all")
    parser.add_argument("--seed", type=int, default=1, help="decides everything that is left to chance")
    parser.add_argument("--threads", type=int, default=1, help="processor threads to use")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
