"""The step that gives verdicts on published numbers and answers to claims."""

from math import prod
from typing import Annotated

import pandas as pd
import typer

from latentgrid.evaluation.tables import write_table
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.results.tables import read_runs
from latentgrid.results.trained import load_test_set
from latentgrid.studies import reading
from latentgrid.verdicts import numbers, regions
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.evidence import gather


def main(
    dataset: Annotated[str, typer.Option()],
    test_images: Annotated[int, typer.Option(help="silhouettes on the first so many test images")],
    named: Annotated[
        list[str] | None, typer.Argument(help="the studies on this data set, by folder")
    ] = None,
) -> None:
    """Write the verdicts of a data set."""
    layout = Layout(dataset)
    studies = [reading.load(name) for name in named or []]
    runs = read_runs(layout)
    data = read_json(layout.description, "training images", "image shape")
    of_data = {"images": data["training images"], "pixels": prod(data["image shape"])}
    evidence = gather(layout, studies, runs, of_data)
    verdicts = numbers.table(studies, evidence)
    finished = evidence.runs[evidence.runs["status"] == "finished"]
    test = load_test_set(layout.images).first(test_images)
    scanned = regions.table(layout, studies, evidence, test)
    written = {
        "verdicts": verdicts,
        "claims": claims_table(studies, finished),
        "rank_agreement": numbers.rank_agreement(verdicts),
        "scanned": scanned,
        "regions": regions.summary(scanned),
    }
    for name, table in written.items():
        write_table(layout.tables / f"{name}.csv", table)
    print(f"published numbers: {_counted(verdicts['verdict'])}", flush=True)
    print(f"comparisons for claims: {_counted(written['claims']['answer'])}", flush=True)


def _counted(words: "pd.Series[str]") -> str:
    """Return how often each word occurs, the most frequent first: "3 reproduced, 2 not run"."""
    return ", ".join(f"{count} {word}" for word, count in words.value_counts().items()) or "none"


if __name__ == "__main__":
    run_step(main)
