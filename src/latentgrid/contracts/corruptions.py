"""The contract of a corruption (`latentgrid.data.corruptions`)."""

import torch

from latentgrid.contracts import require
from latentgrid.contracts.models import SHAPES, noise
from latentgrid.data import corruptions
from latentgrid.randomness import random_generator

FEW = 20


def is_a_function_of_images_and_generator(name: str) -> None:
    """`corrupt` returns new images in [0, 1], the same for the same images and generator."""
    corrupt = corruptions.load(name)
    for shape in SHAPES:
        # In (0.1, 1), so that no pixel is black.
        images = 0.1 + 0.9 * torch.rand(FEW, *shape, generator=random_generator(0, "draws"))
        before = images.clone()
        state = torch.get_rng_state()
        damaged = corrupt(images, noise())
        require(
            torch.equal(torch.get_rng_state(), state),
            "corrupt() draws from PyTorch's global generator and not from its own",
        )
        require(torch.equal(images, before), "corrupt() changes the images it is given")
        require(
            damaged.shape == images.shape and damaged.dtype == images.dtype,
            f"corrupt() makes of {images.dtype} {tuple(images.shape)} {damaged.dtype} "
            f"{tuple(damaged.shape)}",
        )
        low, high = float(damaged.min()), float(damaged.max())
        require(low >= 0 and high <= 1, f"corrupt() gives {low:.3g} to {high:.3g}, not [0, 1]")
        require(not torch.equal(damaged, images), "corrupt() changes nothing")
        require(torch.equal(damaged, corrupt(images, noise())), "corrupt() does not repeat")


CHECKS = (is_a_function_of_images_and_generator,)
