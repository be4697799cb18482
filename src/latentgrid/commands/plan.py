"""Lists the runs of a configuration with what they cost, and what is left to do in all."""

import os
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from latentgrid.commands.after_training import seconds_left
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import Run
from latentgrid.grid.schema import Params
from latentgrid.text import duration, size
from latentgrid.training.estimate import TIMED, Cost, Costs


def show_plan(
    console: Console, params: Params, runs: Sequence[Run], costs: Costs, layout: Layout
) -> None:
    """Print a row for each run, and what all that is left takes.

    Raises:
        UserError: `benchmarks.csv` is damaged.
    """
    is_done = [layout.run(run.name).outcome.exists() for run in runs]
    table = Table("", f"folder in {layout.runs}", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("epochs", "batch", "training", "disk"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run, cost, done in zip(runs, costs.runs, is_done, strict=True):
        figures = (str(run.epochs), str(run.batch_size), cost.time, cost.disk)
        table.add_row("✓" if done else "", run.name, *figures)
    console.print(table)
    many = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    disk = size(sum(cost.bytes for cost in costs.runs))
    console.print(f"{many} on {params.dataset}, {disk} of disk in all.", highlight=False)
    if any(is_done):
        console.print("✓ marks runs that are done, maybe with other epochs.", highlight=False)
    left = [cost for cost, done in zip(costs.runs, is_done, strict=True) if not done]
    after = seconds_left(params, runs, costs.runs, costs.test, layout)
    console.print(_left_to_do(left, costs.device, after), highlight=False)


def _left_to_do(left: Sequence[Cost], device: str, after: float) -> str:
    if not left and not after:
        return "Nothing is left to do, unless settings or code changed: `snakemake -n` looks."
    cores = _cores()
    where = f"on {cores} CPU cores" if cores > 1 else "on one CPU core"
    seconds = [cost.seconds for cost in left]
    # A run takes one core, however many there are.
    at_once = max([sum(seconds) / cores, *seconds])
    training = f"{where} about {duration(at_once)}"
    if device == "cuda":
        training = f"one after another on a GPU about {duration(sum(seconds))}"
    trainings = f"train {training} (by {TIMED} steps of each network, timed just now here); then "
    return (
        f"Left to do: {trainings if left else ''}measure, draw and report {where} roughly "
        f"{_rounded(after / cores)} (by what such jobs took before)."
    )


def _cores() -> int:
    """Return how many cores `snakemake --cores all` takes: those that this process may use."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _rounded(seconds: float) -> str:
    """Return a time in whole hours, quarters of one, minutes or half minutes, as it is a guess."""
    unit = next((unit for unit in (3600, 900, 60) if seconds >= 4 * unit), 30)
    rounded = max(unit, round(seconds / unit) * unit)
    return duration(rounded).removesuffix(" 0 s").removesuffix(" 0 min")
