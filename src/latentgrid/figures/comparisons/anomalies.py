"""Images that are no data, found by their reconstruction (source 000, section 7.2)."""

from math import log10

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from sklearn.metrics import roc_auc_score

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, labelled_panels
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel
from latentgrid.results.trained import Array

TITLE = "Anomalies"
SECTION = "What is lost"
PLACE = 6
CAPTION = (
    "How far what a model makes of an image is from the image, the squared error, for test images "
    "and for anomalies: test images turned by a quarter, inverted, and with all pixels in random "
    "order. The numbers are the probability that an anomaly has a larger error than a test image "
    "(AUROC), in the colour of its kind: 0.5 is chance, 1 finds all. Look for a model "
    "that reconstructs what it has never seen: its error finds no anomaly."
)
CLAIM = (
    "Source 000 (section 7.2) proposes variational autoencoders to detect anomalies, and shows no "
    "results."
)
NEEDS = ("encode", "decode")
IMAGES = 500  # of each kind
BINS = 40
MANY_DECADES = 2.5
USUAL = "test images"
COLOURS = ("0.75", *PALETTE[:3])


def draw(results: Results) -> Drawing:
    """Draw the errors of test images and of each kind of anomaly, a panel for each model."""
    shown = results.without("corrupt")
    runs = list(shown.best(shown.runs))
    if not runs:
        return nothing("No run that encodes and decodes has finished.")
    images = results.test.images[:IMAGES]
    kinds = anomalies(images)
    found = {}
    for run in runs:
        model = results.loaded(run)
        found[run["entry"]] = {
            kind: errors(model, of) for kind, of in ((USUAL, images), *kinds.items())
        }
    table = pd.DataFrame(
        {entry: {kind: auroc(of[USUAL], of[kind]) for kind in kinds} for entry, of in found.items()}
    ).T
    figure, places = labelled_panels([results.label(run) for run in runs], aspect=0.75)
    every = np.concatenate([error for of in found.values() for error in of.values()])
    edges = np.geomspace(max(every.min(), 1e-3), every.max(), BINS).tolist()
    for panel, run, of in zip(places, runs, found.values(), strict=True):
        _draw_errors(panel, of, edges)
        _write(panel, table.loc[run["entry"]])
    highest = max(panel.get_ylim()[1] for panel in places)
    for panel in places:
        panel.set(ylim=(0, highest), xlabel="squared error", ylabel="images")
    label_outer(places)
    handles, names = places[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    return Drawing(figure, _sentences(table))


def anomalies(images: Array) -> dict[str, Array]:
    """Return images (n, c, h, w) turned by a quarter, inverted, and with pixels in random order."""
    n, channels = images.shape[:2]
    order = torch.rand(n, images[0, 0].size, generator=random_generator(0, "figure anomalies"))
    places = order.argsort(dim=1).numpy()
    pixels = np.take_along_axis(images.reshape(n, channels, -1), places[:, None], axis=2)
    turned = (
        np.rot90(images, axes=(2, 3)) if images.shape[2] == images.shape[3] else images[..., ::-1]
    )
    return {
        "turned": np.ascontiguousarray(turned),
        "inverted": 255 - images,
        "shuffled": pixels.reshape(images.shape),
    }


def errors(model: LoadedModel, images: Array) -> Array:
    """Return the squared error of each image (n, c, h, w), summed over pixels in [0, 1], (n,)."""
    away = (model.reconstruct(images).astype(float) - images) / 255
    summed: Array = (away**2).reshape(len(images), -1).sum(axis=1)
    return summed


def auroc(usual: Array, unusual: Array) -> float:
    """Return the probability that an anomaly's error is the larger one; equal ones count half."""
    is_anomaly = np.repeat([0, 1], [len(usual), len(unusual)])
    return float(roc_auc_score(is_anomaly, np.concatenate([usual, unusual])))


def _draw_errors(panel: Axes, of: dict[str, Array], edges: list[float]) -> None:
    usual, *unusual = of.items()
    panel.hist(usual[1].clip(edges[0]), edges, color=COLOURS[0], label=usual[0])
    for (kind, error), colour in zip(unusual, COLOURS[1:], strict=True):
        panel.hist(error.clip(edges[0]), edges, histtype="step", color=colour, label=kind)
    panel.set_xscale("log")
    decades = log10(edges[-1] / edges[0])
    ticks = LogLocator(subs=(1,) if decades > MANY_DECADES else (1, 3))
    panel.xaxis.set_major_locator(ticks if decades > 1 else MaxNLocator(3))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _write(panel: Axes, aurocs: "pd.Series[float]") -> None:
    """Write the numbers into a corner, one below the other as the legend has their kinds."""
    for line, (value, colour) in enumerate(zip(aurocs, COLOURS[1:], strict=True)):
        place = (0, 1), (3, -8 - 9 * line)
        panel.annotate(
            f"{value:.2f}", *place, "axes fraction", "offset points", color=colour, fontsize=7
        )


def _sentences(table: pd.DataFrame) -> list[str]:
    ranked = table.loc[table.mean(axis=1).sort_values(ascending=False).index]
    each = "; ".join(
        f"{entry} {', '.join(f'{value:.2f}' for value in row)}" for entry, row in ranked.iterrows()
    )
    return [f"AUROC of {', '.join(table.columns)} images, the best model first: {each}."]
