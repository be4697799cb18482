"""Histograms and kernel estimates over the dimension (source 001, "Modelos generativos")."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array

TITLE = "The curse of dimension"
SECTION = "How probability is estimated"
PLACE = 1
CAPTION = (
    "Histogram and Gaussian kernel estimate of the density of N(0, I) over its dimension, each "
    "with the width that is best for it. Left the integrated squared error of 2,000 points, "
    "divided by the integral of the squared density, so that an estimate of zero has the error 1: "
    "marks are five samples, lines the mean in closed form. In the middle the number of points "
    "with which that mean is 0.1; crosses are the numbers of Silverman (1986, table 4.2) for the "
    "error of the kernel estimate at the origin alone; the dashed line is the size of MNIST. Right "
    "the share of new points in empty cubes of the histogram, whose probability it says is 0; the "
    "best cubes are the larger the more dimensions there are. Look for the dimension from which "
    "no data set is large enough."
)
CLAIM = (
    'Source 001 ("Modelos generativos") says that histogram and kernel density estimation, the '
    "classical methods, suffer from the curse of dimension and are of no use above ten "
    "dimensions. It shows no results."
)
READS = ("experiments/curse_of_dimension",)
ESTIMATES = {
    "histogram": ("histogram", PALETTE[0], "s"),
    "kernel": ("kernel estimate", PALETTE[1], "o"),
}
MNIST = 60_000


def draw(results: Results) -> Drawing:
    """Draw errors, needed points and the share of points in empty cubes over the dimension."""
    found = results.read(READS[0])
    figure = Figure(figsize=(WIDTH, 2.7))
    errors, points, empty = figure.subplots(1, 3)
    for name, (label, colour, marker) in ESTIMATES.items():
        _draw_errors(errors, found, name, colour, marker)
        points.plot(
            found["dimensions"], found[f"{name}/needed"], f"-{marker}", color=colour, label=label,
            markersize=3,
        )  # fmt: skip
    points.plot(found["dimensions"], found["at_zero"], "x", color="0.2", label="Silverman, at 0")
    points.axhline(MNIST, linestyle="--", color="0.5", linewidth=0.8)
    empty.plot(found["dimensions"], found["empty"].T, "s", color=PALETTE[0], markersize=3)
    errors.set(yscale="log", ylabel="relative integrated squared error")
    errors.set_title(f"error of {found['points']:,} points")
    points.set(yscale="log", ylabel="points", title="points for the error 0.1")
    empty.set(ylim=(0, 1), ylabel="share of new points", title="points in empty cubes")
    for panel in (errors, points, empty):
        panel.set(xlabel="dimension", xticks=found["dimensions"][::3])
    named = points.get_legend_handles_labels()
    figure.legend(*named, loc="outside lower center", ncols=3, frameon=False)
    return Drawing(figure, _sentences(found))


def _draw_errors(
    panel: Axes, found: Mapping[str, Array], name: str, colour: str, marker: str
) -> None:
    measured = found[f"{name}/measured"].T
    panel.plot(found["dimensions"], measured, marker, color=colour, markersize=3, alpha=0.6)
    panel.plot(found["dimensions"], found[f"{name}/expected"], color=colour)


def _sentences(found: Mapping[str, Array]) -> list[str]:
    last = int(found["dimensions"][-1])
    needed = {name: found[f"{name}/needed"] for name in ESTIMATES}
    beyond = {name: found["dimensions"][np.argmax(of > MNIST)] for name, of in needed.items()}
    errors = ", ".join(
        f"{label} {significant(found[f'{name}/expected'][0])} in one dimension and "
        f"{significant(found[f'{name}/expected'][-1])} in {last}"
        for name, (label, _, _) in ESTIMATES.items()
    )
    return [
        f"Mean error of {found['points']:,} points: {errors}; an estimate of zero has 1.",
        f"An error of 0.1 takes more than MNIST's {MNIST:,} points from {beyond['histogram']} "
        f"dimensions on for the histogram and from {beyond['kernel']} for the kernel estimate; in "
        f"{last} it takes {' and '.join(_rounded(of[-1]) for of in needed.values())}.",
    ]


def _rounded(points: float) -> str:
    """Return a number to two significant digits, thousands with commas: 46,000."""
    return f"{float(f'{points:.2g}'):,.0f}"
