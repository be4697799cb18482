"""The measuring step: all measures of all runs of one model."""

import importlib
from typing import Annotated

import typer

from latentgrid import catalogue
from latentgrid.evaluation import measures
from latentgrid.evaluation.trained import TrainedRun, load_test_set
from latentgrid.files import write_json
from latentgrid.grid import read_plan
from latentgrid.paths import Layout
from latentgrid.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    entry: Annotated[str, typer.Option(help="entry of params.yaml whose runs are measured")],
    test_images: Annotated[int, typer.Option(help="measure on the first so many test images")],
    reads: Annotated[list[str] | None, typer.Argument(help="other results to read")] = None,
) -> None:
    """Measure the runs of one model that have a result."""
    layout = Layout(dataset)
    test = load_test_set(layout.images).first(test_images)
    functions = [
        importlib.import_module(f"{measures.__name__}.{name}").measure
        for name in catalogue.measures()
    ]
    for planned in read_plan(layout.plan):
        run = TrainedRun(layout.run(planned["name"]), frozenset(reads or []))
        if planned["entry"] == entry and run.ended:
            figures = {"status": run.outcome["status"], "epochs": run.outcome["epochs"]}
            figures["parameters"] = run.config["parameters"]
            for function in functions:
                figures |= function(run, test)
            write_json(run.files.metrics, figures)
            print(f"{planned['name']}: {figures['status']}", flush=True)


if __name__ == "__main__":
    run_step(main)
