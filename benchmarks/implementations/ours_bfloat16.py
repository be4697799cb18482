"""This project's own training with products in bfloat16, which a user has to ask for."""

from collections.abc import Callable

from implementations.ours import trained_with
from implementations.task import Task


def prepare(task: Task) -> Callable[[], object]:
    """Return what trains for one epoch."""
    return trained_with(task, task.settings | {"precision": "bfloat16"})
