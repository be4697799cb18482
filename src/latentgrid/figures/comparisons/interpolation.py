"""Along the straight line between two codes, PCA against autoencoders (source 003)."""

import numpy as np
import pandas as pd

from latentgrid.evaluation.distances import MEASURED, REAL, difference, distance_to_nearest
from latentgrid.figures.drawing import Drawing, listed, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.figures.style import short_name
from latentgrid.results.loaded import LoadedModel
from latentgrid.results.trained import Array

TITLE = "Interpolation"
SECTION = "What is drawn"
PLACE = 7
CAPTION = (
    "What each model decodes along the straight line between the codes of two test images of "
    "different classes, in equal steps from one end to the other, at the largest latent "
    "dimension that two models share. Look at the middle: a linear model fades one image out "
    "while the other fades in; an autoencoder may pass through images that could be real."
)
CLAIM = (
    'Source 003 ("Interpolación") sets PCA beside a convolutional autoencoder at d = 32, to '
    "show what the latent space has learnt, and does not say what is seen."
)
CLAIM_ON = ("pca", "conv_ae")
NEEDS = ("encode", "decode")
PAIRS = 2
STEPS = 8


def draw(results: Results) -> Drawing:
    """Draw what each model decodes at regular steps between the codes of two test images.

    Models are those with the largest latent dimension that two entries share, or with the largest
    dimension if none is shared. The pairs of images are the same for all.
    """
    runs = _compared(results.without("corrupt"))
    if not runs:
        return nothing("No run that encodes and decodes undamaged images has finished.")
    test = results.test
    # Without classes each image counts as one of another.
    labels = test.labels if test.has_classes else np.arange(len(test.labels))
    first, second = pairs(labels)
    rows, blends, away = [], [], []
    real = results.training_images(REAL)
    for run in runs:
        model = results.loaded(run)
        codes = model.encode(results.test.images)
        shares = np.linspace(0, 1, STEPS)
        lines = [
            model.decode(between(codes[i : i + 1], codes[j : j + 1], shares))
            for i, j in zip(first[:PAIRS], second[:PAIRS], strict=True)
        ]
        rows.append(Row(results.name(run), lines))
        halfway, blend = _halfway(model, codes[first], codes[second])
        blends.append((run["entry"], difference(halfway, blend)))
        away.append((run["entry"], distance_to_nearest(halfway, real)))
    ends = zip(labels[first[:PAIRS]], labels[second[:PAIRS]], strict=True)
    dimension = f"d = {runs[0]['latent_dim']:g}"
    titles = [f"between two images, {dimension}"] * len(first[:PAIRS])
    if test.has_classes:
        named = [[short_name(test.name_of(label)) for label in pair] for pair in ends]
        titles = [f"from {one} to {other}, {dimension}" for one, other in named]
    figure = draw_rows(rows, titles)
    floor = significant(distance_to_nearest(results.test.images[:MEASURED], real))
    return Drawing(
        figure,
        [
            f"Over {len(first)} pairs of test images{' of different classes' * test.has_classes}, "
            "the image decoded halfway differs from the mean of the two decoded ends (squared, per "
            f"pixel) by: {listed(blends)}.",
            f"From the nearest of {len(real):,} training images it differs by: {listed(away)}; a "
            f"test image does by {floor}.",
        ],
    )


def pairs(labels: Array) -> tuple[Array, Array]:
    """Return pairs of indices: an image and the next of another class; no image is in two pairs."""
    left = list(range(len(labels)))
    found: list[tuple[int, int]] = []
    while left and len(found) < MEASURED:
        one = left.pop(0)
        other = next((place for place in left if labels[place] != labels[one]), None)
        if other is not None:
            left.remove(other)
            found.append((one, other))
    first, second = np.array(found, dtype=int).reshape(-1, 2).T
    return first, second


def between(one: Array, other: Array, shares: Array) -> Array:
    """Return codes (steps, d) at these shares of the way from one code (1, d) to another."""
    codes: Array = one + shares[:, None] * (other - one)
    return codes


def _halfway(model: LoadedModel, one: Array, other: Array) -> tuple[Array, Array]:
    """Return the images decoded halfway between codes, and the means of both ends' images."""
    ends = [model.decode(codes).astype(float) for codes in (one, other)]
    blend = np.mean(ends, axis=0).round().astype(np.uint8)
    return model.decode((one + other) / 2), blend


def _compared(results: Results) -> list[pd.Series]:
    entries = results.entries_by_dimension
    if entries.empty:
        return []
    shared = entries[entries > 1]
    return results.of_dimension((entries if shared.empty else shared).index.max())
