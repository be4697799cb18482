"""The step that flags what is not as it should be: measures, tables and runs."""

from typing import Annotated

import typer

from latentgrid.evaluation import quality
from latentgrid.evaluation.tables import write_table
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.results.tables import read_runs, read_table
from latentgrid.results.trained import TrainedRun


def main(dataset: Annotated[str, typer.Option()]) -> None:
    """Write the table of flags of a data set."""
    layout = Layout(dataset)
    runs = read_runs(layout)
    trained = {name: TrainedRun(layout.run(name)) for name in runs["run"]}
    flags = quality.table(
        controls=read_table(layout.controls),
        runs=runs,
        history=read_table(layout.tables / "history.csv"),
        verdicts=read_table(layout.tables / "verdicts.csv", {"table": str}),
        trained={name: run for name, run in trained.items() if run.ended},
    )
    write_table(layout.quality, flags)
    kinds = ", ".join(f"{n} {kind}" for kind, n in flags["flag"].value_counts().items())
    print(f"quality control: {kinds or 'nothing to flag'}", flush=True)


if __name__ == "__main__":
    run_step(main)
