"""The least that a step can be: forward and backward on one batch, and the optimizer's step.

No batch is assembled, nothing is drawn, no loss is kept: the sum of the squared outputs stands for
it. A plain sum has a gradient that repeats one number, which slows convolutions by a tenth.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from implementations.task import CLASSES, Task
from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.jobs.memory import keep_freed_memory
from latentgrid.training.optimizers.adam import Adam

TRIES = 3


def prepare(task: Task) -> Callable[[], object]:
    """Return what takes the steps of one epoch in the memory layout that is faster here."""
    keep_freed_memory()
    torch.set_flush_denormal(True)
    layouts = (torch.contiguous_format, torch.channels_last)
    return min((_steps(task, layout) for layout in layouts), key=_seconds)


def _steps(task: Task, layout: torch.memory_format) -> Callable[[], object]:
    model: Any = models.build(task.settings, task.shape, CLASSES)
    model.to(device=task.device, memory_format=layout)
    batch = to_unit_interval(task.images[: task.batch_size]).to(task.device, memory_format=layout)
    optimizer = Adam([model.parameters()], task.learning_rate)

    def train() -> None:
        for _ in range(task.size // task.batch_size):
            optimizer.minimise(model.decoder(_codes(model, batch, task)).square().sum())

    return train


def _codes(model: Any, batch: Tensor, task: Task) -> Tensor:
    """Return as many of the encoder's outputs as there are latent dimensions."""
    codes: Tensor = model.encoder(batch)[:, : task.hyperparameters["latent_dim"]]
    return codes


def _seconds(train: Callable[[], object]) -> float:
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        train()
        times.append(time.perf_counter() - started)
    return min(times)
