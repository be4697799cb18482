"""The step that assembles the report: one self-contained page from the tables and figures."""

from typing import Annotated

import typer

from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.report.page import gather_content, templates
from latentgrid.studies import reading


def main(
    dataset: Annotated[str, typer.Option()],
    figures: Annotated[list[str] | None, typer.Argument(help="figures to show")] = None,
    study: Annotated[list[str] | None, typer.Option(help="folders of studies")] = None,
    threads: Annotated[int, typer.Option(help="pictures made at a time")] = 1,
) -> None:
    """Write the report of a data set."""
    layout = Layout(dataset)
    studies = [reading.load(name) for name in study or []]
    template = templates().get_template("report.html.j2")
    write_text(
        layout.report, template.render(gather_content(layout, studies, figures or [], threads))
    )


if __name__ == "__main__":
    run_step(main)
