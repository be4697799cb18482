"""The step that projects codes with more than two dimensions to the plane."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from latentgrid.evaluation import planes
from latentgrid.evaluation.tables import best_runs
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import read_plan
from latentgrid.jobs.step import run_step
from latentgrid.results.tables import axes_of, read_runs
from latentgrid.results.trained import Array, TrainedRun


def main(
    dataset: Annotated[str, typer.Option()],
    entries: Annotated[list[str], typer.Argument(help="entries to embed")],
) -> None:
    """Write the t-SNE of the first test codes of runs, (n, 2), float32, by the names of the runs.

    The runs are each entry's best one with more than two dimensions.
    """
    layout = Layout(dataset)
    found = {}
    for run, codes in _codes(layout, entries):
        found[run] = planes.tsne(codes[: planes.IMAGES])
        print(run, flush=True)
    planes.write(layout, "embedded_codes", found)


def _codes(layout: Layout, entries: Sequence[str]) -> Iterator[tuple[str, Array]]:
    runs = read_runs(layout)
    runs = runs[(runs["status"] == "finished") & runs["entry"].isin(entries)]
    if "latent_dim" in runs:
        runs = runs[~(runs["latent_dim"] <= planes.PLANE)]
    for best in best_runs(runs, axes_of(read_plan(layout.plan))):
        run = str(best.row["run"])
        codes = TrainedRun(layout.run(run)).last("codes")
        if codes is not None and codes.shape[1] > planes.PLANE:
            yield run, codes


if __name__ == "__main__":
    run_step(main)
