"""Scenes of several digits, and what a U-Net takes each pixel for (source 001)."""

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from latentgrid.evaluation.measures.segmentation import intersection_over_union
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH, class_legend, show_images
from latentgrid.results.labels import percent
from latentgrid.results.trained import Array

TITLE = "Segmentation"
SECTION = "What is restored"
PLACE = 3
CAPTION = (
    "Scenes made of the first test images, three to each; what class each pixel belongs to; how "
    "much a pixel weighs in the loss, w(x); and the most probable class of each pixel by the best "
    "run of each model and setting. White is the background. Look at the lines of background "
    "between objects, which weigh most, and for objects of two colours, which were found but not "
    "recognised."
)
CLAIM = (
    'Source 001 ("UNETs") describes how a U-Net labels each pixel of a microscope\'s image: with '
    "elastic deformations of the images, and a cross entropy whose weights w(x) stress the borders "
    "of cells. It shows no result of its own."
)
NEEDS = ("segment",)
SHOWN = 7
HEIGHT = 0.78  # of a row, in inches


def draw(results: Results) -> Drawing:
    """Draw scenes, true classes, weights, and a row of found classes for each setting.

    The scenes of runs of one seed are the same; all shown runs have the same seed.
    """
    runs = results.runs[results.runs["seed"] == results.runs["seed"].iloc[:1].squeeze()]
    found = results.with_snapshot("segmented", [run for _, run in runs.iterrows()])
    if not found:
        return nothing("No run that segments scenes has finished.")
    weighted = max((_weights(results, run) for run, _ in found), key=np.max)
    first = results.trained(found[0][0]["run"])
    scenes, classes = first.last("scenes"), first.last("scene_classes")
    assert scenes is not None
    assert classes is not None
    rows = {"true classes": classes, **{_label(results, run): of for run, of in found}}
    labels = ["scenes", "weights w(x)", *rows]
    figure = Figure(figsize=(WIDTH, HEIGHT * len(labels) + 0.1))
    panels = figure.subplots(len(labels), SHOWN, squeeze=False)
    for row, label in zip(panels, labels, strict=True):
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
    for panel, scene in zip(panels[0], scenes, strict=False):
        show_images(panel, scene[None], 1)
    for panel, of in zip(panels[1], weighted, strict=False):
        heat = panel.imshow(of, cmap="cividis", vmin=0, vmax=weighted[:SHOWN].max())
    figure.colorbar(heat, ax=list(panels[1]), aspect=7, fraction=0.02, pad=0.005)
    for row, shown in zip(panels[2:], rows.values(), strict=True):
        for panel, of in zip(row, shown, strict=False):
            panel.imshow(_coloured(of), interpolation="nearest")
    for panel in panels.flatten():
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color="0.8", linewidth=0.5)
    shown_classes = np.unique(np.concatenate([of[:SHOWN] for of in rows.values()]))
    class_legend(figure, shown_classes[shown_classes > 0] - 1, results.test.name_of)
    return Drawing(figure, [_measured(results, run) for run, _ in found])


def _weights(results: Results, run: pd.Series) -> Array:
    weights = results.trained(run["run"]).last("scene_weights")
    assert weights is not None
    return weights


def _label(results: Results, run: pd.Series) -> str:
    return results.label(run).replace(", ", "\n")


def _coloured(classes: Array) -> Array:
    """Return an image (h, w, 3) of classes (h, w) in the palette, the background in white."""
    palette = np.array([to_rgb(colour) for colour in PALETTE])
    coloured: Array = np.where(
        (classes > 0)[..., None], palette[(classes - 1) % len(palette)], np.ones(3)
    )
    return coloured


def _measured(results: Results, run: pd.Series) -> str:
    """Give the measures of a run, and its best and worst class but the background."""
    confusion = results.trained(run["run"]).last("confusion")
    assert confusion is not None
    ious = {
        label: iou
        for label, iou in enumerate(intersection_over_union(confusion)[1:])
        if iou is not None
    }
    best, worst = max(ious, key=lambda c: ious[c]), min(ious, key=lambda c: ious[c])
    name = _label(results, run).replace("\n", ", ")
    between = run.get("border_accuracy", float("nan"))
    of_them = "" if pd.isna(between) else f", {percent(between, 1)} of those between objects"
    return (
        f"{name}: intersection over union {run['mean_iou']:.3f} on average, from {ious[worst]:.3f} "
        f"for {results.test.name_of(worst)} to {ious[best]:.3f} for "
        f"{results.test.name_of(best)}; {percent(run['pixel_accuracy'], 1)} of the "
        f"pixels are right{of_them}."
    )
