"""Denoising points of the plane (source 003, "Denoising Auto-encoders", "Ejemplo 2D")."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import GREY, WIDTH
from latentgrid.results.trained import Array
from latentgrid.text import signed

TITLE = "Denoising in two dimensions"
SECTION = "What is restored"
PLACE = 2
CAPTION = (
    "Points of the plane with Gaussian noise, and a network h that learns by the squared error "
    "to give back the clean point. Left the data and noisy points; in the middle arrows half "
    "the way from a place x̃ to h(x̃); right what h makes of the noisy points, and what has the "
    "least squared error, the mean E[x | x̃] of the points that it could have been. Above the "
    "data are a spiral, below just two points, so near for the noise that a noisy point between "
    "them can come from either. Look for arrows that lead to the data, and below for answers "
    "between the two points, where no datum is."
)
CLAIM = (
    'Source 003 ("Denoising Auto-encoders", "Ejemplo 2D" and "Múltiples soluciones") draws data '
    "of the plane, noisy and restored, and the learnt field; with several solutions, it says, "
    "the best that the squared error can give is their mean, which is hardly ever one of them."
)
READS = ("experiments/denoising_toy",)
TITLES = {"spiral": "Points of a spiral", "pair": "Two points"}
FEW = 10  # up to so many points are drawn as larger dots
DATA, NOISY, LEARNT, BEST = PALETTE[2], GREY, PALETTE[0], PALETTE[4]


def draw(results: Results) -> Drawing:
    """Draw a row for each data set: noisy points, the field h(x̃) − x̃, and what becomes of them."""
    spiral, pair = (results.read_part(READS[0], name) for name in TITLES)
    figure = Figure(figsize=(WIDTH, 4.7))
    places = figure.subplots(2, 3)
    for row, of, title in zip(places, (spiral, pair), TITLES.values(), strict=True):
        _draw_noise(row[0], of)
        row[0].set_title(f"{title}, noise σ = {of['sigma']:.2f}")
        _draw_field(row[1], of)
    _draw_points(places[0, 2], spiral)
    _draw_answers(places[1, 2], pair)
    for panel in places.flatten():
        panel.set_box_aspect(1)
    found = dict(zip(*reversed(places[0, 2].get_legend_handles_labels()), strict=True))
    found |= dict(zip(*reversed(places[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found, loc="outside lower center", ncols=4, frameon=False)
    return Drawing(figure, [*_errors(spiral, pair), _middle(pair)])


def _draw_noise(panel: Axes, of: Mapping[str, Array]) -> None:
    panel.plot(*of["noisy"].T, ".", color=NOISY, markersize=2, label="noisy points x̃")
    _plane(panel, of)


def _draw_field(panel: Axes, of: Mapping[str, Array]) -> None:
    """Draw arrows from x̃ halfway to h(x̃), at every second point of the grid."""
    side = round(len(of["grid"]) ** 0.5)
    every = np.s_[::2, ::2]
    start, end = (of[name].reshape(side, side, 2)[every] for name in ("grid", "grid_restored"))
    scale: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 2, "width": 0.006}
    panel.quiver(
        start[..., 0], start[..., 1], *np.moveaxis(end - start, 2, 0), color=LEARNT, **scale
    )
    _plane(panel, of)
    panel.set_title("field ½(h(x̃) − x̃)")


def _draw_points(panel: Axes, of: Mapping[str, Array]) -> None:
    panel.plot(*of["best"].T, ".", color=BEST, markersize=4, label="least squared error, E[x | x̃]")
    panel.plot(*of["restored"].T, ".", color=LEARNT, markersize=2, label="learnt answer h(x̃)")
    _plane(panel, of)
    panel.set_title("answers h(x̃)")


def _draw_answers(panel: Axes, of: Mapping[str, Array]) -> None:
    """Draw the first coordinate of h(x̃) and of E[x | x̃] over that of x̃."""
    order = of["noisy"][:, 0].argsort()
    noisy, best, restored = (of[name][order, 0] for name in ("noisy", "best", "restored"))
    for level in of["points"][:, 0]:
        panel.axhline(level, color=DATA, linewidth=0.8)
    panel.plot(noisy, best, color=BEST, linewidth=3)
    panel.plot(noisy, restored, ".", color=LEARNT, markersize=2)
    panel.set(xlabel="$x̃_1$", ylabel="$h_1(x̃)$", title="answer over noisy point")


def _plane(panel: Axes, of: Mapping[str, Array]) -> None:
    size = 2 if len(of["points"]) > FEW else 5
    panel.plot(*of["points"].T, "o", color=DATA, markersize=size, label="data x")
    reach = 1.1 * of["grid"].max()
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$x_1$", ylabel="$x_2$")


def _errors(*data: Mapping[str, Array]) -> list[str]:
    sentences = []
    for of, title in zip(data, TITLES.values(), strict=True):
        noisy, learnt, best = (
            ((of[name] - of["clean"]) ** 2).sum(axis=1).mean()
            for name in ("noisy", "restored", "best")
        )
        sentences.append(
            f"{title}: mean squared distance to the clean point {noisy:.3f} before and "
            f"{learnt:.3f} after denoising; E[x | x̃] leaves {best:.3f}."
        )
    return sentences


def _middle(pair: Mapping[str, Array]) -> str:
    middle = np.linalg.norm(pair["grid"], axis=1).argmin()
    first, second = pair["grid_restored"][middle]
    return (
        f"Half way between the two points, h answers ({signed(first, 2)}, {signed(second, 2)}); "
        f"no datum is nearer to that place than {np.linalg.norm(pair['points'], axis=1).min():.0f}."
    )
