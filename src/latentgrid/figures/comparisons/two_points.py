"""Two points on which the ELBO grows without bound (source 000, section 4.8.2)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import expit
from scipy.stats import norm

from latentgrid.figures.drawing import Drawing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import GREY, WIDTH
from latentgrid.results.trained import Array
from latentgrid.text import signed

TITLE = "Two points on which the ELBO diverges"
SECTION = "Where training fails"
PLACE = 1
CAPTION = (
    "Two data points, −1 and 1, a decoder N(±1, σ²) that sees only the sign of the code z, and "
    "an encoder N(±c, λ²) of the code. Above, the bound (ELBO) that gradient ascent raises, the "
    "divergence of the encoder from the true posterior, and the parameters, over the steps; no "
    "line has come to a rest where it stops, and σ soon is too small to be drawn. The ascent of "
    "all three parameters is drawn solid; dashed, σ is at each step the best one for c and λ. "
    "Gradients longer than 1 are cut to that length, or the dashed ascent would soon leave all "
    "bounds. Below, for the solid ascent, the densities of the codes by encoder (q) and true "
    "posterior (p). Look for a bound that grows without end while the encoder becomes a spike "
    "and the true posterior stays one half of the prior."
)
CLAIM = (
    "Source 000 (section 4.8.2, after Chen et al. 2016) derives that the ELBO goes to infinity "
    "as λ goes to 0 and c to infinity, and that the divergence of the encoder from the true "
    "posterior then goes to infinity too. It drew no figure."
)
READS = ("experiments/two_points",)
STYLES = {"free": "-", "matched": "--"}
LABELS = {"free": "σ, c and λ ascend", "matched": "c and λ ascend, σ is the best for them"}
PARAMETERS = {"sigma": "σ", "c": "c", "lambda": "λ"}
MIN_VALUE = 0.01  # where axes of parameters and densities begin: σ soon is too small to draw
MOMENTS = (0, 0.1, 1)  # shares of the steps


def draw(results: Results) -> Drawing:
    """Draw ELBO, divergence and parameters over the steps, and densities of z at a few of them.

    The densities are those of the ascent that changes all three parameters.
    """
    ascents = {name: results.read_part(READS[0], name) for name in STYLES}
    figure = Figure(figsize=(WIDTH, 5.2))
    above, below = figure.subplots(2, 3)
    for name, of in ascents.items():
        for panel, quantity in zip(above, ("elbo", "kl"), strict=False):
            panel.plot(of["step"], of[quantity], STYLES[name], color=PALETTE[0], label=LABELS[name])
        for colour, (parameter, symbol) in zip(PALETTE, PARAMETERS.items(), strict=False):
            named = symbol if name == "free" else None
            above[2].plot(of["step"], of[parameter], STYLES[name], color=colour, label=named)
    for panel in above:
        panel.set(xscale="log", xlabel="step")
    above[0].set_yscale("symlog", linthresh=1)
    above[0].set_ylim(bottom=-3)
    above[0].set(ylabel="ELBO of a point, nats", title="the bound")
    above[1].set(yscale="log", ylabel="KL(q(z|x) ‖ p(z|x)), nats", title="distance to the truth")
    above[2].set(yscale="log", ylim=(MIN_VALUE, 100), ylabel="value", title="parameters")
    above[2].legend(frameon=False, loc="lower left")
    _draw_densities(below, ascents["free"])
    named = above[0].get_legend_handles_labels()
    figure.legend(*named, loc="outside upper center", ncols=2, frameon=False)
    densities = below[0].get_legend_handles_labels()
    figure.legend(*densities, loc="outside lower center", ncols=5, frameon=False)
    return Drawing(figure, _growth(ascents))


def _draw_densities(places: Array, ascent: Mapping[str, Array]) -> None:
    """Draw q(z|x), p(z|x) and the prior at a few moments."""
    z = np.linspace(-3, 3, 1201)
    moments = np.searchsorted(ascent["step"], np.multiply(MOMENTS, ascent["step"][-1]))
    highest = norm.pdf(0, scale=ascent["lambda"][-1])
    for panel, moment in zip(places, moments, strict=True):
        _draw_moment(panel, z, {name: values[moment] for name, values in ascent.items()})
        panel.set(yscale="log", ylim=(MIN_VALUE, 1.6 * highest), xlim=(z[0], z[-1]), xlabel="z")
    places[0].set_ylabel("density")


def _draw_moment(panel: Axes, z: Array, at: Mapping[str, float]) -> None:
    for colour, x in ((PALETTE[0], 1), (PALETTE[2], -1)):
        mean, truth = x * at["c"], 2 * norm.pdf(z) * expit(2 * x * np.sign(z) / at["sigma"] ** 2)
        panel.plot(z, norm.pdf(z, mean, at["lambda"]), color=colour, label=_given("q", x))
        panel.plot(z, truth, ":", color=colour, label=_given("p", x))
    panel.plot(z, norm.pdf(z), color=GREY, linewidth=0.8, label="p(z)")
    panel.set_title(f"step {at['step']:,.0f}\nELBO {signed(at['elbo'], 1)}, KL {at['kl']:.2f} nats")


def _given(density: str, x: int) -> str:
    return f"{density}(z|x = {x})".replace("-", "−")


def _growth(ascents: Mapping[str, Mapping[str, Array]]) -> list[str]:
    """Say how far the ELBO rises in each ascent."""
    return [
        f"Where {LABELS[name]}, {of['step'][-1]:,.0f} steps raise the ELBO from "
        f"{_short(of['elbo'][0])} to {_short(of['elbo'][-1])} nats, and the divergence of q(z|x) "
        f"from the true posterior from {_short(of['kl'][0])} to {_short(of['kl'][-1])} nats; "
        f"c goes from {of['c'][0]:.2f} to {of['c'][-1]:.2f}, λ from {of['lambda'][0]:.2f} to "
        f"{of['lambda'][-1]:.3f}."
        for name, of in ascents.items()
    ]


def _short(value: float) -> str:
    """Return a number to three significant digits, thousands with commas: −1.74, 164,000."""
    return f"{float(f'{value:.3g}'):,.6g}".replace("-", "−")
