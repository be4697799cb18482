"""The first test images and what the best run of each model makes of them."""

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import WIDTH, show_images
from latentgrid.text import number

NEEDS = ("reconstruct",)
SHOWN = 16
LABEL_WIDTH = 24


def draw(material: Material) -> Drawing:
    """Draw the test images, then a row for each model's reconstructions of them.

    A model that removes damage has a row before it with the damaged images it was given.
    """
    rows = [("test images", material.test.images[:SHOWN])]
    for run, images in material.with_snapshot("reconstructions", material.best(material.runs)):
        corrupted = material.trained(run["run"]).last("corrupted")
        if corrupted is not None:
            rows.append((f"given to {run['entry']}", corrupted[:SHOWN]))
        rows.append((_wrapped(material.label(run)), images[:SHOWN]))
    if len(rows) == 1:
        return nothing("No run that reconstructs images has finished.")
    figure = Figure(figsize=(WIDTH, 0.42 * len(rows)))
    for panel, (label, images) in zip(figure.subplots(len(rows), 1), rows, strict=True):
        show_images(panel, images, SHOWN)
        panel.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
    return Drawing(figure, _errors(material))


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.fill(line, LABEL_WIDTH) for line in label.splitlines())


def _errors(material: Material) -> list[str]:
    """Say how much is lost by each entry's best run, from least to most."""
    best = pd.DataFrame(material.best(material.runs)).dropna(subset=["test_squared_error"])
    ranked = best.sort_values("test_squared_error")
    errors = [f"{run.entry} {number(run.test_squared_error)}" for run in ranked.itertuples()]
    return [
        f"Squared error of a test image, summed over its pixels, on average: {', '.join(errors)}."
    ]
