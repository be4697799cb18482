"""The silhouette of every test code, class by class (source 002, figures 4.6 and 4.7)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from latentgrid.evaluation.measures.silhouette import of_each
from latentgrid.figures.drawing import NO_CLASSES, Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, labelled_panels, short_name
from latentgrid.results.labels import percent
from latentgrid.results.trained import Array, TestSet
from latentgrid.text import signed

TITLE = "Silhouettes, code by code"
SECTION = "Where the codes lie"
PLACE = 4
CAPTION = (
    "The silhouette of each test code for the best run of each model shown: a bar a code, sorted "
    "within its class; the dashed line is the mean of all. A bar to the left of zero is a code "
    "that is nearer, on average, to the codes of another class than to its own. The axis ends at "
    "±0.5, as in the source, or further out where one bar in twenty would be cut. Look for "
    "classes of which a large part lies left."
)
CLAIM = (
    "Source 002 (figures 4.6 and 4.7) draws such profiles on [−0.5, 0.5] for its three models "
    "on MNIST; their means are 0.1475 for the autoencoder, 0.1117 for the variational and "
    "0.1182 for the convolutional variational one (table 4.2)."
)
CLAIM_ON = ("ae", "vae_bce", "conv5_vae")
NEEDS = ("encode",)
MIN_REACH = 0.5  # source 002 draws its silhouettes on [−0.5, 0.5]
UNCUT = 0.95  # the share of a model's codes whose bars lie within the axis at least
MAX_NAMES = 10  # beside a panel
SPACE = 0.02  # between two classes, as a share of all codes


def draw(results: Results) -> Drawing:
    """Draw a panel for each model's best run: a bar for each code, sorted within its class."""
    labels = results.test.labels
    if not results.test.has_classes:
        return nothing(NO_CLASSES)
    shown = [
        (run, values)
        for run, codes in results.with_snapshot("codes", results.best(results.runs))
        if (values := of_each(codes, labels)) is not None
    ]
    if not shown:
        return nothing("No run that encodes images of two classes or more has finished.")
    largest = max(float(np.quantile(np.abs(values), UNCUT)) for _, values in shown)
    reach = max(MIN_REACH, np.ceil(10 * largest) / 10)
    figure, places = labelled_panels([results.label(run) for run, _ in shown])
    for panel, (_, values) in zip(places, shown, strict=True):
        _draw_profile(panel, values, results.test)
        panel.set_xlim(-reach, reach)
    label_outer(places)
    return Drawing(figure, _below_zero(shown))


def _draw_profile(panel: Axes, values: Array, test: TestSet) -> None:
    """Draw silhouettes (n,) as horizontal bars, the first class on top; their mean is dashed."""
    labels = test.labels
    start, space = 0.0, SPACE * len(values)
    middles, names = [], []
    for label in np.unique(labels):
        bars = np.sort(values[labels == label])[::-1]
        # One step more than bars, for the lower edge of the last bar.
        edges = start + np.arange(len(bars) + 1)
        colour = PALETTE[label % len(PALETTE)]
        panel.fill_betweenx(
            edges, 0, np.append(bars, bars[-1]), step="post", color=colour, linewidth=0
        )
        middles.append(start + len(bars) / 2)
        names.append(short_name(test.name_of(label)))
        start += len(bars) + space
    panel.axvline(0, color="black", linewidth=0.6)
    panel.axvline(float(values.mean()), color="black", linewidth=0.8, linestyle="--")
    every = -(-len(names) // MAX_NAMES)
    panel.set_yticks(middles[::every], names[::every])
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(start, -space)
    panel.set(xlabel="silhouette", ylabel="class")


def _below_zero(shown: list[tuple[pd.Series, Array]]) -> list[str]:
    """Say for each run how many codes are nearer to another class than to their own."""
    ranked = sorted(shown, key=lambda pair: float((pair[1] < 0).mean()))
    parts = [
        f"{run['entry']} {percent((values < 0).mean())} (mean {signed(values.mean(), 3)})"
        for run, values in ranked
    ]
    return [
        "Share of codes below zero, which are nearer on average to another class's codes than to "
        f"their own: {', '.join(parts)}."
    ]
