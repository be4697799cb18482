"""Images per second in training: this project beside others, on one CPU thread or on a GPU.

Each implementation trains the same network with the same batches in a process of its own. They take
turns, an epoch each per round, so that what else the machine does meets them all alike.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from implementations.task import CLASSES, Task
from latentgrid import models
from latentgrid.data import as_batch
from table import Row, print_rows

OURS, LOW, PYTHAE, CEILING = "ours", "ours_bfloat16", "pythae_trainer", "ceiling"
CONTESTANTS = (OURS, LOW, PYTHAE, "tutorial", CEILING)
# Hyperparameters, and images whose epoch takes a second or two on one core.
MODELS: dict[str, tuple[dict[str, int], int]] = {
    "vae": ({"latent_dim": 20}, 8000),
    "conv_vae": ({"latent_dim": 20}, 2000),
    "mmd_vae": ({"latent_dim": 20}, 2000),
    "conv5_vae": ({"latent_dim": 10}, 400),
}
ON_A_GPU = 60_000
# What ours is to reach, as a multiple of each implementation's speed.
GOALS = {
    "cpu": {PYTHAE: 1.3, "tutorial": 1.5, CEILING: 0.9},
    "cuda": {PYTHAE: 10.0, "tutorial": 10.0, CEILING: 0.9},
}
IN_BFLOAT16 = 2.0  # over pythae's float32
SIDE = 2048  # of the matrices by whose product arithmetic is measured
PRODUCTS = 3


@dataclass(frozen=True)
class Implementation:
    """A process that trains an epoch whenever it is told to."""

    name: str
    pipe: Connection

    def epoch(self) -> float:
        """Return the seconds that an epoch took."""
        self.pipe.send(None)
        seconds: float = self.pipe.recv()
        return seconds


def main(
    only: Annotated[list[str] | None, typer.Option(help="a model; give it several times")] = None,
    rounds: Annotated[int, typer.Option(help="epochs of each, after one to warm up")] = 7,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """Print our speed over that of the others."""
    for model in only or list(MODELS):
        hyperparameters, size = MODELS[model]
        task = Task(model, hyperparameters, size if device == "cpu" else ON_A_GPU, device)
        speeds = measure(task, rounds)
        print_rows(f"{model}, images/s of ours over …", list(_rows(task, speeds)))


def measure(task: Task, rounds: int) -> dict[str, list[float]]:
    """Return images per second of each implementation in each round, and arithmetic's bound."""
    with _started(task) as implementations:
        for implementation in implementations:
            implementation.epoch()
        speeds: dict[str, list[float]] = {one.name: [] for one in implementations}
        speeds["arithmetic"] = []
        for number in range(rounds):
            first = number % len(implementations)  # nobody always comes after the same other one
            for implementation in implementations[first:] + implementations[:first]:
                speeds[implementation.name].append(task.size / implementation.epoch())
            speeds["arithmetic"].append(
                _operations_per_second(task.device) / operations_per_image(task)
            )
    return speeds


def _rows(task: Task, speeds: Mapping[str, list[float]]) -> Iterator[Row]:
    for name in (name for name in speeds if name not in (OURS, LOW)):
        yield Row(name, _ratios(speeds[OURS], speeds[name]), GOALS[task.device].get(name))
    yield Row(f"{PYTHAE}, ours in bfloat16", _ratios(speeds[LOW], speeds[PYTHAE]), IN_BFLOAT16)


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


@contextmanager
def _started(task: Task) -> Iterator[list[Implementation]]:
    """Start a process for each implementation, and end them all."""
    context = multiprocessing.get_context("spawn")
    implementations, processes = [], []
    for name in CONTESTANTS:
        here, there = context.Pipe()
        process = context.Process(target=_train, args=(name, task, there), daemon=True)
        process.start()
        processes.append(process)
        implementations.append(Implementation(name, here))
    try:
        yield implementations
    finally:
        for process in processes:
            process.terminate()


def _train(name: str, task: Task, pipe: Connection) -> None:
    """Train an epoch and send its seconds, whenever something is received."""
    torch.set_num_threads(1)
    # Others draw progress bars.
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        train = import_module(f"implementations.{name}").prepare(task)
        while True:
            pipe.recv()
            started = time.perf_counter()
            train()
            if task.device == "cuda":
                torch.cuda.synchronize()
            pipe.send(time.perf_counter() - started)


def operations_per_image(task: Task) -> float:
    """Return the floating-point operations of a step's matrix products and convolutions."""
    model = models.build(task.settings, task.shape, CLASSES)
    noise = torch.Generator()
    batch = as_batch(task.images[: task.batch_size], task.labels[: task.batch_size])
    with FlopCounterMode(display=False) as counter:
        loss = model.batch_loss(model.losses(batch, noise))
        torch.autograd.grad(loss, list(model.parameters()))
    operations: int = counter.get_total_flops()
    return operations / task.batch_size


def _operations_per_second(device: str) -> float:
    """Return how many a product of large matrices does."""
    torch.set_num_threads(1)
    matrix = torch.ones(SIDE, SIDE, device=device)
    seconds = []
    for _ in range(PRODUCTS):
        started = time.perf_counter()
        matrix @ matrix
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return 2 * SIDE**3 / min(seconds)


if __name__ == "__main__":
    typer.run(main)
