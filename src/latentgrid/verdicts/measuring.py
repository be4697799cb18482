"""Finds runs that were measured alike, as only these can be compared.

What a history says depends on the training alone. Other measures depend on how many test images the
evaluation looked at, on its judge, or on how many samples a training kept and after which epochs.
Runs of one grid have these in common; a record may have been made with others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from latentgrid.evaluation.measures import OF_THE_RUN, losses
from latentgrid.files.atomic import read_json
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue, components
from latentgrid.grid.runs import canonical
from latentgrid.stamps.made import read_stamp
from latentgrid.studies.records import RecordedRun

# Columns of the table of runs; a cell is missing where nothing says it.
EVERY = ("number of test images", "choice of judge", "choice of snapshots")
TEST_IMAGES, JUDGE, SNAPSHOTS = EVERY
# What the measures of a file of ours depend on. Those of other files: the test images.
NEEDS = {
    "likelihood": ("likelihood_images", "likelihood_draws"),
    "recognisability": EVERY,
    "sharpness": (TEST_IMAGES, SNAPSHOTS),
    "steadiness": (SNAPSHOTS,),
}


def of_record(run: RecordedRun) -> dict[str, str | None]:
    """Return by what a record was measured, by column."""
    return _told(run.evaluation or {}, run.settings.snapshots)


def of_run(files: RunFiles) -> dict[str, str | None]:
    """Return by what a run was measured, by column, from its stamp and its configuration."""
    if not files.config.is_file():
        return dict.fromkeys(EVERY)
    settings = read_json(files.config, "settings")["settings"]
    return _told(read_stamp(files.metrics).get("settings", {}), settings["snapshots"])


def _told(evaluation: Mapping[str, Any], snapshots: Mapping[str, Any]) -> dict[str, str | None]:
    given = (evaluation.get("test_images"), evaluation.get("judge"), snapshots)
    return {
        name: None if value is None else canonical(value)
        for name, value in zip(EVERY, given, strict=True)
    }


def measured_alike(
    first: pd.DataFrame, second: pd.DataFrame, measure: str
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the runs of two sides that were measured alike, and how many are left out and why.

    Runs of which nothing says how they were measured are left out. Of several ways the one with the
    most seeds on both sides counts, then the one with the most runs. A table of runs without the
    columns of `EVERY` is one of runs that were measured alike.

    Args:
        first, second: the runs of both sides, all of which have the measure.
        measure: what is compared.
    """
    names = [name for name in needed(measure) if name in first and name in second]
    if not names:
        return first, second, ""
    sides = [first.dropna(subset=names), second.dropna(subset=names)]
    ways = pd.concat([side[names] for side in sides]).drop_duplicates()
    had = [[side[(side[names] == way).all(axis=1)] for side in sides] for _, way in ways.iterrows()]
    one, other = max(had, key=_rank, default=sides)
    return one, other, _left_out(pd.concat([first, second]), pd.concat([one, other]), names)


def needed(measure: str) -> tuple[str, ...]:
    """Return the columns in which runs must agree that are compared by a measure.

    A measure of a plugin or of a claim's own may depend on all.
    """
    if measure in {*losses.MEASURES, *catalogue.history_columns(), *OF_THE_RUN}:
        return ()
    foreign = {name for kind, name in components.of_plugins() if kind == "measures"}
    for name in {*catalogue.measures()} - foreign:
        if measure in (catalogue.names_of_values(name) or ()):
            return NEEDS.get(name, (TEST_IMAGES,))
    return EVERY


def _rank(sides: Sequence[pd.DataFrame]) -> tuple[int, int]:
    first, second = ({*side["seed"]} for side in sides)
    return len(first & second), sum(map(len, sides))


def _left_out(before: pd.DataFrame, after: pd.DataFrame, names: Sequence[str]) -> str:
    """Say how many runs are left out, and how they were measured otherwise."""
    n = before["run"].nunique() - after["run"].nunique()
    told = before[names]
    why = [name for name in told if told[name].isna().any() or told[name].nunique() > 1]
    said = " and ".join(name.replace("_", " ") for name in why)
    runs = f"{n} run{'s' if n > 1 else ''}"
    return f"left out, as their {said} is another or not known: {runs}" if n else ""
