"""Codes of autoencoders beside their prior (source 003, "Variational auto-encoders")."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import (
    GREY,
    class_legend,
    label_outer,
    name_classes,
    panels,
    scatter_by_class,
)
from latentgrid.grid import catalogue
from latentgrid.results.trained import Array

TITLE = "Codes beside their prior"
SECTION = "Where the codes lie"
PLACE = 6
CAPTION = (
    "The codes of the test images in two dimensions, coloured by class, of each model that has "
    "codes, and beside them as many draws of N(0, I), each on a scale of its own. The solid "
    "ellipse would hold 95 % of a Gaussian with the mean and covariance of the codes; the dashed "
    "line holds 95 % of the model's prior, which is N(0, I) unless the title says otherwise, and "
    "for models that have none: the smaller it is in a panel, the wider the codes lie. Where an "
    "encoder is random, its means are drawn. Look for codes that fill neither: what is drawn from "
    "within the dashed line, or from the solid ellipse, is then no code of any image."
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
PIXELS = 300  # places along each axis at which a prior's density is computed, and
BEYOND = 2  # as multiples of the axes, how far; there is hardly any mass further out
FEW = 200  # codes, at which the density of a prior is held against that of N(0, I)
NEAR = 1e-4  # nats by which the density of N(0, I) may be computed otherwise

LogDensity = Callable[[Array], Array]


@dataclass(frozen=True)
class Shown:
    """What is drawn of a run: its test codes (n, 2), the ellipse around them, and its prior."""

    entry: str
    codes: Array
    curve: Array
    log_prior: LogDensity

    @property
    def deviation(self) -> float:
        """The root mean square over both dimensions of the codes' standard deviations."""
        return float(np.sqrt(self.codes.var(axis=0).mean()))

    @property
    def extent(self) -> float:
        """How far axes must go for the ellipse and nearly all codes."""
        far = max(np.quantile(np.abs(self.codes), INSIDE), np.abs(self.curve).max())
        return max(REACH, 1.05 * float(far))

    @property
    def is_normal(self) -> bool:
        """Whether the prior is N(0, I)."""
        some = self.codes[:FEW]
        return bool(np.allclose(self.log_prior(some), log_normal(some), atol=NEAR))


def draw(results: Results) -> Drawing:
    """Draw the test codes of each entry's best run of two dimensions, and draws of N(0, I)."""
    runs = list(results.without("corrupt").best_of_two_dimensions())
    if not runs:
        return nothing("No run that encodes images in two dimensions has finished.")
    shown = [_shown(results, run) for run in runs]
    test = results.test
    draws = results.normal_draws("codes_and_prior", len(test.labels), 2)
    figure, places = panels(len(shown) + 1, title_lines=1)
    shares = []
    for panel, of in zip(places, shown, strict=False):
        scatter_by_class(panel, of.codes, test.labels)
        panel.plot(*of.curve, color="black", linewidth=1)
        panel.set_title(of.entry + ("" if of.is_normal else ", its own prior"))
        shares.append(_draw_prior(panel, of, of.extent))
        _frame(panel, of.extent)
        name_classes(panel, of.codes, test.labels, test.name_of)
    _draw_draws(places[-1], draws)
    _frame(places[-1], REACH)
    label_outer(places)
    class_legend(figure, test.labels, test.name_of)
    return Drawing(figure, _sentences(shown, shares))


def _shown(results: Results, run: pd.Series) -> Shown:
    model = results.loaded(run)
    codes = model.encode(results.test.images)
    has_prior = "log_prior" in catalogue.abilities(run["model"])
    return Shown(
        entry=str(run["entry"]),
        codes=codes,
        curve=ellipse(codes.mean(axis=0), np.cov(codes.T)),
        log_prior=model.log_prior if has_prior else log_normal,
    )


def log_normal(codes: Array) -> Array:
    """Return log N(z; 0, I) in nats of codes (n, 2), (n,)."""
    densities: Array = -(codes.astype(float) ** 2).sum(axis=1) / 2 - np.log(2 * np.pi)
    return densities


def ellipse(mean: Array, covariance: Array) -> Array:
    """Return the curve (2, n) that holds `SHARE` of a Gaussian of two dimensions."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = RADIUS * np.stack([np.cos(angle), np.sin(angle)])
    values, directions = np.linalg.eigh(covariance)
    curve: Array = mean[:, None] + directions @ (np.sqrt(values.clip(0))[:, None] * circle)
    return curve


def densest_edge(densities: Array) -> float:
    """Return the log density at the edge of the densest region that holds `SHARE` of the mass.

    Args:
        densities: log densities at the places of a regular grid, beyond which there is no mass.
    """
    ranked = np.sort(densities, axis=None)[::-1]
    mass = np.cumsum(np.exp(ranked - ranked[0]))
    return float(ranked[np.searchsorted(mass, SHARE * mass[-1])])


def _frame(panel: Axes, reach: float) -> None:
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="$z_2$")
    panel.set_box_aspect(1)


def _draw_prior(panel: Axes, shown: Shown, reach: float) -> float:
    """Draw the line that holds `SHARE` of the prior; return the share of the codes within it."""
    line = np.linspace(-BEYOND * reach, BEYOND * reach, PIXELS, dtype=np.float32)
    places = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    densities = shown.log_prior(places).reshape(PIXELS, PIXELS)
    edge = densest_edge(densities)
    panel.contour(line, line, densities, [edge], colors="black", linestyles="--", linewidths=1)
    return float((shown.log_prior(shown.codes) >= edge).mean())


def _draw_draws(panel: Axes, draws: Array) -> None:
    x, y = draws.T
    panel.scatter(x, y, s=1, color=GREY, linewidths=0, rasterized=True)
    panel.plot(*ellipse(np.zeros(2), np.eye(2)), "--", color="black", linewidth=1)
    panel.set_title("draws of N(0, I)")


def _sentences(shown: list[Shown], shares: list[float]) -> list[str]:
    listed = "; ".join(
        f"{of.entry} {of.deviation:.2f} and {100 * share:.0f} %"
        for of, share in zip(shown, shares, strict=True)
    )
    own = [of.entry for of in shown if not of.is_normal]
    beside = f" The prior of {', '.join(own)} is another than N(0, I)." if own else ""
    return [
        "Standard deviation of the codes (root mean square over both dimensions), and the share "
        f"of them within the line that holds 95 % of the prior: {listed}.{beside}"
    ]
