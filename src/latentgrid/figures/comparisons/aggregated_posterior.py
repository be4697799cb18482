"""The codes of all images against the prior (source 004, section 1.4)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from latentgrid.evaluation.prior import discrepancy, radius, share_within
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import class_legend, panels, scatter_by_class
from latentgrid.grid.catalogue import TRAINING
from latentgrid.results.trained import Array

TITLE = "Aggregated posterior against the prior"
SECTION = "Where the codes lie"
PLACE = 5
CAPTION = (
    "The codes of the test images in two dimensions, coloured by class, on the prior N(0, I): "
    "half of its mass lies within the solid circle, 95 % within the dashed one. A panel for "
    "each model and each of its own settings. Where the encoder is random, the codes drawn are "
    "the posterior's means (for the universal one, its code without noise) and not draws, so "
    "that they scatter less than the aggregated posterior does. Look for empty places within "
    "the circles, which decode to what no image is, and for codes beyond them, which are never "
    "drawn."
)
CLAIM = (
    "Source 004 (section 1.4) says that adversarial training draws the aggregated posterior of "
    "an autoencoder to the prior, and describes three posteriors for it: deterministic, "
    "Gaussian, and a universal approximator. It shows no results."
)
CLAIM_ON = ("aae",)
NEEDS = ("encode", "quantile")
SHARES = (0.5, 0.95)  # of the prior's mass within the circles
REACH = 4.0  # the axes go at least so far, in the prior's standard deviations
MAX_CODES = 2000  # compared with as many draws; the MMD takes all pairs of them


def draw(results: Results) -> Drawing:
    """Draw the test codes of two-dimensional runs on circles that hold 50 % and 95 % of N(0, I).

    There is a panel for each entry and each combination of its own hyperparameters. Among runs that
    differ only in their training, the one with the smallest training loss is shown.
    """
    shown = results.with_snapshot("codes", _variants(results))
    if not shown:
        return nothing("No run with two latent dimensions and a normal prior has finished.")
    figure, places = panels(len(shown), aspect=0.9, title_lines=2)
    reach = max(REACH, *(float(np.quantile(np.abs(codes), 0.995)) for _, codes in shown))
    seen = []
    for panel, (run, codes) in zip(places, shown, strict=True):
        scatter_by_class(panel, codes, results.test.labels)
        _draw_prior(panel)
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="$z_2$")
        panel.set_box_aspect(1)
        inside, squared = share_within(codes, radius(SHARES[1])), _discrepancy(results, codes)
        name = results.label(run)
        panel.set_title(f"{name}\n{100 * inside:.0f} % within 95 %, MMD² {squared:.4f}")
        seen.append((name.replace("\n", ", "), inside, squared))
    class_legend(figure, results.test.labels)
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


def _draw_prior(panel: Axes) -> None:
    for share, style in zip(SHARES, ("-", "--"), strict=True):
        panel.add_patch(Circle((0, 0), radius(share), fill=False, linestyle=style))


def _discrepancy(results: Results, codes: Array) -> float:
    """Return the squared MMD of the first codes and as many draws of the prior."""
    some = codes[:MAX_CODES]
    return discrepancy(some, results.normal_draws("aggregated_posterior", len(some), 2))


def _sentences(results: Results, seen: list[tuple[str, float, float]], n: int) -> list[str]:
    ranked = sorted(seen, key=lambda one: one[2])
    listed = "; ".join(
        f"{name}: {100 * inside:.1f} %, {value:.4f}" for name, inside, value in ranked
    )
    chance = _discrepancy(results, results.normal_draws("aggregated_posterior again", n, 2))
    return [
        f"Share of the codes inside the circle that holds 95 % of the prior, and squared MMD "
        f"between {n:,} codes and as many draws of it, from the smallest MMD to the largest: "
        f"{listed}. Two samples of the prior are {chance:.4f} apart."
    ]
