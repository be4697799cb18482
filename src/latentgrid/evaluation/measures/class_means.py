"""How far what a model decodes from the mean code of a class is from the mean of its images."""

from itertools import combinations
from typing import Any

import numpy as np

from latentgrid.models import Corrupter, Decoder
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("class_mean_distance",)


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `class_mean_distance` (`distance`) of the images that mean codes decode to.

    Source 002 (section 4.3.1) looks at these images. Models that see damaged images have none.
    """
    codes = run.last("codes")
    if codes is None:
        return {}
    model = load_model(run)
    if not isinstance(model, Decoder) or isinstance(model, Corrupter):
        return {}
    labels = test.labels
    decoded = LoadedModel(model).decode(means(codes[: len(labels)], labels))
    found = distance(decoded / 255, means(test.images, labels) / 255)
    return {} if found is None else {"class_mean_distance": found}


def means(values: Array, labels: Array) -> Array:
    """Return the mean of each class's values, (n, …) → (classes, …), in the order of the labels."""
    return np.stack([values[labels == label].mean(axis=0) for label in np.unique(labels)])


def distance(decoded: Array, images: Array) -> float | None:
    """Return how far decoded images lie from the classes' mean images, (classes, c, h, w) both.

    It is the squared distance, averaged over the classes, over that between the mean images of two
    classes, averaged over all pairs: 0 for the mean images themselves, and 1 for images as far off
    as those of another class. None with a single class or classes of equal means.
    """
    pairs = [np.square(one - other).sum() for one, other in combinations(images, 2)]
    apart = float(np.mean(pairs)) if pairs else 0.0
    off = np.square(decoded - images).sum(axis=(1, 2, 3)).mean()
    return float(off / apart) if apart > 0 else None
