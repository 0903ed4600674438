"""The sizes of the default model's parts: small enough to ship in a wheel and to train on two cores in about an hour.

All of them are stock classes of diffusers and transformers, so that the result is an ordinary Stable Diffusion folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generator.training.autoencoder import LATENT_CHANNELS

diffusers = import_module("diffusers")  # the library has no types, so the name is `Any`

WIDE_PROCESSOR = torch.backends.cpu.get_cpu_capability() == "AVX512"

LATENT_SIDE = 16
WORDS_MAX = 48
"""Tokens of a prompt, start and end included; the rest is cut off."""

TEXT_WIDTH = 128

WARM_UP_STEPS = 100
COOL_DOWN = 0.5
"""Part of the steps over which the learning rate falls."""


def new_unet() -> Any:
    """Removes noise from latents; looks at the words at 8 x 8 and 4 x 4."""
    return diffusers.UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 128),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_text_encoder(tokenizer: Any) -> Any:
    """Reads the prompt; trained together with the UNet."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=WORDS_MAX,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_scheduler() -> Any:
    """Velocity prediction up to pure noise: without it a picture cannot become as dark as a night."""
    return diffusers.DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        set_alpha_to_one=True,
        steps_offset=1,
        clip_sample=False,
    )


def rate_at(step: int, steps: int) -> float:
    """Part of the learning rate: a short rise, a plateau, and over the last steps a straight way down to almost 0.

    On the plateau it does not depend on how many steps are still to come, so that a run may be made longer or shorter.
    """
    rise = min(1.0, (step + 1) / WARM_UP_STEPS)
    fall = min(1.0, (steps - step) / (steps * COOL_DOWN))
    return rise * max(0.02, fall)


def fast_numbers() -> AbstractContextManager[Any]:
    """Computes in bfloat16 where the processor can; elsewhere that takes twenty times as long as float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=WIDE_PROCESSOR)


def fast_order() -> torch.memory_format:
    """The order of numbers in memory that the processor's convolutions like best."""
    return torch.channels_last if WIDE_PROCESSOR else torch.contiguous_format


def learn_tokenizer(captions: Iterable[str], size: int) -> Any:
    """A CLIP tokenizer whose vocabulary is learned from the captions; other words are spelled in pieces.

    Tokens are numbered here, for the learner numbers single letters differently at every run.
    """
    specials = ["<|startoftext|>", "<|endoftext|>"]
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=specials[1]))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=specials,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges = _merges(learner)
    letters = sorted(alphabet)
    tokens = [*specials, *letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=WORDS_MAX)


def _merges(learner: Any) -> Any:
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(merge[0], merge[1]) for merge in merges]
