"""The autoencoder of the default model: a linear encoder that is worked out, and a decoder that is taught.

The encoder keeps the principal components of every 8 by 8 pixels of the training set, so the denoiser need not wait for
an autoencoder to be trained, and what stands on the grid of cells has the same latents wherever it stands. The decoder
knows more than that basis: it sees the neighbours too and learns which edges there are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch.nn.functional import avg_pool2d, pixel_unshuffle

LATENT_CHANNELS = 16
WIDTH = 32
"""Channels inside."""

KEPT = (12, 32, LATENT_CHANNELS)
"""Components kept of every 2 x 2, 4 x 4 and 8 x 8 pixels."""

LOUDEST = 1.0
"""Standard deviation of the first latent; the others fall as the power below of their components' deviations."""
EVENNESS = 0.3


def new_vae() -> Any:
    """Turns 128 x 128 pixels into 16 x 16 x 16 numbers and back, without looking farther than a few cells."""
    return import_module("diffusers").AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=(0, 0, 0, 0),
        num_decoder_blocks=(2, 2, 2, 1),
        latent_channels=LATENT_CHANNELS,
        scaling_factor=1.0,
    )


@torch.no_grad()
def work_out(vae: Any, pictures: torch.Tensor) -> None:
    """Set the encoder from pictures (n, 3, 128, 128), and let the decoder begin with the mean colour of each cell."""
    colours = (pictures.double() + 1) / 2
    _work_out_encoder(vae.encoder.layers, colours)
    _begin_decoder(vae.decoder.layers, vae.encoder(pictures).double(), avg_pool2d(colours, 8))


def _work_out_encoder(layers: Any, colours: torch.Tensor) -> None:
    for layer in layers:
        layer.weight.zero_()
    layers[0].bias.zero_()
    _pass_through(layers[0], torch.eye(3))
    features = colours
    for layer, kept in zip(layers[1:4], KEPT, strict=True):
        patches = pixel_unshuffle(features, 2).movedim(1, -1).flatten(0, -2)
        vectors = torch.linalg.eigh(torch.cov(patches.T)).eigenvectors.flip(1)[:, :kept]
        inputs = features.shape[1]
        layer.weight[:kept, :inputs, 1:, 1:] = vectors.T.reshape(kept, inputs, 2, 2)
        features = (vectors.T @ patches.T).reshape(kept, len(features), *(side // 2 for side in features.shape[2:]))
        features = features.movedim(0, 1)
    mean, deviation = features.mean((0, 2, 3)), features.std((0, 2, 3))
    scale = LOUDEST * (deviation / deviation[0]) ** EVENNESS / deviation
    _pass_through(layers[4], torch.diag(scale))
    layers[4].bias.copy_(-mean * scale)


def _begin_decoder(layers: Any, latents: torch.Tensor, colours: torch.Tensor) -> None:
    """The usual start, but with a straight path for three channels, which carry colour to the end."""
    for part in layers.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            part.weight[:3].zero_()
            _pass_through(part, torch.eye(3))
            if part.bias is not None:
                part.bias.zero_()
    for block in layers:
        if hasattr(block, "conv"):
            block.conv[-1].weight.zero_()
    seen = torch.tanh(latents / 3) * 3
    known = torch.cat([seen, torch.ones_like(seen[:, :1])], dim=1).movedim(1, -1).flatten(0, -2)
    answer = torch.linalg.lstsq(known, colours.movedim(1, -1).flatten(0, -2)).solution
    layers[0].weight[:3].zero_()
    _pass_through(layers[0], answer[:-1].T)
    layers[0].bias[:3] = answer[-1]


def _pass_through(layer: Any, matrix: torch.Tensor) -> None:
    """Let the middle of a 3 x 3 convolution apply a matrix (outputs, inputs) to its first channels."""
    layer.weight[: len(matrix), : matrix.shape[1]].zero_()
    layer.weight[: len(matrix), : matrix.shape[1], 1, 1] = matrix
