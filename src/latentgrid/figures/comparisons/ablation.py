"""What the building blocks of a network do to the error (source 001)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import panels
from latentgrid.results.labels import plain

TITLE = "Building blocks"
SECTION = "How they train"
PLACE = 4
CAPTION = (
    "The squared error per test image of one network with its building blocks exchanged: a row "
    "for each normalisation, a column for each way to upsample, a table for each activation if "
    "there are several, all else equal or averaged over. Dark cells have larger errors, on a "
    "logarithmic scale. Look for whole rows or columns that stand out rather than for single "
    "cells: with one seed, small differences say little."
)
CLAIM = (
    "Source 001 describes such building blocks one after the other. Batch normalisation, it "
    "says, regularises and makes training converge better, but needs batches of more than about "
    "32, does not suit recurrent networks, and leaves open how to predict; weight and layer "
    "normalisation are its answers. It measures none of them."
)
CLAIM_ON = ("conv_ae",)
NEEDS = ("reconstruct",)
BLOCKS = ("normalisation", "upsampling")
MEASURE = "test_squared_error"
Table = tuple[str, pd.DataFrame]


def draw(results: Results) -> Drawing:
    """Draw the test squared error by normalisation and upsampling, a panel for each activation.

    The errors are means over all other hyperparameters and seeds. The panels of an entry have the
    same scale.
    """
    tables = {
        str(entry): _tables(str(entry), runs)
        for entry, runs in results.runs.groupby("entry", sort=False)
        if _is_ablation(runs)
    }
    if not tables:
        return nothing("No entry varies normalisation or upsampling.")
    shown = [(name, table, entry) for entry, of in tables.items() for name, table in of]
    figure, places = panels(len(shown), aspect=0.75 if len(shown) > 1 else 0.4)
    for panel, (name, table, entry) in zip(places, shown, strict=True):
        values = np.concatenate([other.to_numpy().ravel() for _, other in tables[entry]])
        image = _draw_table(panel, table, np.nanmin(values), np.nanmax(values))
        panel.set_title(name)
        if name == tables[entry][-1][0]:
            bar = figure.colorbar(image, ax=panel, aspect=20, fraction=0.05)
            bar.set_label("squared error per test image")
            bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
            bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
    seen = [_extremes(entry, results.runs[results.runs["entry"] == entry]) for entry in tables]
    return Drawing(figure, seen)


def _is_ablation(runs: pd.DataFrame) -> bool:
    varied = [axis for axis in BLOCKS if axis in runs and runs[axis].nunique() > 1]
    return bool(varied) and MEASURE in runs and runs[MEASURE].notna().any()


def _tables(entry: str, runs: pd.DataFrame) -> list[Table]:
    """Return mean errors, one table for each activation if there is more than one."""
    filled = runs.assign(**{axis: _values(runs, axis) for axis in BLOCKS})
    if "activation" not in runs or runs["activation"].nunique() <= 1:
        return [(entry, _table(filled))]
    groups = filled.groupby("activation", sort=False)
    return [(f"{entry}: {activation}", _table(group)) for activation, group in groups]


def _values(runs: pd.DataFrame, axis: str) -> pd.Series:
    return runs[axis] if axis in runs and runs[axis].notna().all() else pd.Series("", runs.index)


def _table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean errors, a row for each normalisation and a column for each upsampling."""
    means = runs.groupby(list(BLOCKS), sort=False)[MEASURE].mean().unstack()
    ordered = [runs[axis].unique() for axis in BLOCKS]
    return means.reindex(index=ordered[0], columns=ordered[1])


def _draw_table(panel: Axes, table: pd.DataFrame, low: float, high: float) -> AxesImage:
    image = panel.imshow(table, cmap="cividis_r", norm=LogNorm(low, high), aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if not np.isnan(value):
            colour = "white" if value > (low * high) ** 0.5 else "black"
            panel.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    panel.set_xticks(range(table.shape[1]), [plain(value) for value in table.columns])
    panel.set_yticks(range(table.shape[0]), [plain(value) for value in table.index])
    panel.set(xlabel="upsampling", ylabel="normalisation")
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    return image


def _extremes(entry: str, runs: pd.DataFrame) -> str:
    """Say which combinations have the smallest and largest error, and each block's mean."""
    axes = [axis for axis in (*BLOCKS, "activation") if axis in runs and runs[axis].nunique() > 1]
    means = runs.groupby(axes)[MEASURE].mean().sort_values()
    ends = [(_words(means.index[place]), means.iloc[place]) for place in (0, -1)]
    effects = [
        f"by {axis} "
        + ", ".join(
            f"{value} {mean:.2f}"
            for value, mean in runs.groupby(axis)[MEASURE].mean().sort_values().items()
        )
        for axis in axes
    ]
    seeds = runs["seed"].nunique()
    return (
        f"{entry}, {seeds} seed{'s' if seeds > 1 else ''}: the smallest squared error per test "
        f"image is that of {ends[0][0]} ({ends[0][1]:.2f}), the largest that of {ends[1][0]} "
        f"({ends[1][1]:.2f}); means {'; '.join(effects)}."
    )


def _words(combination: object) -> str:
    return ", ".join(map(str, combination if isinstance(combination, tuple) else [combination]))
