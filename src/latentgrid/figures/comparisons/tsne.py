"""The codes of the test images in the plane, by t-SNE (source 002, figure 4.5)."""

import pandas as pd

from latentgrid.evaluation.neighbours import NEIGHBOURS, neighbours
from latentgrid.evaluation.planes import PLANE
from latentgrid.figures.drawing import NO_CLASSES, Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import class_legend, labelled_panels, scatter_plane
from latentgrid.results.trained import Array

TITLE = "Codes by t-SNE"
SECTION = "Where the codes lie"
PLACE = 2
CAPTION = (
    "The test codes of the best run with more than two dimensions of each model shown, laid out "
    "in the plane by t-SNE and coloured by class; each class's name stands at the median of its "
    "points. t-SNE keeps neighbours together; sizes of the groups and distances between them "
    "mean little. Look for classes that break into several groups or share one."
)
CLAIM = (
    "Source 002 (section 4.4.1, figure 4.5) finds its variational autoencoder to separate the "
    "digits no better than the autoencoder and to scatter them a little more, and leaves it to "
    "the silhouettes to decide."
)
CLAIM_ON = ("ae", "vae_bce", "conv5_vae")
NEEDS = ("encode",)
READS = ("embedded_codes",)


def draw(results: Results) -> Drawing:
    """Draw the codes of each model's best run with more than two dimensions by t-SNE, by class."""
    planes = results.read("embedded_codes")
    runs = results.runs
    wide = runs[~(runs["latent_dim"] <= PLANE)] if "latent_dim" in runs else runs
    shown = [(run, planes[run["run"]]) for run in results.best(wide) if run["run"] in planes]
    if not shown:
        return nothing("No run with codes of more than two dimensions has finished.")
    labels = results.test.labels[: len(shown[0][1])]
    figure, places = labelled_panels([results.label(run) for run, _ in shown])
    for panel, (_, plane) in zip(places, shown, strict=True):
        scatter_plane(panel, plane, labels, results.test.name_of)
    class_legend(figure, labels, results.test.name_of)
    return Drawing(figure, _separation(shown, labels) if results.test.has_classes else [NO_CLASSES])


def _separation(shown: list[tuple[pd.Series, Array]], labels: Array) -> list[str]:
    """Say, from most to least, how many points lie among points of their own class."""
    shares = {run["entry"]: neighbours(plane, labels)[0] for run, plane in shown}
    ranked = sorted(shares, key=lambda entry: shares[entry], reverse=True)
    return [
        f"Share of points that the majority of their {NEIGHBOURS} nearest in the plane names "
        f"rightly: {', '.join(f'{entry} {shares[entry]:.2f}' for entry in ranked)}."
    ]
