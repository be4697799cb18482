"""The step that tries every network of the grid, before any is trained."""

from typing import Annotated

import torch
import typer

from latentgrid.data import sources
from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import canonical, read_plan, trial_of
from latentgrid.jobs.step import run_step
from latentgrid.training.trial import examine, shown


def main(
    dataset: Annotated[str, typer.Option()],
    key: Annotated[str, typer.Option(help="what to write down as tried, once all networks fit")],
) -> None:
    """Try every distinct network of the plan."""
    layout = Layout(dataset)
    size = sources.size(dataset)
    torch.set_num_threads(1)
    tried: set[str] = set()
    for planned in read_plan(layout.plan):
        trial = canonical(trial_of(planned["settings"]))
        if trial not in tried:
            examine(planned["name"], planned["settings"], size)
            tried.add(trial)
    write_text(layout.tried, key)
    print(f"{len(tried)} networks fit images of {shown(size.shape)}", flush=True)


if __name__ == "__main__":
    run_step(main)
