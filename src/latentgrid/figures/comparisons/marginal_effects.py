"""What each hyperparameter does to the loss, the others averaged over (source 000, figure 7.2).

Where losses may not be compared, the measure that the model names stands in their place.
"""

import pandas as pd
from matplotlib.axes import Axes

from latentgrid.evaluation.ranking import LOSS, VALIDATION_LOSS
from latentgrid.evaluation.tables import marginal_table
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, loss_axis, name_ticks, panels
from latentgrid.results.labels import axis_label, plain
from latentgrid.results.tables import separated

TITLE = "Marginal effects"
SECTION = "How they train"
PLACE = 3
CAPTION = (
    "What each hyperparameter does to the loss. A dot is a run (its smallest epoch's training "
    "loss per image, or validation loss where images were held out). A bar is the mean over the "
    "other settings and seeds with which runs of all values finished; hollow dots are in no mean, "
    "as a run with another value diverged. Where losses may not be compared, as those of GANs or "
    "with another weight in them, the measure by which the model is ranked stands instead. Look "
    "for bars that differ by more than the dots around them scatter."
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
    effects = marginal_table(results.planned, results.axes)
    if effects.empty:
        return nothing("No hyperparameter has more than one value with which runs finished.")
    compared = effects.dropna(subset=["compared_by"])
    if compared.empty:
        return nothing("No hyperparameter has values that a loss or another measure compares.")
    shown = [of for _, of in compared.groupby(["entry", "axis"], sort=False)]
    figure, places = panels(len(shown), aspect=0.62)
    for panel, of_axis in zip(places, shown, strict=True):
        entry, measure = of_axis.iloc[0][["entry", "compared_by"]]
        runs = results.runs[results.runs["entry"] == entry]
        _draw_axis(panel, runs, of_axis)
        panel.set_title(entry)
        panel.set_ylabel(_measure_label(results, runs, measure))
    label_outer(places)
    sentences = [*largest_effects(compared), *_unfinished(compared), *_left_out(effects)]
    return Drawing(figure, sentences)


def _unfinished(effects: pd.DataFrame) -> list[str]:
    """Name the values with which runs diverged or failed."""
    said = [
        f"{row['unfinished']} of {row['entry']} with {axis_label(row['axis'])} "
        f"{plain(row['value'])}"
        for _, row in effects[effects["unfinished"] > 0].iterrows()
    ]
    return [f"Runs that diverged or failed, and are not drawn: {', '.join(said)}."] if said else []


def _left_out(effects: pd.DataFrame) -> list[str]:
    """Name the entries and axes that are left out because no measure compares them."""
    none = effects[effects["compared_by"].isna()][["entry", "axis"]].drop_duplicates()
    left = [f"{axis_label(row['axis'])} of {row['entry']}" for _, row in none.iterrows()]
    return [f"Not shown, as no measure compares their values: {', '.join(left)}."] if left else []


def _measure_label(results: Results, runs: pd.DataFrame, measure: str) -> str:
    if measure not in LOSSES:
        return axis_label(measure)
    held_out = "\n(validation)" if measure == VALIDATION_LOSS else ""
    return results.loss_label(runs) + held_out


def _draw_axis(panel: Axes, runs: pd.DataFrame, of_axis: pd.DataFrame) -> None:
    """Draw the finished runs of an entry by their value on an axis, and the means."""
    axis, measure = of_axis.iloc[0][["axis", "compared_by"]]
    for place, (_, row) in enumerate(of_axis.iterrows()):
        losses = runs.loc[runs[axis] == row["value"], measure]
        in_mean = runs.loc[losses.index, "run"].isin(separated(row["runs"]))
        for i, (loss, filled) in enumerate(zip(losses, in_mean, strict=True)):
            offset = place + 0.5 * (i + 0.5) / len(losses) - 0.25
            face = PALETTE[0] if filled else "none"
            panel.plot(offset, loss, "o", color=PALETTE[0], mfc=face, markersize=3, alpha=0.7)
        panel.hlines(row["mean"], place - 0.35, place + 0.35, color=PALETTE[2], lw=2)
    name_ticks(panel, [plain(value) for value in of_axis["value"]])
    panel.set_xlim(-0.5, len(of_axis) - 0.5)
    panel.set_xlabel(axis_label(axis))
    loss_axis(panel, runs[measure])


def largest_effects(marginal: pd.DataFrame) -> list[str]:
    """Say which hyperparameter changes the mean loss or measure most, and by what factor."""
    sentences = []
    compared = marginal.dropna(subset=["compared_by", "mean"])
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
