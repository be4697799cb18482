"""Bias and variance of Monte Carlo and variational inference (source 000, section 3.1.2)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from latentgrid.figures.drawing import Drawing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array
from latentgrid.text import signed

TITLE = "Monte Carlo against variational inference"
SECTION = "How probability is estimated"
PLACE = 2
CAPTION = (
    "Two codes with the prior N(0, I), of which only the sum is seen, with noise. Left the true "
    "posterior and the nearest density whose dimensions are independent, each by the curves that "
    "hold 50 % and 95 % of its mass, and draws of the prior. In the middle estimates of the log "
    "evidence over the number of draws: Monte Carlo averages the likelihood over the prior, "
    "variational inference the bound over its own posterior; bands hold 90 % of 1,000 estimates, "
    "lines are medians, and the dashed line is the truth. Right the squared bias and the variance "
    "of the estimates of the evidence itself, relative to it: lines are exact, marks those of the "
    "estimates. With one draw the variational estimate has no bias and an infinite variance. Look "
    "for an error that more draws make smaller, and for one that they do not."
)
CLAIM = (
    "Source 000 (section 3.1.2 and figure 3.1, after Zeldes 2018) calls Monte Carlo unbiased with "
    "a high variance, and variational inference biased with a low one. Its figure is a sketch."
)
READS = ("experiments/monte_carlo_and_variational",)
METHODS = {
    "monte_carlo": ("Monte Carlo", PALETTE[0], "o"),
    "variational": ("variational inference", PALETTE[2], "s"),
}
SHARES = (0.5, 0.95)
FEW = 300  # draws of the prior that are shown
REACH = 3.0


def draw(results: Results) -> Drawing:
    """Draw both posteriors, the estimates of the log evidence, and their bias and variance."""
    found = results.read(READS[0])
    figure = Figure(figsize=(WIDTH, 2.8))
    codes, estimates, errors = figure.subplots(1, 3)
    _draw_posteriors(codes, found)
    codes.plot(
        *results.normal_draws("prior of two codes", FEW, 2).T, ".", color="0.7", markersize=2
    )
    estimates.axhline(found["log_evidence"], linestyle="--", color="0.2", linewidth=0.8)
    names = {}
    for name, (label, colour, marker) in METHODS.items():
        low, middle, high = np.quantile(np.log(found[name]), (0.05, 0.5, 0.95), axis=1)
        offset = found["log_evidence"]
        estimates.fill_between(found["draws"], offset + low, offset + high, color=colour, alpha=0.3)
        estimates.plot(found["draws"], offset + middle, color=colour, label=label)
        exact = found[f"{name}_variance"]
        draws = found["draws"][-len(exact) :]
        measured = found[name][-len(exact) :].var(axis=1)
        errors.plot(draws, exact, color=colour)
        errors.plot(draws, measured, marker, color=colour, markersize=3)
        names[f"variance, {label}"] = Line2D([], [], color=colour, marker=marker, markersize=3)
    bias = found["variational_bias"] ** 2
    (names["squared bias, variational inference"],) = errors.plot(
        found["draws"], np.where(bias > 0, bias, np.nan), ":", color=PALETTE[2]
    )
    estimates.set(xscale="log", xlabel="draws", ylabel="log p(x), nats", title="the log evidence")
    estimates.set_ylim(found["log_evidence"] - 3, found["log_evidence"] + 1.5)
    errors.set(xscale="log", yscale="log", xlabel="draws", title="errors of p(x)")
    errors.set_ylabel("relative to p(x)²")
    figure.legend(names.values(), names, loc="outside lower center", ncols=3, frameon=False)
    return Drawing(figure, _sentences(found))


def _draw_posteriors(panel: Axes, found: Mapping[str, Array]) -> None:
    """Draw the curves of equal density that hold the shares of the mass of both posteriors."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    drawn = {"monte_carlo": found["covariance"], "variational": np.diag(found["independent"])}
    for colour, covariance in zip(("0.2", PALETTE[2]), drawn.values(), strict=True):
        root = np.linalg.cholesky(covariance)
        for share in SHARES:
            x, y = found["mean"][:, None] + root @ circle * np.sqrt(-2 * np.log(1 - share))
            panel.plot(x, y, color=colour)
    panel.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="$z_1$", ylabel="$z_2$")
    panel.set_title("posteriors")
    panel.set_box_aspect(1)


def _sentences(found: Mapping[str, Array]) -> list[str]:
    variance = float(found["monte_carlo_variance"][0] * found["draws"][0])
    missing = -float(np.expm1(found["elbo"] - found["log_evidence"]))
    narrow = found["independent"][0] / found["covariance"][0, 0]
    return [
        f"The bound is {signed(float(found['log_evidence'] - found['elbo']), 2)} nats below "
        f"log p(x) = {signed(float(found['log_evidence']), 2)}, whatever the number of draws. Its "
        f"exponential, to which the estimates come with many draws, misses {100 * missing:.0f} % "
        f"of p(x). The variance of Monte Carlo is {significant(variance)} p(x)²/n, so that from "
        f"{found['enough']} draws on its mean squared error is the smaller one; so it is with "
        "one draw, with which that of variational inference is infinite.",
        f"The variational posterior gives each code {100 * narrow:.0f} % of its true variance.",
    ]
