"""The measuring step: all measures of some runs."""

import importlib
from typing import Annotated

import typer

from latentgrid.evaluation import measures
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import TrainedRun, load_test_set


def main(
    dataset: Annotated[str, typer.Option()],
    test_images: Annotated[int, typer.Option(help="measure on the first so many test images")],
    names: Annotated[list[str], typer.Argument(help="the runs")],
    read: Annotated[list[str] | None, typer.Option(help="other results to read")] = None,
) -> None:
    """Measure runs that have a result."""
    layout = Layout(dataset)
    test = load_test_set(layout.images).first(test_images)
    functions = [
        importlib.import_module(f"{measures.__name__}.{name}").measure
        for name in catalogue.measures()
    ]
    for name in names:
        run = TrainedRun(layout.run(name), frozenset(read or []))
        figures = {"status": run.outcome["status"], "epochs": run.outcome["epochs"]}
        figures["parameters"] = run.config["parameters"]
        for function in functions:
            figures |= function(run, test)
        write_json(run.files.metrics, figures)
        print(f"{name}: {figures['status']}", flush=True)


if __name__ == "__main__":
    run_step(main)
