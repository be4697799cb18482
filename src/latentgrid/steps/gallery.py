"""The step that writes a page of the documentation with all figures."""

from pathlib import Path
from typing import Annotated

import typer

from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.report.markdown import markdown_templates, write_pictures
from latentgrid.results.tables import read_runs
from latentgrid.studies import reading


def main(
    dataset: Annotated[str, typer.Option()],
    configuration: Annotated[str, typer.Option(help="file that the page names as its origin")],
    folder: Annotated[Path, typer.Option(help="where page and pictures go")],
    figures: Annotated[list[str], typer.Argument(help="figures to show")],
    study: Annotated[list[str] | None, typer.Option(help="folders of studies")] = None,
) -> None:
    """Write a page with pictures small enough to be kept in git."""
    layout = Layout(dataset)
    template = markdown_templates().get_template("gallery.md.j2")
    page = template.render(
        sections=write_pictures(layout, figures, folder, list(map(reading.load, study or []))),
        dataset=dataset,
        configuration=configuration,
        runs=read_runs(layout),
    )
    write_text(folder / "README.md", page)


if __name__ == "__main__":
    run_step(main)
