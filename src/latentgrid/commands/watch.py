"""A live view of the grid: epochs done, runs training, time left."""

import time
from collections.abc import Callable

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout, made_data_sets
from latentgrid.files.locks import is_held
from latentgrid.grid.runs import read_plan
from latentgrid.results.progress import progress_of

SECONDS_BETWEEN_LOOKS = 1.0


def meant(chosen: Callable[[], str]) -> Layout:
    """Return the results that a command is about which names none.

    These are the results that a workflow is making now; else those of the configuration's data set;
    else the only ones that exist.

    Args:
        chosen: returns the configuration's data set; called only if it is needed.

    Raises:
        UserError: results of several data sets exist, and it is not clear which are meant.
    """
    present = [layout for name in made_data_sets() if (layout := Layout(name)).plan.exists()]
    made = [layout for layout in present if is_held(layout.lock)]
    if len(made) == 1:
        return made[0]
    of_configuration = Layout(chosen())
    if of_configuration in present or not present:
        return of_configuration
    if len(present) > 1:
        names = " and ".join(layout.dataset for layout in made or present)
        raise UserError(f"there are results of {names}; name one with --dataset")
    return present[0]


def watch(layout: Layout) -> None:
    """Show a bar for all epochs of all planned runs and one for each run in training.

    It ends when every run has ended and no workflow is making these results.

    Raises:
        UserError: no workflow has planned runs of this data set yet.
    """
    if not layout.plan.exists():
        raise UserError(f"{layout.plan}: there is none yet; start snakemake first")
    epochs_of = {run["name"]: run["settings"]["epochs"] for run in read_plan(layout.plan)}
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=10),
        MofNCompleteColumn(),
        TextColumn("epochs,"),
        TimeElapsedColumn(),
        TextColumn("so far,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, speed_estimate_period=600) as progress:
        total = progress.add_task("", total=sum(epochs_of.values()))
        bars = {
            name: progress.add_task(name, total=epochs, visible=False)
            for name, epochs in epochs_of.items()
        }
        while True:
            ended = 0
            for name, planned in epochs_of.items():
                epochs, training = progress_of(layout.run(name), planned)
                progress.update(bars[name], completed=epochs, visible=training)
                ended += not training and epochs == planned
            done = sum(progress.tasks[bar].completed for bar in bars.values())
            text = f"{ended} of {len(bars)} runs done"
            if ended == len(bars) and is_held(layout.lock):
                text = "all runs done, report in the making"
            progress.update(total, completed=done, description=text)
            if ended == len(bars) and not is_held(layout.lock):
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
