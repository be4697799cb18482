"""The step that writes the page about a model, and the configuration that trains it again."""

from typing import Annotated

import typer

from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.grid.datasets import of_text
from latentgrid.grid.excerpt import as_yaml, configuration_of
from latentgrid.grid.runs import read_plan
from latentgrid.jobs.step import run_step
from latentgrid.report.model_page import gather_model
from latentgrid.report.page import templates
from latentgrid.studies import reading


def main(
    dataset: Annotated[str, typer.Option()],
    source: Annotated[str, typer.Option(help="what `dataset:` says, as one line")],
    model: Annotated[str, typer.Option()],
    study: Annotated[list[str] | None, typer.Option(help="folders of studies")] = None,
    plugin: Annotated[list[str] | None, typer.Option(help="what `plugins:` names")] = None,
) -> None:
    """Write the page of a model and the configuration of its runs."""
    layout = Layout(dataset)
    planned = [run for run in read_plan(layout.plan) if run["settings"]["model"] == model]
    configuration = as_yaml(configuration_of(of_text(source).given, planned, plugin or []))
    studies = [reading.load(name) for name in study or []]
    content = gather_model(layout, model, studies, configuration)
    write_text(layout.model_configuration(model), configuration)
    write_text(layout.model_page(model), templates().get_template("model.html.j2").render(content))


if __name__ == "__main__":
    run_step(main)
