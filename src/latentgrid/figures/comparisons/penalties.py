"""What penalties on its code do to an autoencoder (source 001)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from latentgrid.data import to_unit_interval
from latentgrid.evaluation.slopes import jacobian_norms
from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.grid import catalogue
from latentgrid.models import Encoder
from latentgrid.results.labels import plain
from latentgrid.results.trained import Array

TITLE = "Sparse and contractive codes"
SECTION = "Where the codes lie"
PLACE = 7
CAPTION = (
    "An autoencoder without a penalty and the same network with one. Left, how the values of the "
    "test codes are distributed, each dimension in units of its own standard deviation, in the "
    "colours of the right panel; the thin dotted line is the normal distribution. A sparse code "
    "has most of its values near 0 and few "
    "far away, so that its line is high in the middle. Right, how far the code moves with the "
    "image, ‖∂h/∂x‖, in units of the codes' spread: the median over test images and where the "
    "middle 90 % lie. Look for a contractive code that moves least. Both in units in which it does "
    "not help a model merely to make all codes smaller."
)
CLAIM = (
    'Source 001 ("Autocodificadores") names both penalties as ways to regularise an autoencoder: '
    "one for codes with few active units, one for codes that hardly change with the image. It "
    "shows neither."
)
NEEDS = ("encode", "decode")
PLAIN = "ae"  # the model whose network the penalised ones have
MEASURED = 1000  # test images
NEAR = 0.1  # standard deviations
REACH = 4.0
BINS = 40
MIDDLE = (5, 50, 95)  # percentiles
LINES = ("-", "--", "-.")


@dataclass(frozen=True)
class Codes:
    """The test codes of a run.

    Attributes:
        label: the run's.
        values: (n·d,), in standard deviations of their dimensions.
        slopes: ‖∂h/∂x‖ of each image in units of the codes' spread, (n,).
        error: the squared error per test image.
    """

    label: str
    values: Array
    slopes: Array
    error: float


def draw(results: Results) -> Drawing:
    """Draw the distribution of values and the slopes of the codes, of each model and penalty."""
    shown = [_codes(results, run) for run in _runs(results)]
    if not shown:
        return nothing("No run of an autoencoder with a penalty has finished.")
    figure = Figure(figsize=(WIDTH, 2.9))
    left, right = figure.subplots(1, 2)
    for number, codes in enumerate(shown):
        _draw_values(left, codes, number)
    grid = np.linspace(-REACH, REACH, 200)
    left.plot(grid, stats.norm.pdf(grid), color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="value of a code, in standard deviations", ylabel="density")
    left.set_xlim(-REACH, REACH)
    left.set_ylim(0, None)
    _draw_slopes(right, shown)
    return Drawing(figure, _seen(shown))


def _runs(results: Results) -> list[pd.Series]:
    """Return the best run of each entry and penalty, after those of the plain model beside them."""
    runs = results.runs
    penalised = runs[["penalty" in catalogue.model_hyperparameters(m) for m in runs["model"]]]
    beside = runs["latent_dim"].isin(penalised["latent_dim"]) & (runs["model"] == PLAIN)
    groups = [runs[beside]]
    if "penalty" in penalised:
        groups += [
            of for _, of in penalised.groupby(["entry", "penalty"], dropna=False, sort=False)
        ]
    elif len(penalised):
        groups.append(penalised)
    return [run for of in groups if len(penalised) for run in results.best(of)]


def _codes(results: Results, run: pd.Series) -> Codes:
    import torch

    model = results.loaded(run).model
    assert isinstance(model, Encoder)
    images = to_unit_interval(torch.from_numpy(results.test.images[:MEASURED]))
    codes = model.encode(images).detach().numpy().astype(float)
    deviations = codes.std(axis=0)
    alive = deviations > 0
    spread = float(np.sqrt(np.square(deviations).sum()))
    penalty = run.get("penalty")
    label = run["entry"] if pd.isna(penalty) else f"{run['entry']}, λ = {plain(penalty)}"
    return Codes(
        label=f"{label}, d = {run['latent_dim']:g}",
        values=(codes[:, alive] / deviations[alive]).ravel(),
        slopes=jacobian_norms(model, images).numpy() / spread,
        error=float(run["test_squared_error"]),
    )


def _draw_values(panel: Axes, codes: Codes, number: int) -> None:
    density, edges = np.histogram(codes.values, BINS, (-REACH, REACH))
    width = edges[1] - edges[0]
    panel.stairs(
        density / (len(codes.values) * width),
        edges,
        color=PALETTE[number % len(PALETTE)],
        linestyle=LINES[number % len(LINES)],
        baseline=None,
    )


def _draw_slopes(panel: Axes, shown: list[Codes]) -> None:
    for number, codes in enumerate(shown):
        low, median, high = np.percentile(codes.slopes, MIDDLE)
        colour = PALETTE[number % len(PALETTE)]
        panel.plot([low, high], [-number, -number], color=colour)
        panel.plot(median, -number, "o", color=colour, markersize=5)
    labels = [f"{codes.label}\nerror {codes.error:.1f}" for codes in shown]
    panel.set_yticks([-number for number in range(len(shown))], labels)
    panel.set_ylim(-len(shown) + 0.5, 0.5)
    panel.set_xlim(0, 1.1 * max(np.percentile(codes.slopes, MIDDLE[-1]) for codes in shown))
    panel.tick_params(axis="y", length=0)
    panel.set_xlabel("slope ‖∂h/∂x‖, in spreads of the code")


def _seen(shown: list[Codes]) -> list[str]:
    near = ", ".join(
        f"{codes.label} {100 * np.mean(np.abs(codes.values) < NEAR):.0f} %" for codes in shown
    )
    normal = 100 * (2 * stats.norm.cdf(NEAR) - 1)
    slopes = ", ".join(
        f"{codes.label} {significant(float(np.median(codes.slopes)))}" for codes in shown
    )
    errors = ", ".join(f"{codes.label} {codes.error:.1f}" for codes in shown)
    return [
        f"Share of code values within {NEAR:g} standard deviations of 0: {near}; of a normal "
        f"distribution {normal:.0f} %.",
        f"Median slope of the code in its own spreads: {slopes}.",
        f"Squared error per test image: {errors}.",
    ]
