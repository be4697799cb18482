"""The step that tries every network of the grid before any run is trained."""

import importlib
from typing import Annotated

import torch
import typer

from latentgrid.data import sources
from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.grid import components
from latentgrid.grid.blame import place_of
from latentgrid.grid.runs import canonical, read_plan, trial_of
from latentgrid.jobs.step import run_step
from latentgrid.training.alike import require_different
from latentgrid.training.trial import shown, try_run


def main(
    dataset: Annotated[str, typer.Option()],
    source: Annotated[str, typer.Option(help="what `dataset:` says, as one line")],
    key: Annotated[str, typer.Option(help="what to write down as tried, once all networks fit")],
) -> None:
    """Try every distinct network of the plan."""
    layout = Layout(dataset)
    size = sources.size(source)
    torch.set_num_threads(1)
    for kind, name in components.of_plugins():
        require_importable(kind, name)
    plan = read_plan(layout.plan)
    tried: set[str] = set()
    for planned in plan:
        trial = canonical(trial_of(planned["settings"]))
        if trial not in tried:
            try_run(planned["name"], planned["settings"], size)
            tried.add(trial)
    require_different(plan, size)
    write_text(layout.tried, key)
    print(f"{len(tried)} networks fit images of {shown(size.shape)}", flush=True)


def require_importable(kind: str, name: str) -> None:
    """Refuse a component that cannot be imported.

    Raises:
        UserError: the text names its file and line.
    """
    file = components.file_of(kind, name)
    try:
        importlib.import_module(components.module_of(kind, name))
    except Exception as error:  # whatever a file of the user's raises is said in one line
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{place_of(file, error)}: cannot be imported: {reason}") from error


if __name__ == "__main__":
    run_step(main)
