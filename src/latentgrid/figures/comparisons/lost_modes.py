"""How many classes the samples of two players have, and how steadily they train (source 001)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.evaluation.intervals import half_width
from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import LINE, WIDTH, folded
from latentgrid.results.tables import read_runs

TITLE = "Lost modes"
SECTION = "Where training fails"
PLACE = 4
CAPTION = (
    "What becomes of two players. Left, how many classes the judge sees among the samples (the "
    "exponential of the entropy of its first choices: all classes equally often is their number, "
    "one class alone is 1); in the middle, how sure it is of a sample's class; right, how much "
    "the samples of the same draws still changed between the last two kept epochs (0: not at all, "
    "1: as much as if they were unrelated, more: all together, as collapsed samples do). A dot is "
    "a seed, a bar the mean, a line its interval of 95 % from three seeds on. Look for few "
    "classes, a sign of lost modes, and for dots far apart or samples that still change, signs of "
    "unsteadiness. A conditional GAN is asked for every class."
)
CLAIM = (
    'Source 001 ("Convergencia de las GANs") lists what goes wrong with two players: they collapse '
    "to a mode or lose modes, they are unsteady and need not converge, and depend on their "
    'hyperparameters. A Wasserstein GAN, it says ("Wasserstein GAN"), learns more steadily and '
    "prevents the collapse. It shows no measurement of either."
)
NEEDS = ("sample", "generator_losses")
MEASURES = {
    "sample_classes": "classes seen in samples",
    "sample_confidence": "confidence of the judge",
    "sample_drift": "change of samples",
}
DRIFT = "sample_drift"  # on a logarithmic axis, as collapsed samples move by a multiple of 1


def draw(results: Results) -> Drawing:
    """Draw a row for each setting of two players, a panel for each measure that was taken."""
    shown = [key for key in MEASURES if key in results.runs and results.runs[key].notna().any()]
    if not shown:
        return nothing("No run of two players with samples that a judge has seen has finished.")
    rows = _settings(results)
    labels = [folded(name) for name, _ in rows]
    lines = sum(max(2, label.count("\n") + 1) for label in labels)
    figure = Figure(figsize=(WIDTH, LINE * lines + 0.9))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for panel, measure in zip(panels, shown, strict=True):
        for place, (_, runs) in enumerate(rows):
            _draw_row(panel, place, runs[measure].dropna())
        panel.set_xlabel(folded(MEASURES[measure], 18))
        if measure == DRIFT and _spans_a_decade(results.runs[measure].dropna()):
            panel.set_xscale("log")
        else:
            panel.set_xlim(left=0)
        panel.grid(axis="x", color="0.9", linewidth=0.6)
        panel.set_axisbelow(True)
    panels[0].set_yticks(range(len(rows)), labels)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    return Drawing(figure, [*_sentences(rows, shown), *_diverged(results)])


def _spans_a_decade(values: "pd.Series[float]") -> bool:
    return bool(values.min() > 0 and values.max() >= 10 * values.min())


def _settings(results: Results) -> list[tuple[str, pd.DataFrame]]:
    """Return the runs of each setting, seeds together, with the setting's label."""
    groups: dict[str, pd.DataFrame] = {}
    for _, run in results.runs.iterrows():
        alike = results.repeated(run)
        groups.setdefault(str(alike["run"].iloc[0]), alike)
    return [(results.label(runs.iloc[0]), runs) for runs in groups.values()]


def _draw_row(panel: Axes, place: int, values: pd.Series) -> None:
    """Draw each seed's value, their mean, and its interval."""
    if values.empty:
        return
    panel.plot(values, np.full(len(values), place), "o", color=PALETTE[0], ms=4, alpha=0.7)
    panel.plot([values.mean()] * 2, [place - 0.28, place + 0.28], color=PALETTE[2], lw=2)
    half = float(half_width(values.std(), len(values)))
    if not np.isnan(half):
        ends = [values.mean() - half, values.mean() + half]
        panel.plot(ends, [place, place], color=PALETTE[2], lw=0.9)


def _sentences(rows: list[tuple[str, pd.DataFrame]], shown: list[str]) -> list[str]:
    """Say each measure of each setting, the mean with half the width of its interval."""
    said = []
    for measure in shown:
        values = [(name.replace("\n", ": "), runs[measure].dropna()) for name, runs in rows]
        listed = "; ".join(f"{name} {_mean(of)}" for name, of in values if len(of))
        said.append(f"{MEASURES[measure][0].upper()}{MEASURES[measure][1:]}: {listed}.")
    return said


def _mean(values: pd.Series) -> str:
    half = float(half_width(values.std(), len(values)))
    return f"{values.mean():.2f}" + ("" if np.isnan(half) else f" ± {significant(half)}")


def _diverged(results: Results) -> list[str]:
    """Say how many runs of these entries diverged, which the panels do not show."""
    runs = read_runs(results.layout)
    lost = runs[(runs["status"] == "diverged") & runs["entry"].isin(results.runs["entry"])]
    if lost.empty:
        return []
    counts = ", ".join(f"{entry} {n}" for entry, n in lost["entry"].value_counts().items())
    return [f"Not shown are runs that diverged: {counts}."]
