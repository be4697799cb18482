"""The step that gathers all runs of the plan in tidy tables."""

from typing import Annotated

import pandas as pd
import typer

from latentgrid.evaluation import tables
from latentgrid.evaluation.ablation import ablation_table
from latentgrid.files.atomic import sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.grid.runs import read_plan
from latentgrid.jobs.step import run_step
from latentgrid.results.tables import axes_of

LOSSES = ("min_train_loss", "test_loss", "min_validation_loss")
MEASURES = ("test_squared_error", "silhouette", "sample_score")


def main(dataset: Annotated[str, typer.Option()]) -> None:
    """Write the tables of a data set."""
    layout = Layout(dataset)
    plan = read_plan(layout.plan)
    axes = axes_of(plan)
    runs = tables.runs_table(layout, plan)
    settings = tables.settings_table(runs, axes)
    written = {
        "runs": runs,
        "settings": settings,
        "best": tables.best_table(settings),
        "marginal": tables.marginal_table(runs, axes),
        "ablation": ablation_table(runs),
        "silhouettes": tables.silhouettes_table(layout, runs),
        "history": tables.history_table(layout, runs),
    }
    for name, table in written.items():
        tables.write_table(layout.tables / f"{name}.csv", table)
    write_json(layout.summary, summary(runs, settings))
    outcomes = {planned["name"]: layout.run(planned["name"]).outcome for planned in plan}
    write_json(
        layout.inventory, {name: sha256(path) for name, path in outcomes.items() if path.exists()}
    )


def summary(runs: pd.DataFrame, settings: pd.DataFrame) -> dict[str, object]:
    """Return the numbers that `dvc metrics` shows: for each entry those of its best setting.

    `by` says what makes the setting best. A loss that does not rank runs is left out.
    """
    best: dict[str, dict[str, object]] = {}
    for _, row in tables.best_table(settings).iterrows():
        losses = LOSSES if catalogue.said(str(row["model"]), "loss_ranks") else ()
        measures = {name: float(row[name]) for name in losses + MEASURES if pd.notna(row.get(name))}
        best[str(row["entry"])] = {"by": row["best_by"]} | measures
    return {"runs": runs["status"].value_counts().to_dict(), "best": best}


if __name__ == "__main__":
    run_step(main)
