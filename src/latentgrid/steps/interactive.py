"""The step that makes the interactive plots of the report, whose points show their images."""

from dataclasses import asdict
from typing import Annotated

import typer

from latentgrid.figures.results import Results
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.report.interactive import plot_latent


def main(
    dataset: Annotated[str, typer.Option()],
    entries: Annotated[list[str], typer.Argument(help="entries that the figure `latent` shows")],
) -> None:
    """Write the plots of some entries for the report."""
    layout = Layout(dataset)
    write_json(layout.interactive, asdict(plot_latent(Results(layout, tuple(entries)))))


if __name__ == "__main__":
    run_step(main)
