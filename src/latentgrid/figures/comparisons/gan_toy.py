"""A GAN learns a Gaussian (source 001, after figure 1 of Goodfellow et al. 2014; source 004)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde, norm

from latentgrid.figures.drawing import Drawing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.trained import Array

TITLE = "A GAN learns a Gaussian"
SECTION = "Where training fails"
PLACE = 2
CAPTION = (
    "A GAN whose data are draws of a Gaussian in one dimension, seen as it trains: the density "
    "of the data, that of the generated points (a kernel estimate, 10,000 points; the narrow "
    "ones of the beginning leave the panel), the discriminator and, for these two densities, "
    "the optimal one, both drawn where there are points to judge. The lines below lead from "
    "evenly likely codes, −2 to 2 over the width, to the points that the generator makes of "
    "them. Look for the generated density coming to lie on that of the data, and for a "
    "discriminator that then comes near to one half."
)
CLAIM = (
    'Source 001 ("Ejemplo de una Gaussiana") shows figure 1 of Goodfellow et al. (2014), a '
    "sketch in which both densities come to lie on one another and the discriminator to be one "
    "half everywhere. Source 004 (section 1.2) asks that neither player become much better than "
    "the other."
)
READS = ("experiments/gan_toy",)
COLUMNS = 3
# As shares of the data's highest density: where both densities are below the first, D has seen no
# points; the second is the end of the axis, beyond which the peak of a narrow generator is cut.
DENSE = 0.01
HIGHEST = 2.2


def draw(results: Results) -> Drawing:
    """Draw, for each recorded step, densities, discriminator, and the generator's map of codes."""
    result = results.read(READS[0])
    x, steps = result["x"], result["step"]
    data = norm.pdf(x, result["mean"], result["deviation"])
    rows = -(-len(steps) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 2.6 * rows + 0.3))
    places = figure.subplots(2 * rows, COLUMNS, height_ratios=[3, 1] * rows, sharex=True)
    densities = [gaussian_kde(samples)(x) for samples in result["samples"]]
    for moment, step in enumerate(steps):
        row, column = divmod(moment, COLUMNS)
        panel, arrows = places[2 * row : 2 * row + 2, column]
        right = _draw_players(panel, x, data, densities[moment], result["discriminator"][moment])
        panel.set_title(f"after {step:,} batches" if step else "before training")
        _draw_mapping(arrows, result["z"], result["mapped"][moment])
        panel.set_ylabel("density" if column == 0 else "")
        arrows.set_ylabel("z → x" if column == 0 else "")
        right.set_ylabel("D(x)" if column == COLUMNS - 1 else "")
        right.tick_params(labelright=column == COLUMNS - 1)
        panel.tick_params(labelleft=column == 0)
        arrows.tick_params(labelbottom=row == rows - 1)
        arrows.set_xlabel("x" if row == rows - 1 else "")
    for unused in (
        places.T.reshape(COLUMNS, rows, 2).transpose(1, 0, 2).reshape(-1, 2)[len(steps) :]
    ):
        unused[0].set_visible(False)
        unused[1].set_visible(False)
    handles = [*places[0, 0].get_lines(), *figure.axes[-1].get_lines()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return Drawing(figure, _learnt(result, data, densities))


def _draw_players(panel: Axes, x: Array, data: Array, generated: Array, found: Array) -> Axes:
    """Draw the densities, and the discriminator on an axis of its own where there are points."""
    panel.plot(x, data, ":", color="black", label="data p")
    panel.plot(x, generated, color=PALETTE[0], label="generated q")
    panel.set(ylim=(0, HIGHEST * data.max()), xlim=(x[0], x[-1]))
    right = panel.twinx()
    right.spines["right"].set_visible(True)
    seen = data + generated > DENSE * data.max()
    best = np.where(seen, data / (data + generated), np.nan)
    right.plot(x, np.where(seen, found, np.nan), "--", color=PALETTE[2], label="discriminator D")
    right.plot(x, best, color=PALETTE[1], linewidth=0.8, label="optimal D = p/(p + q)")
    right.set_ylim(0, 1.02)
    return right


def _draw_mapping(panel: Axes, z: Array, mapped: Array) -> None:
    """Draw lines from codes (below, −2 to 2 over the width) to the points G(z) (above)."""
    below = np.interp(z, [-2, 2], panel.get_xlim())
    panel.plot([below, mapped], [np.zeros_like(z), np.ones_like(z)], color=PALETTE[0], lw=0.6)
    panel.set(ylim=(0, 1), yticks=[])


def _learnt(result: Mapping[str, Array], data: Array, densities: list[Array]) -> list[str]:
    x, mean, deviation = result["x"], float(result["mean"]), float(result["deviation"])
    means, spreads = result["samples"].mean(axis=1), result["samples"].std(axis=1)
    middles = [(data + generated) / 2 for generated in densities]
    gaps = [
        np.trapezoid(np.abs(found - data / (2 * middle)) * middle, x)
        for found, middle in zip(result["discriminator"], middles, strict=True)
    ]
    listed = ", ".join(
        f"{step:,}: {m:.3f} ± {s:.3f}"
        for step, m, s in zip(result["step"], means, spreads, strict=True)
    )
    return [
        f"Mean ± standard deviation of the generated points, by batches seen: {listed}; "
        f"of the data, {mean:.3f} ± {deviation:.3f}.",
        f"The discriminator differs from the optimal one by {gaps[0]:.2f} before training and by "
        f"{gaps[-1]:.2f} at the end, on average over points of both kinds.",
    ]
