"""What all implementations are given."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

SIDE = 28
CLASSES = 10


@dataclass(frozen=True)
class Task:
    """A model to be trained for an epoch.

    Attributes:
        model, hyperparameters: as `params.yaml` names them.
        size: images in an epoch, as large as those of MNIST.
        device: "cpu", on one thread, or "cuda".
    """

    model: str
    hyperparameters: dict[str, Any]
    size: int
    device: str
    batch_size: int = 100
    learning_rate: float = 0.001

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return 1, SIDE, SIDE

    @cached_property
    def images(self) -> Tensor:
        """Random pixels, uint8 (size, 1, 28, 28); what they are does not change a step's time."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.size, *self.shape)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    @cached_property
    def labels(self) -> Tensor:
        """Classes, uint8 (size,)."""
        return (torch.arange(self.size) % CLASSES).to(torch.uint8)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a run of this project."""
        return {
            "model": self.model,
            "hyperparameters": self.hyperparameters,
            "optimizer": "adam",
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
            "precision": "float32",
            "epochs": 1,
            "seed": 0,
        }
