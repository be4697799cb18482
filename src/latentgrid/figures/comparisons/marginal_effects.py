"""What each hyperparameter does to the loss, the others averaged over (source 000, figure 7.2).

Where losses may not be compared, the measure that the model names stands in their place.
"""

import pandas as pd
from matplotlib.axes import Axes

from latentgrid.evaluation.ranking import LOSS, VALIDATION_LOSS, measure_along
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, loss_axis, name_ticks, panels
from latentgrid.results.labels import axis_label, plain
from latentgrid.results.tables import read_table

TITLE = "Marginal effects"
SECTION = "How they train"
PLACE = 3
CAPTION = (
    "What each hyperparameter does to the loss. A dot is a run (its smallest epoch's training "
    "loss per image, or validation loss where images were held out), a bar the mean of all runs "
    "with that value, whatever their other settings. Where losses may not be compared, as those "
    "of GANs or with another weight in them, the measure by which the model is ranked stands "
    "instead. Look for bars that differ by more than the dots around them scatter."
)
CLAIM = (
    "Source 000 (figure 7.2) shows such a view for its three hyperparameters, and finds the "
    "latent dimension of 50 much worse than 20 on a scale that holds a constant which grows "
    "with it."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ()
LOSSES = {LOSS: "loss", VALIDATION_LOSS: "validation loss"}  # how sentences call them


def draw(results: Results) -> Drawing:
    """Draw a panel per model and axis: each run a dot, each value's mean a bar.

    Panels of one model and measure have the same scale.
    """
    varied = [
        (of_entry, axis, measure_along(of_entry, axis))
        for _, of_entry in results.runs.groupby("entry", sort=False)
        for axis in results.axes
        if of_entry[axis].nunique() > 1
    ]
    compared = [(runs, axis, measure) for runs, axis, measure in varied if measure]
    if not varied:
        return nothing("No hyperparameter has more than one value.")
    if not compared:
        return nothing("No hyperparameter has values that a loss or another measure compares.")
    figure, places = panels(len(compared), aspect=0.62)
    for panel, (runs, axis, measure) in zip(places, compared, strict=True):
        _draw_axis(panel, runs, axis, measure)
        panel.set_title(runs["entry"].iloc[0])
        panel.set_ylabel(_measure_label(results, runs, measure))
    label_outer(places)
    effects = read_table(results.layout.tables / "marginal.csv")
    shown = effects[effects["entry"].isin(results.runs["entry"])]
    return Drawing(figure, largest_effects(shown) + _left_out(varied))


def _left_out(varied: list[tuple[pd.DataFrame, str, str]]) -> list[str]:
    """Name the entries and axes that are left out because no measure compares them."""
    left = [f"{axis_label(axis)} of {of['entry'].iloc[0]}" for of, axis, by in varied if not by]
    return [f"Not shown, as no measure compares their values: {', '.join(left)}."] if left else []


def _measure_label(results: Results, runs: pd.DataFrame, measure: str) -> str:
    if measure not in LOSSES:
        return axis_label(measure)
    held_out = "\n(validation)" if measure == VALIDATION_LOSS else ""
    return results.loss_label(runs) + held_out


def _draw_axis(panel: Axes, runs: pd.DataFrame, axis: str, measure: str) -> None:
    values = sorted(runs[axis].dropna().unique())
    for place, value in enumerate(values):
        losses = runs.loc[runs[axis] == value, measure]
        offsets = [place + 0.5 * (i + 0.5) / len(losses) - 0.25 for i in range(len(losses))]
        panel.plot(offsets, losses, "o", color=PALETTE[0], markersize=3, alpha=0.7)
        panel.hlines(losses.mean(), place - 0.35, place + 0.35, color=PALETTE[2], lw=2)
    name_ticks(panel, [plain(value) for value in values])
    panel.set_xlim(-0.5, len(values) - 0.5)
    panel.set_xlabel(axis_label(axis))
    loss_axis(panel, runs[measure])


def largest_effects(marginal: pd.DataFrame) -> list[str]:
    """Say which hyperparameter changes the mean loss or measure most, and by what factor."""
    sentences = []
    compared = marginal.dropna(subset=["compared_by"])
    for (entry, measure), rows in compared.groupby(["entry", "compared_by"], sort=False):
        if rows["mean"].min() <= 0:
            continue  # a ratio says nothing where values can be negative
        means = rows.groupby("axis", sort=False)["mean"]
        factors = (means.max() / means.min()).sort_values(ascending=False)
        parts = [
            f"the {axis_label(str(axis))} by a factor of {f:.2f}" for axis, f in factors.items()
        ]
        name = LOSSES.get(measure, measure)
        sentences.append(
            f"From best to worst value, the mean {name} of {entry} changes with {', '.join(parts)}."
        )
    return sentences
