"""What each hyperparameter does to the loss, the others averaged over (source 000, figure 7.2)."""

import pandas as pd
from matplotlib.axes import Axes

from latentgrid.evaluation.trained import read_table
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import PALETTE, axis_label, loss_axis, panels, plain

NEEDS = ()


def draw(material: Material) -> Drawing:
    """Draw a panel per model and axis: each run a dot, each value's mean a bar.

    Panels of one model have the same scale.
    """
    varied = [
        (of_entry, axis)
        for _, of_entry in material.runs.groupby("entry", sort=False)
        for axis in material.axes
        if of_entry[axis].nunique() > 1
    ]
    if not varied:
        return nothing("No hyperparameter has more than one value.")
    figure, places = panels(len(varied), aspect=0.62)
    for panel, (runs, axis) in zip(places, varied, strict=True):
        _draw_axis(panel, runs, axis)
        panel.set_title(runs["entry"].iloc[0])
        panel.set_ylabel(material.loss_label(runs))
    effects = read_table(material.layout.tables / "marginal.csv")
    shown = effects[effects["entry"].isin(material.runs["entry"])]
    return Drawing(figure, largest_effects(shown))


def _draw_axis(panel: Axes, runs: pd.DataFrame, axis: str) -> None:
    values = sorted(runs[axis].dropna().unique())
    for place, value in enumerate(values):
        losses = runs.loc[runs[axis] == value, "min_train_loss"]
        offsets = [place + 0.5 * (i + 0.5) / len(losses) - 0.25 for i in range(len(losses))]
        panel.plot(offsets, losses, "o", color=PALETTE[0], markersize=3, alpha=0.7)
        panel.hlines(losses.mean(), place - 0.35, place + 0.35, color=PALETTE[2], lw=2)
    panel.set_xticks(range(len(values)), [plain(value).replace("_", "\n") for value in values])
    panel.set_xlim(-0.5, len(values) - 0.5)
    panel.set_xlabel(axis_label(axis))
    loss_axis(panel, runs["min_train_loss"])


def largest_effects(marginal: pd.DataFrame) -> list[str]:
    """Say which hyperparameter moves the mean loss most, and by what factor."""
    sentences = []
    for entry, of_entry in marginal.groupby("entry", sort=False):
        if of_entry["min_train_loss"].min() <= 0:
            continue  # a ratio of losses that can be negative says nothing
        losses = of_entry.groupby("axis", sort=False)["min_train_loss"]
        factors = (losses.max() / losses.min()).sort_values(ascending=False)
        parts = [
            f"the {axis_label(str(axis))} by a factor of {f:.2f}" for axis, f in factors.items()
        ]
        sentences.append(
            f"From best to worst value, the mean loss of {entry} changes with {', '.join(parts)}."
        )
    return sentences
