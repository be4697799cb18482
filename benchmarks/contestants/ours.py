"""This project's own training, as a job of the workflow does it."""

import os
from collections.abc import Callable

import torch

from contestants.task import Task
from latentgrid.data import Images
from latentgrid.memory import keep_freed_memory
from latentgrid.training.loop import Training
from latentgrid.training.run import new_model


def prepare(task: Task) -> Callable[[], object]:
    """Return what trains for one epoch, without test pass, snapshots and checkpoints."""
    keep_freed_memory()
    torch.set_flush_denormal(True)
    if task.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    images, labels = task.images.to(task.device), task.labels.to(task.device)
    data = Images(images, labels, images[:1], labels[:1])
    training = Training(new_model(task.settings, data.shape, task.device), data, task.settings)
    return training.train_epoch
