"""Images decoded from the mean code of each class (source 002, figure 4.2)."""

from itertools import combinations
from statistics import fmean

import numpy as np

from latentgrid.evaluation.distances import difference
from latentgrid.evaluation.measures.class_means import means
from latentgrid.figures.drawing import NO_CLASSES, Drawing, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.figures.style import short_name
from latentgrid.results.trained import Array

TITLE = "The mean code of each class"
SECTION = "What is drawn"
PLACE = 5
CAPTION = (
    "Images decoded from the mean code of the test images of each class, a row for the best run "
    "of each model with the latent dimension that most models share; in the first row the mean "
    "of the images themselves. Look for rows that look alike although their codes differ, and "
    "for how little they differ from the mean image."
)
CLAIM = (
    "Source 002 (figure 4.2) found the images of an autoencoder and of a variational "
    "autoencoder strikingly alike, and asks why (section 5.3)."
)
CLAIM_ON = ("ae", "vae_bce")
NEEDS = ("encode", "decode")
MAX_CLASSES = 20  # columns in which an image can still be seen


def draw(results: Results) -> Drawing:
    """Draw a column for each class: the mean of its test images, then its mean code decoded.

    There is a row for each model with the common latent dimension. Codes are those of test images.
    """
    dimension, runs = results.without("corrupt").of_common_dimension()
    if not runs:
        return nothing("No run that encodes and decodes undamaged images has finished.")
    if not results.test.has_classes:
        return nothing(NO_CLASSES)
    test = results.test
    classes = np.unique(test.labels)[:MAX_CLASSES]
    shown_here = np.isin(test.labels, classes)
    images, labels = test.images[shown_here], test.labels[shown_here]
    mean_images = means(images, labels).round().astype(np.uint8)
    decoded = {}
    for run in runs:
        model = results.loaded(run)
        decoded[results.name(run)] = model.decode(means(model.encode(images), labels))
    shown = {"mean of the images": mean_images} | decoded
    rows = [Row(label, [sheet]) for label, sheet in shown.items()]
    figure = draw_rows(
        rows, [f"class, d = {dimension}"], [short_name(test.name_of(c)) for c in classes]
    )
    left_out = len(np.unique(test.labels)) - len(classes)
    first = f"Of {left_out + MAX_CLASSES} classes the first {MAX_CLASSES} are shown."
    return Drawing(figure, [first] * (left_out > 0) + alike(list(decoded.values()), mean_images))


def alike(decoded: list[Array], mean_images: Array) -> list[str]:
    """Say how much models' images (classes, c, h, w) differ from each other and from the means."""
    between = [difference(one, other) for one, other in combinations(decoded, 2)]
    within = [
        difference(one[None], other[None])
        for sheet in decoded
        for one, other in combinations(sheet, 2)
    ]
    parts = []
    if between:
        parts.append(f"{significant(fmean(between))} between two models for the same class")
    if within:
        parts.append(f"{significant(fmean(within))} between two classes of the same model")
    from_means = fmean(difference(sheet, mean_images) for sheet in decoded)
    parts.append(f"{significant(from_means)} between a decoded image and the mean of the images")
    return [f"The mean squared difference per pixel is {'; '.join(parts)}."]
