"""The part of the training images that is held out, to choose settings and epochs by its loss."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from latentgrid.data import Images
from latentgrid.randomness import random_generator


def held_out(images: int, share: float) -> int:
    """Return how many of the training images are held out: the share, rounded, and 1 at least."""
    return max(1, round(share * images)) if share else 0


def trained_on(images: int, settings: Mapping[str, Any]) -> int:
    """Return how many of the training images a run with these settings is trained on."""
    return images - held_out(images, settings.get("validation", 0.0))


def split(data: Images, share: float) -> tuple[Images, dict[str, tuple[Tensor, Tensor]]]:
    """Hold out a share of the training images, from 0 to below 1.

    Which ones is drawn once for all runs on the data, so that losses on them compare.

    Returns:
        The data with what is left of the training images, and images and labels of the held out
        ones as "validation"; for a share of 0 the data as they are, and nothing.
    """
    if not share:
        return data, {}
    count = len(data.train_images)
    drawn = torch.randperm(count, generator=random_generator(0, "validation"))
    cut = held_out(count, share)
    chosen, left = (
        part.sort().values.to(data.train_images.device) for part in (drawn[:cut], drawn[cut:])
    )
    rest = replace(data, train_images=data.train_images[left], train_labels=data.train_labels[left])
    return rest, {"validation": (data.train_images[chosen], data.train_labels[chosen])}
