"""Codes of autoencoders beside draws of N(0, I) (source 003, "Variational auto-encoders")."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import PALETTE, class_legend, panels, scatter_by_class
from latentgrid.results.trained import Array

TITLE = "Codes beside N(0, I)"
SECTION = "Where the codes lie"
PLACE = 6
CAPTION = (
    "The codes of the test images in two dimensions, coloured by class, of each model that has "
    "codes, and beside them as many draws of N(0, I), all on one scale. The solid ellipse would "
    "hold 95 % of a Gaussian with the mean and covariance of the codes, the dashed circle 95 % of "
    "N(0, I). Where an encoder is random, its means are drawn. Look for codes that fill neither: "
    "what is drawn from the dashed circle, or from the solid ellipse, is then no code of any image."
)
CLAIM = (
    'Source 003 ("Generación" and "Variational auto-encoders") shows the codes of an autoencoder, '
    "which no simple density describes, beside those of a variational one, which are drawn to "
    "N(0, I)."
)
NEEDS = ("encode", "decode")
SHARE = 0.95
RADIUS = float(np.sqrt(-2 * np.log1p(-SHARE)))  # that of the circle with so much of N(0, I)
REACH = 3.5  # the axes go at least so far
INSIDE = 0.995  # of the codes of each model lie on the axes


def draw(results: Results) -> Drawing:
    """Draw the test codes of each entry's best run of two dimensions, and draws of N(0, I)."""
    runs = list(results.without("corrupt").best_of_two_dimensions())
    if not runs:
        return nothing("No run that encodes images in two dimensions has finished.")
    codes = {str(run["entry"]): results.loaded(run).encode(results.test.images) for run in runs}
    draws = results.normal_draws("codes_and_prior", len(results.test.labels), 2)
    curves = {entry: ellipse(of.mean(axis=0), np.cov(of.T)) for entry, of in codes.items()}
    reach = max(REACH, *(_extent(codes[entry], curve) for entry, curve in curves.items()))
    figure, places = panels(len(codes) + 1, title_lines=1)
    for panel, (entry, of) in zip(places, codes.items(), strict=False):
        scatter_by_class(panel, of, results.test.labels)
        panel.plot(*curves[entry], color="black", linewidth=1)
        panel.set_title(entry)
    x, y = draws.T
    places[-1].scatter(x, y, s=1, color=PALETTE[3], linewidths=0, rasterized=True)
    places[-1].set_title("draws of N(0, I)")
    for panel in places:
        _frame(panel, reach)
    class_legend(figure, results.test.labels, results.test.name_of)
    return Drawing(figure, _sentences(codes, draws))


def ellipse(mean: Array, covariance: Array) -> Array:
    """Return the curve (2, n) that holds `SHARE` of a Gaussian of two dimensions."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = RADIUS * np.stack([np.cos(angle), np.sin(angle)])
    values, directions = np.linalg.eigh(covariance)
    curve: Array = mean[:, None] + directions @ (np.sqrt(values.clip(0))[:, None] * circle)
    return curve


def _extent(codes: Array, curve: Array) -> float:
    """Return how far axes must go for the ellipse and nearly all codes."""
    return 1.05 * float(max(np.quantile(np.abs(codes), INSIDE), np.abs(curve).max()))


def _frame(panel: Axes, reach: float) -> None:
    panel.plot(*ellipse(np.zeros(2), np.eye(2)), "--", color="black", linewidth=1)
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="$z_2$")
    panel.set_box_aspect(1)


def _sentences(codes: dict[str, Array], draws: Array) -> list[str]:
    of_each = pd.DataFrame(
        {
            entry: (of.std(), _inside(of))
            for entry, of in {**codes, "draws of N(0, I)": draws}.items()
        },
        index=["deviation", "inside"],
    )
    listed = "; ".join(
        f"{entry} {value['deviation']:.2f} and {100 * value['inside']:.0f} %"
        for entry, value in of_each.items()
    )
    return [
        "Standard deviation of the codes over both dimensions, and the share of them in the "
        f"circle that holds 95 % of N(0, I): {listed}."
    ]


def _inside(codes: Array) -> float:
    """Return the share of codes (n, 2) within the circle."""
    return float((np.linalg.norm(codes, axis=1) <= RADIUS).mean())
