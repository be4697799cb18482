"""Estimates what a grid will cost by timing a few steps of each network on this machine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from latentgrid import models
from latentgrid.data import Batch, sources
from latentgrid.data.sources import Size
from latentgrid.grid.datasets import Source
from latentgrid.grid.runs import Run, canonical, trial_of
from latentgrid.jobs.devices import take_device
from latentgrid.nets.layout import move
from latentgrid.randomness import random_generator
from latentgrid.text import duration, size
from latentgrid.training.alike import require_different
from latentgrid.training.determinism import compute_deterministically
from latentgrid.training.steps import Turn, turns_of
from latentgrid.training.trial import build_model, try_run
from latentgrid.training.validation import trained_on

WARM_UP, TIMED = 1, 3
SECONDS_TO_START = 5
PICTURE_BYTES = 100_000
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """The cost of one run.

    Attributes:
        seconds: of training.
        seconds_per_image: of a step of training, for each of its images.
        bytes: of disk.
    """

    seconds: float
    seconds_per_image: float
    bytes: float

    @property
    def time(self) -> str:
        """The time of training, as text."""
        return duration(self.seconds)

    @property
    def disk(self) -> str:
        """The disk space, as text."""
        return size(self.bytes)


@dataclass(frozen=True)
class Costs:
    """What all trainings cost.

    Attributes:
        runs: the cost of each run.
        device: "cpu" or "cuda", where they were timed.
        test: the number of test images.
    """

    runs: list[Cost]
    device: str
    test: int


def estimate(runs: Sequence[Run], source: Source, device: str) -> Costs:
    """Time a few training steps of every distinct network and scale them up to each run.

    Raises:
        UserError: the workflow would refuse a run.
    """
    taken, _slot = take_device(device, jobs_per_gpu=1)
    compute_deterministically(taken)
    data = sources.size(source)
    _try_networks(runs, data)
    measured: dict[str, tuple[float, int]] = {}
    costs = []
    for run in runs:
        network = canonical([part for part in trial_of(run.settings) if part[0] != "epochs"])
        if network not in measured:
            measured[network] = _measure(run, data, taken)
        per_image, weights = measured[network]
        images = trained_on(data.train, run.settings)
        seconds = SECONDS_TO_START + per_image * images * run.epochs
        costs.append(Cost(seconds, per_image, weights + _snapshot_bytes(run, data)))
    return Costs(costs, taken, data.test)


def _try_networks(runs: Sequence[Run], data: Size) -> None:
    """Try each distinct network once, as the workflow's trial step does."""
    for run in {canonical(trial_of(run.settings)): run for run in runs}.values():
        try_run(run.name, run.settings, data)
    plan = ({"name": run.name, "entry": run.entry, "settings": run.settings} for run in runs)
    require_different(plan, data)


def _measure(run: Run, data: Size, device: str) -> tuple[float, int]:
    """Return the seconds of training per image, and the bytes of the weights."""
    settings = run.settings
    model = build_model(run.name, settings, data)
    weights = models.parameter_count(model) * FLOAT_BYTES
    move(model, device)
    pixels = torch.rand(run.batch_size, *data.shape, generator=random_generator(0, "estimate")).to(
        device
    )
    batch = Batch(pixels, torch.zeros(run.batch_size, dtype=torch.int64, device=device))
    noise = random_generator(0, "estimate", device)
    # A player who takes a step on every fifth batch costs a fifth of a step per batch.
    shares = [
        _seconds(turn, batch, noise) / turn.player.every for turn in turns_of(model, settings)
    ]
    return sum(shares) / run.batch_size, weights


def _seconds(turn: Turn, batch: Batch, noise: torch.Generator) -> float:
    """Return the seconds that one step of a player takes."""
    for step in range(WARM_UP + TIMED):
        if step == WARM_UP:
            started = time.perf_counter()
        _, objective = turn.take(batch, noise)
        objective.item()
    return (time.perf_counter() - started) / TIMED


def _snapshot_bytes(run: Run, data: Size) -> int:
    """Return roughly how many bytes a run stores besides its weights."""
    dimensions: int = run.settings["hyperparameters"].get("latent_dim", 0)
    kept = run.settings["snapshots"]
    pixels = data.shape[0] * data.shape[1] * data.shape[2]
    manifold: int = kept["manifold"] ** 2 if dimensions == 2 else 0  # noqa: PLR2004
    each: int = (kept["samples"] + manifold) * pixels + data.test * dimensions * FLOAT_BYTES
    return PICTURE_BYTES + len(kept["epochs"]) * each
