"""The error of reconstructions over the latent dimension, PCA against autoencoders (source 003)."""

from math import prod

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH, loss_axis

TITLE = "Error over the latent dimension"
SECTION = "What is lost"
PLACE = 2
CAPTION = (
    "The squared error of the reconstructed test images, per pixel with pixels in [0, 1], over "
    "the latent dimension, both on logarithmic scales: the best setting of each model at each "
    "dimension, the mean over its seeds and, as a vertical line, their range. The dotted line "
    "is the error of the mean training image, which needs no code at all. Look for the distance "
    "between the line of PCA, where it is shown, and those of autoencoders, and for where they "
    "meet."
)
CLAIM = (
    'Source 003 ("Deep Auto-encoders") says that deep networks give better results than linear '
    "projections, and shows it on reconstructions of PCA and of a convolutional autoencoder at "
    "d = 2, 4, 8, 16 and 32."
)
CLAIM_ON = ("pca", "conv_ae")
NEEDS = ("encode", "decode")
MARKERS = "osD^vPX<>*"
APART = 1.15  # two dimensions are both labelled if their ratio is at least this


def draw(results: Results) -> Drawing:
    """Draw a curve for each entry with two or more latent dimensions, on logarithmic axes.

    A point is the mean over the seeds of the best setting with that dimension, and a vertical line
    their range.
    """
    results = results.without("corrupt")
    curves = {
        entry: pd.concat([_errors(results, run) for run in runs], ignore_index=True)
        for entry, runs in results.by_dimension().items()
        if len(runs) > 1
    }
    if not curves:
        return nothing("No model that encodes and decodes has two or more latent dimensions.")
    figure = Figure(figsize=(WIDTH, 3.2))
    panel = figure.subplots()
    for number, (entry, curve) in enumerate(curves.items()):
        colour = PALETTE[number % len(PALETTE)]
        marker = MARKERS[number % len(MARKERS)]
        panel.plot(
            curve["dimension"],
            curve["mean"],
            color=colour,
            marker=marker,
            markersize=4,
            label=entry,
        )
        panel.vlines(curve["dimension"], curve["low"], curve["high"], color=colour)
    table = pd.concat(curves.values())
    flat = _error_of_mean_image(results)
    panel.axhline(flat, color="black", linewidth=0.8, linestyle=":", label="mean training image")
    loss_axis(panel, pd.concat([table["low"], table["high"], pd.Series([flat])]))
    _dimension_axis(panel, sorted(table["dimension"].unique()))
    panel.set(xlabel="latent dimension", ylabel="squared error per pixel")
    figure.legend(loc="outside right upper", frameon=False)
    return Drawing(figure, _falls(curves, results))


def _errors(results: Results, run: pd.Series) -> pd.DataFrame:
    """Return a row: dimension, and mean, smallest and largest error per pixel over the seeds."""
    pixels = prod(results.test.images.shape[1:])
    errors = results.repeated(run)["test_squared_error"] / pixels
    row = {"dimension": run["latent_dim"], "mean": errors.mean()}
    return pd.DataFrame([row | {"low": errors.min(), "high": errors.max()}])


def _error_of_mean_image(results: Results) -> float:
    mean = results.training_images(None).mean(axis=0)
    return float(np.mean((results.test.images - mean) ** 2) / 255**2)


def _dimension_axis(panel: Axes, dimensions: list[float]) -> None:
    panel.set_xscale("log")
    shown = dimensions[:1]
    for dimension in dimensions[1:]:
        if dimension > APART * shown[-1]:
            shown.append(dimension)
    panel.set_xticks(shown, [f"{dimension:g}" for dimension in shown])
    panel.set_xticks([], minor=True)


def _falls(curves: dict[str, pd.DataFrame], results: Results) -> list[str]:
    """Say how far the errors fall, and how large they are as multiples of PCA's."""
    parts = []
    for entry, curve in curves.items():
        first, last = curve.iloc[0], curve.iloc[-1]
        parts.append(
            f"{entry} {significant(first['mean'])} at d = {first['dimension']:g}, "
            f"{significant(last['mean'])} at d = {last['dimension']:g}"
        )
    sentences = [f"Squared error per pixel: {'; '.join(parts)}."]
    return sentences + _multiples(curves, results)


def _multiples(curves: dict[str, pd.DataFrame], results: Results) -> list[str]:
    """Say how large the errors are as multiples of PCA's with the same dimension."""
    linear = results.runs.loc[results.runs["model"] == "pca", "entry"]
    errors = {entry: curve.set_index("dimension")["mean"] for entry, curve in curves.items()}
    reference = next((entry for entry in errors if entry in set(linear)), None)
    if reference is None:
        return []
    parts = []
    for entry, of_entry in errors.items():
        ratios = (of_entry / errors[reference]).dropna()
        if entry != reference and len(ratios):
            shown = ", ".join(f"{ratio:.2f} (d = {d:g})" for d, ratio in ratios.items())
            parts.append(f"{entry} {shown}")
    if not parts:
        return []
    return [f"As multiples of {reference}'s error at the same dimension: {'; '.join(parts)}."]
