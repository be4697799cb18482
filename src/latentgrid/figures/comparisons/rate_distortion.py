"""What a code costs against what it leaves unsaid of the image, in nats (Alemi et al. 2018)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import GREY, WIDTH
from latentgrid.results.trained import Array
from latentgrid.text import signed

TITLE = "Rate against distortion"
SECTION = "What is lost"
PLACE = 5
CAPTION = (
    "Rate against distortion, a point for each run, both in nats per image and means over the "
    "same binarised test images. The distortion is what an image costs when its code is known, "
    "−log p(x|z) with the decoded pixels as the probabilities of white; the rate is what the code "
    "costs, log q(z|x) − log p(z). Their sum is the negative ELBO: it is the same along each grey "
    "line, named on the right, and smaller further down and to the left. Look for models that "
    "reach the same line by different ways, with a long code or with a vague image. Models that "
    "were trained by the squared error are measured on this scale too, and may lie far up: they "
    "decode to zeros, and a white pixel that was decoded to zero is dear."
)
NEEDS = ("encode", "propose", "log_prior", "decode")
MEASURES = ["rate", "distortion", "elbo", "importance_bound"]
MARKERS = "osD^vPX<>*"


def draw(results: Results) -> Drawing:
    """Draw a point per run, with a colour and marker for each entry, and lines of equal ELBO."""
    runs = results.runs
    measured = runs.dropna(subset=MEASURES) if set(MEASURES) <= set(runs.columns) else runs.head(0)
    if measured.empty:
        return nothing("No likelihood was measured (evaluation.likelihood in params.yaml).")
    figure = Figure(figsize=(WIDTH, 3.6))
    panel = figure.subplots()
    for number, (entry, of_entry) in enumerate(measured.groupby("entry", sort=False)):
        colour, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
        place = of_entry["rate"], of_entry["distortion"]
        panel.plot(*place, marker, color=colour, markersize=4.5, label=entry)
    _draw_equal_elbos(panel)
    panel.set(xlabel="rate, nats per image", ylabel="distortion, nats per image")
    figure.legend(loc="outside right upper", frameon=False)
    return Drawing(figure, _bounds(results, measured))


def _draw_equal_elbos(panel: Axes) -> None:
    """Draw lines of equal −ELBO = rate + distortion, named by an axis on the right, where they end.

    A name within the panel could lie under a point.
    """
    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    sums = np.asarray(MaxNLocator(7).tick_values(left + bottom, right + top))
    for total in sums:
        ends = total - left, total - right
        panel.plot(
            (left, right), ends, color=GREY, linewidth=0.7, zorder=1, scalex=False, scaley=False
        )

    def elbo_at_right(distortions: ArrayLike) -> Array:
        return -right - np.asarray(distortions)  # its own inverse

    elbos = panel.secondary_yaxis("right", functions=(elbo_at_right, elbo_at_right))
    elbos.set_yticks(-sums[(sums >= right + bottom) & (sums <= right + top)])
    elbos.yaxis.set_major_formatter(lambda elbo, _: f"{elbo:g}".replace("-", "−"))
    elbos.set_ylabel("ELBO along the grey lines, nats per image")


def _bounds(results: Results, runs: pd.DataFrame) -> list[str]:
    """Give each entry's largest bound, how far below it the ELBO lies, and the rates."""
    best = runs.loc[runs.groupby("entry", sort=False)["importance_bound"].idxmax()]
    best = best.sort_values("importance_bound", ascending=False)
    names = [_name(results, run) for _, run in best.iterrows()]
    values = zip(names, best["importance_bound"], best["importance_bound_se"], strict=True)
    bounds = ", ".join(f"{name} {signed(bound, 1)} ± {error:.1f}" for name, bound, error in values)
    gaps = best["importance_bound"] - best["elbo"]
    units = zip(names, best["rate"], best["active_units"], strict=True)
    codes = ", ".join(
        f"{name} {signed(rate, 1)} nats in {active:.0f}" for name, rate, active in units
    )
    images, draws = (best[f"likelihood_{of}"].max() for of in ("images", "draws"))
    return [
        f"Each entry's largest importance-weighted bound, from {draws:.0f} draws for each of "
        f"{images:.0f} binarised test images, with its standard error over the images, in nats "
        f"per image: {bounds}.",
        f"The ELBO of these runs lies {gaps.min():.1f} to {gaps.max():.1f} nats lower.",
        f"Their rates, and how many dimensions of the code are active: {codes}.",
    ]


def _name(results: Results, run: pd.Series) -> str:
    entry, *setting = results.label(run).split("\n")
    return f"{entry} ({setting[0]})" if setting else entry
