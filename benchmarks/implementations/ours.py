"""This project's own training, as a job of the workflow does it."""

import os
from collections.abc import Callable
from typing import Any

import torch

from implementations.task import Task
from latentgrid.data import Images
from latentgrid.jobs.memory import keep_freed_memory
from latentgrid.training.capture import captured, eager
from latentgrid.training.loop import Training
from latentgrid.training.run import new_model


def prepare(task: Task) -> Callable[[], object]:
    """Return what trains for one epoch, without test pass, snapshots and checkpoints."""
    return trained_with(task, task.settings)


def trained_with(task: Task, settings: dict[str, Any]) -> Callable[[], object]:
    """Return the same for other settings than the task's."""
    keep_freed_memory()
    torch.set_flush_denormal(True)
    if task.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.allow_tf32 = False
    images, labels = task.images.to(task.device), task.labels.to(task.device)
    data = Images(images, labels, images[:1], labels[:1])
    model = new_model(settings, data, task.device)
    mode = captured if task.device == "cuda" else eager
    return Training(model, data, settings, mode).train_epoch
