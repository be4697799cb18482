"""Draws the losses of an entry's runs over the epochs, for the page of its model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from latentgrid.figures.palette import PALETTE
from latentgrid.figures.style import SteadyLayoutEngine, loss_axis
from latentgrid.results.labels import setting_label

# One panel is a picture of its own, as wide as a phone: a page puts several side by side.
SIZE = (3.6, 2.7)
LINE_OF_LEGEND = 0.16  # inches
MAX_SETTINGS = 6  # in one panel, each in a colour
LOSSES: dict[str, Any] = {"train_loss": "-", "test_loss": (0, (2, 1.2))}
VALIDATION: dict[str, Any] = {"validation_loss": (0, (4, 1, 1, 1))}  # of images held out
NAMES = {
    "train_loss": "training images",
    "test_loss": "test images",
    "validation_loss": "validation images",
}


@dataclass(frozen=True)
class Panel:
    """The curves of some settings.

    Attributes:
        title: the entry, and the values that its settings share and others of the entry do not.
        figure: the drawing.
    """

    title: str
    figure: Figure


def draw_curves(
    runs: pd.DataFrame, histories: pd.DataFrame, axes: Sequence[str], unit: str
) -> Iterator[Panel]:
    """Draw the losses of each run of an entry, a colour for each setting and a dash for each part.

    There is a panel for each value of an axis if one panel would have too many settings.

    Args:
        runs: the rows of `runs.csv` of one entry; those that diverged are drawn as far as they
            came, and do not set the scale.
        histories: the rows of `history.csv`.
        axes: the axes of the grid.
        unit: what the loss is, in a few words.
    """
    of_runs = histories[histories["run"].isin(runs["run"])] if len(histories) else histories
    if of_runs.empty or of_runs["epoch"].max() == 1:
        return
    there = runs[runs["run"].isin(of_runs["run"])]
    varied = [axis for axis in axes if there[axis].nunique(dropna=False) > 1]
    for shown, shared in _split(there, varied, []):
        title = ", ".join(filter(None, (str(shown.iloc[0]["entry"]), _label(shown, shared))))
        inner = [axis for axis in varied if axis not in shared]
        yield Panel(title, _panel(shown, of_runs, inner, title, unit))


def _split(
    runs: pd.DataFrame, varied: Sequence[str], shared: list[str]
) -> Iterator[tuple[pd.DataFrame, list[str]]]:
    """Yield groups of runs with few enough settings, and the axes whose value each group shares."""
    if not varied or len(runs[[*varied]].drop_duplicates()) <= MAX_SETTINGS:
        yield runs, shared
        return
    first, *others = varied
    for _, alike in runs.groupby(first, sort=False, dropna=False):
        yield from _split(alike, others, [*shared, first])


def _label(runs: pd.DataFrame, axes: Sequence[str]) -> str:
    return setting_label(runs.iloc[0], axes)


def _panel(
    runs: pd.DataFrame, histories: pd.DataFrame, varied: Sequence[str], title: str, unit: str
) -> Figure:
    settings = [group for _, group in _settings(runs, varied)]
    names = [_label(group, varied) for group in settings] if varied else []
    losses = _drawn(histories[histories["run"].isin(runs["run"])])
    columns = 2 if max(map(len, names), default=0) < 28 else 1  # noqa: PLR2004
    lines = -(-len(names) // columns) + len(losses) - 1
    figure = Figure(figsize=(SIZE[0], SIZE[1] + LINE_OF_LEGEND * lines))
    axes = figure.subplots()
    for group, colour in zip(settings, PALETTE, strict=False):
        for run in group["run"]:
            history = histories[histories["run"] == run]
            for loss, style in losses.items():
                axes.plot(
                    history["epoch"], history[loss], color=colour, linestyle=style, linewidth=1
                )
    loss_axis(axes, _scale(runs, histories[[*losses, "run"]]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set(xlabel="epoch", ylabel=unit, title=title)
    key = [Line2D([], [], color="black", linestyle=style) for style in losses.values()]
    key += [Line2D([], [], color=colour) for colour in PALETTE[: len(names)]]
    labels = [*(NAMES[loss] for loss in losses), *names]
    figure.legend(key, labels, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def _drawn(histories: pd.DataFrame) -> dict[str, Any]:
    """Return the losses to draw with their dashes: that of validation if some run has one."""
    validated = "validation_loss" in histories and histories["validation_loss"].notna().any()
    return LOSSES | VALIDATION if validated else LOSSES


def _settings(runs: pd.DataFrame, varied: Sequence[str]) -> Iterator[tuple[object, pd.DataFrame]]:
    yield from runs.groupby([*varied], sort=False, dropna=False) if varied else [((), runs)]


def _scale(runs: pd.DataFrame, histories: pd.DataFrame) -> pd.Series:
    """Return the finite losses of the runs that finished, or of all if none did."""
    finished = runs[runs["status"] == "finished"]
    shown = histories[histories["run"].isin((runs if finished.empty else finished)["run"])]
    losses = shown.drop(columns="run").stack()
    return losses[np.isfinite(losses)]


def as_svg(figure: Figure) -> bytes:
    """Return a figure as SVG, its letters drawn as paths, without the date and version."""
    drawn = BytesIO()
    figure.set_layout_engine(SteadyLayoutEngine())
    figure.savefig(drawn, format="svg", metadata={"Creator": None, "Date": None})
    return drawn.getvalue()
