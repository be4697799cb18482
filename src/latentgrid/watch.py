"""A live view of the grid: epochs done, runs training, time left."""

import time
from collections.abc import Sequence

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from latentgrid.grid import Run
from latentgrid.locks import is_held
from latentgrid.paths import Layout, RunFiles

SECONDS_BETWEEN_LOOKS = 1.0


def watch(runs: Sequence[Run], layout: Layout) -> None:
    """Draw a bar for all epochs of all runs and one for each run in training."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs,"),
        TimeElapsedColumn(),
        TextColumn("so far,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, speed_estimate_period=600) as progress:
        total = progress.add_task("", total=sum(run.epochs for run in runs))
        bars = {
            run.name: progress.add_task(run.name, total=run.epochs, visible=False) for run in runs
        }
        while True:
            ended = 0
            for run in runs:
                epochs, training = progress_of(layout.run(run.name), run.epochs)
                progress.update(bars[run.name], completed=epochs, visible=training)
                ended += not training and epochs == run.epochs
            done = sum(progress.tasks[bar].completed for bar in bars.values())
            text = f"{ended} of {len(runs)} runs done"
            progress.update(total, completed=done, description=text)
            if ended == len(runs):
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)


def progress_of(files: RunFiles, epochs: int) -> tuple[int, bool]:
    """Return how many epochs of a run are done, and whether it is in training now.

    A diverged run counts as done: it will train no further.
    """
    if files.outcome.exists():
        return epochs, False
    try:
        rows = files.live_history.read_text(encoding="utf-8").count("\n") - 1
    except FileNotFoundError:
        return 0, False
    return rows, is_held(files.lock)
