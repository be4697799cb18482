"""Gaussian noise."""

import torch
from torch import Tensor

NOISE_SIGMA = 0.5


def corrupt(images: Tensor, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of σ = 0.5 and cut to [0, 1].

    Source 004 gives no σ; 0.5 is that of the denoising example in Keras's blog (Chollet 2016,
    "Building autoencoders in Keras").
    """
    drawn = torch.empty_like(images).normal_(0, NOISE_SIGMA, generator=generator)
    return (images + drawn).clamp(0, 1)
