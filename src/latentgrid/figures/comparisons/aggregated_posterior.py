"""The codes of all images against the prior (source 004, section 1.4)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import ndtr

from latentgrid.evaluation.prior import Regions, densest_regions, discrepancy
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import (
    class_legend,
    label_outer,
    labelled_panels,
    name_classes,
    scatter_by_class,
)
from latentgrid.grid.catalogue import TRAINING
from latentgrid.results.trained import Array

TITLE = "Aggregated posterior against the prior"
SECTION = "Where the codes lie"
PLACE = 5
CAPTION = (
    "The codes of the test images in two dimensions, coloured by class, on the prior: half of its "
    "mass lies within the solid line, 95 % within the dashed one, circles for N(0, I). A panel for "
    "each model and each of its own settings. Where the encoder is random, the codes drawn are "
    "the posterior's means (for the universal one, its code without noise) and not draws, so "
    "that they scatter less than the aggregated posterior does. Look for empty places within "
    "the lines, which decode to what no image is, and for codes beyond them, which are never "
    "drawn."
)
CLAIM = (
    "Source 004 (section 1.4) says that adversarial training draws the aggregated posterior of "
    "an autoencoder to the prior, and describes three posteriors for it: deterministic, "
    "Gaussian, and a universal approximator. It shows no results."
)
CLAIM_ON = ("aae",)
NEEDS = ("encode", "quantile", "log_prior")
SHARES = (0.5, 0.95)  # of the prior's mass within the lines
STYLES = ("-", "--")
PIXELS = 200  # places along each axis at which the prior's density is computed
REACH = 4.0  # the axes go at least so far, in the prior's standard deviations
MAX_CODES = 2000  # compared with as many draws; the MMD takes all pairs of them


def draw(results: Results) -> Drawing:
    """Draw the test codes of two-dimensional runs on regions that hold 50 % and 95 % of the prior.

    There is a panel for each entry and each combination of its own hyperparameters. Among runs that
    differ only in their training, the best one is shown.
    """
    shown = results.with_snapshot("codes", _variants(results))
    if not shown:
        return nothing("No run with two latent dimensions and a normal prior has finished.")
    priors = [densest_regions(results.loaded(run), SHARES) for run, _ in shown]
    names = [results.label(run) for run, _ in shown]
    seen = [
        (name.replace("\n", ", "), prior.share(codes, 1), _discrepancy(results, prior, codes))
        for name, prior, (_, codes) in zip(names, priors, shown, strict=True)
    ]
    figure, places = labelled_panels(
        [
            f"{name}\n{100 * inside:.0f} % within, MMD² {squared:.4f}"
            for name, (_, inside, squared) in zip(names, seen, strict=True)
        ]
    )
    reach = max(REACH, *(float(np.quantile(np.abs(codes), 0.995)) for _, codes in shown))
    for panel, prior, (_, codes) in zip(places, priors, shown, strict=True):
        scatter_by_class(panel, codes, results.test.labels)
        _draw_prior(panel, prior, reach)
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="$z_2$")
        panel.set_box_aspect(1)
        name_classes(panel, codes, results.test.labels, results.test.name_of)
    label_outer(places)
    class_legend(figure, results.test.labels, results.test.name_of)
    return Drawing(figure, _sentences(results, seen, min(MAX_CODES, len(shown[0][1]))))


def _variants(results: Results) -> list[pd.Series]:
    """Return the two-dimensional runs to show."""
    runs = results.runs
    if "latent_dim" not in runs:
        return []
    own = [axis for axis in results.axes if axis not in {*TRAINING, "latent_dim"}]
    of_two = runs[runs["latent_dim"] == 2]  # noqa: PLR2004
    groups = of_two.groupby(["entry", *own], sort=False, dropna=False)
    return [run for _, group in groups for run in results.best(group)]


def _draw_prior(panel: Axes, prior: Regions, reach: float) -> None:
    line = np.linspace(-reach, reach, PIXELS, dtype=np.float32)
    places = np.stack(np.meshgrid(line, line), axis=-1)
    densities = prior.model.log_prior(places.reshape(-1, 2)).reshape(PIXELS, PIXELS)
    for edge, style in zip(prior.edges, STYLES, strict=True):
        panel.contour(line, line, densities, [edge], colors="black", linestyles=style, linewidths=1)


def _discrepancy(results: Results, prior: Regions, codes: Array) -> float:
    """Return the squared MMD of the first codes and as many draws of the prior."""
    some = codes[:MAX_CODES]
    return discrepancy(some, _draws(results, prior, "aggregated_posterior", len(some)))


def _draws(results: Results, prior: Regions, purpose: str, n: int) -> Array:
    """Return draws (n, 2) of the prior, made of the same draws of N(0, I) for all models."""
    return prior.model.quantile(ndtr(results.normal_draws(purpose, n, 2)))


def _sentences(results: Results, seen: list[tuple[str, float, float]], n: int) -> list[str]:
    ranked = sorted(seen, key=lambda one: one[2])
    listed = "; ".join(
        f"{name}: {100 * inside:.1f} %, {value:.4f}" for name, inside, value in ranked
    )
    normal = results.normal_draws("aggregated_posterior", n, 2)
    chance = discrepancy(results.normal_draws("aggregated_posterior again", n, 2), normal)
    return [
        f"Share of the codes within the region that holds 95 % of the prior, and squared MMD "
        f"between {n:,} codes and as many draws of it, from the smallest MMD to the largest: "
        f"{listed}. Two samples of N(0, I) are {chance:.4f} apart."
    ]
