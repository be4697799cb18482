"""Several images fit a damaged one, and the squared error answers with their mean (source 003)."""

import numpy as np
import pandas as pd
import torch

from latentgrid.data import corruptions
from latentgrid.evaluation.completions import completed, completions
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.randomness import random_generator
from latentgrid.results.labels import percent
from latentgrid.results.trained import Array

TITLE = "Several answers"
SECTION = "What is restored"
PLACE = 1.5
CAPTION = (
    "Test images with a square removed that several digits fit, and what fits: the training images "
    "that agree best with what is visible, put into the hole. They stand for draws of p(x | x̃), "
    "without any model; below them is the mean of the 20 that agree best, which stands for E[x | "
    "x̃], and below that what the networks answer that were trained on the squared error. On the "
    "right, the squared error to the true image, summed over the removed pixels and averaged over "
    "500 test images. Look for answers that are grey where the completions differ: they are the "
    "best in this error, and no digit. The networks do not see which black pixels were removed; "
    "the reference knows it."
)
CLAIM = (
    'Source 003 ("Ejemplo MNIST", "Múltiples soluciones") says that p(x | x̃) can have several '
    "modes, and that the best that the squared error can give is their mean, E[x | x̃], which is "
    "hardly ever one of them. It draws no such case."
)
NEEDS = ("corrupt", "reconstruct")
CORRUPTION = "block"
MEASURED = 500  # test images
SHOWN = 10  # test images
NEIGHBOURS = 20
DRAWN = 4  # of these


def draw(results: Results) -> Drawing:
    """Draw the test images whose completions show the most classes, and all that is made of them.

    The damage is the same for all models, and drawn for this figure.
    """
    runs = _trained_on_it(results)
    if not runs:
        return nothing(
            f"No run that restores images with the corruption {CORRUPTION} has finished."
        )
    clean = results.test.images[:MEASURED]
    visible = _visible(clean)
    damaged = np.where(visible, clean, 0).astype(np.uint8)
    training = results.training_images(None)
    nearest = completions(damaged, visible, training, min(NEIGHBOURS, len(training)))
    fits = completed(damaged[:, None], visible[:, None], training[nearest])
    answers = {f"mean of {nearest.shape[1]} that fit": fits.mean(axis=1)}
    for run in runs:
        restored = results.loaded(run).reconstruct(damaged)
        answers[run["entry"]] = completed(damaged, visible, restored)
    classes = results.training_labels()[nearest]
    chosen = _most_classes(classes)
    rows = [
        Row("test images", [clean[chosen]]),
        Row("given", [damaged[chosen]]),
        *(_row("", fits[:, i], clean, chosen) for i in range(DRAWN)),
        *(_row(label, images, clean, chosen) for label, images in answers.items()),
    ]
    rows[2] = _row("images that fit", fits[:, 0], clean, chosen)
    return Drawing(draw_rows(rows, notes="error"), _seen(answers, fits, clean, classes))


def _trained_on_it(results: Results) -> list[pd.Series]:
    """Return each entry's best run that was trained on the corruption."""
    settings = results.runs["run"].map(lambda run: results.trained(run).config.settings)
    kinds = settings.map(lambda of: of["hyperparameters"].get("corruption"))
    return list(results.best(results.runs[kinds == CORRUPTION]))


def _visible(images: Array) -> Array:
    """Return which pixels of images (n, c, h, w) the corruption leaves, (n, 1, h, w)."""
    white = torch.ones(len(images), 1, *images.shape[2:])
    left = corruptions.load(CORRUPTION)(white, random_generator(0, "figure several_answers"))
    return np.asarray(left > 0)


def _most_classes(classes: Array) -> Array:
    """Return the places of the rows (n, k) of classes that have the most different ones."""
    different = np.array([len(np.unique(row)) for row in classes])
    order: Array = np.argsort(-different, kind="stable")
    return order[:SHOWN]


def _row(label: str, images: Array, clean: Array, chosen: Array) -> Row:
    """Return a row of the chosen images, with the error of all of them to the clean ones."""
    return Row(label, [images[chosen].round().astype(np.uint8)], f"{_error(images, clean):.1f}")


def _error(first: Array, second: Array) -> float:
    """Return Σ(a − b)² over pixels in [0, 1], averaged over images (n, c, h, w) in [0, 255]."""
    difference = (first.astype(np.float64) - second) / 255
    return float((difference**2).sum(axis=(1, 2, 3)).mean())


def _seen(answers: dict[str, Array], fits: Array, clean: Array, classes: Array) -> list[str]:
    """Say how often several classes fit, and what is near to what."""
    several = np.mean([len(np.unique(row)) > 1 for row in classes])
    (reference, mean), *networks = answers.items()
    each = fits.shape[1]
    single = np.mean([_error(fits[:, i], clean) for i in range(each)])
    sentences = [
        f"Of {len(clean)} test images, {percent(float(several))} have completions of more than one "
        f"class among the {each} that fit best.",
        f"Squared error to the true image: {single:.1f} for one image that fits, "
        f"{_error(mean, clean):.1f} for the {reference}, "
        + ", ".join(f"{_error(images, clean):.1f} for {label}" for label, images in networks)
        + ".",
    ]
    # By so much the mean is nearer to every image, the true one too, than those that fit are.
    spread = np.mean([_error(fits[:, i], mean) for i in range(each)])
    away = ", ".join(f"that of {label} by {_error(images, mean):.1f}" for label, images in networks)
    sentences.append(
        f"From that mean the answers differ (squared too): {away}; an image that fits by "
        f"{spread:.1f}."
    )
    return sentences
