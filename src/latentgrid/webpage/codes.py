"""Which codes a page shows: those of test images, and draws as the model itself draws."""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from latentgrid.api import abilities
from latentgrid.api.runs import Run
from latentgrid.evaluation.fitted import fitted
from latentgrid.models import Model
from latentgrid.randomness import random_generator
from latentgrid.results.trained import TestSet

Array = np.ndarray[Any, Any]
POINTS = 2000  # test images whose codes are drawn
CHOICES = 60  # images to choose from
DRAWS = 500  # new codes
SEED = 0  # of their draws
SAME = 1e-5  # of the largest value: float32 in batches of another size


@dataclass(frozen=True)
class Draws:
    """New codes of a model.

    Attributes:
        codes: (n, d); none where the model's samples are no decoded codes.
        drawn_from: the distribution, in words.
    """

    codes: Array
    drawn_from: str


@dataclass(frozen=True)
class Points:
    """The codes in the plane, of which the first can be chosen.

    Attributes:
        codes: (n, d).
        choices: how many can be chosen, k.
        images: the test images of these, uint8, (k, c, h, w); none of a model that does not encode.
        labels: the class of each code, (n,); none where there are no classes.
        class_names: of each class.
    """

    codes: Array
    choices: int
    images: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    labels: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    class_names: tuple[str, ...] = ()


def points_of(run: Run, draws: Draws) -> Points:
    """Return the codes of the run's test images; of a model that does not encode, its draws.

    Raises:
        UserError: the model does not encode and draws no codes, or its data set is missing.
    """
    if "encode" not in run.abilities:
        if not draws.codes.size:
            raise abilities.unable(run.model, "have a page, as it neither encodes nor draws codes")
        return Points(draws.codes, CHOICES)
    test = images_in_turn(run)
    codes, choices = run.encode(test.images), test.images[:CHOICES]
    if not test.has_classes:
        return Points(codes, len(choices), choices)
    names = tuple(test.name_of(label) for label in range(int(test.labels.max()) + 1))
    return Points(codes, len(choices), choices, test.labels, names)


def images_in_turn(run: Run) -> TestSet:
    """Return the test images whose codes are drawn: the classes take turns, each in its order."""
    test = run.test_set
    turns = pd.Series(test.labels).groupby(test.labels).cumcount()
    places = np.lexsort((test.labels, turns))[:POINTS]
    return TestSet(test.images[places], test.labels[places], test.class_names)


def draws_of(run: Run) -> Draws:
    """Draw codes from the model's prior, or from a Gaussian where it has none."""
    if "sample" in run.abilities:
        return Draws(codes_of_samples(run.model, DRAWS), "the model’s own prior")
    codes = run.encode(run.test_set.images)
    draws = torch.randn(DRAWS, codes.shape[1], generator=random_generator(SEED, "page"))
    words = "a Gaussian fitted to the codes of the test images, as the model has no prior"
    return Draws(fitted(codes, draws.numpy()).astype(np.float32), words)


def codes_of_samples(model: Model, n: int) -> Array:
    """Return the codes (n, d) that a model decodes when it draws n samples, whatever its prior.

    None, shape (0, 0), if its samples are anything but decoded codes.
    """
    seen: list[Tensor] = []
    decoder: Any = model
    watched: Any = copy.copy(model)

    def decode(codes: Tensor) -> Tensor:
        seen.append(codes)
        images: Tensor = decoder.decode(codes)
        return images

    watched.decode = decode
    images = abilities.sample(watched, n, SEED)
    codes: Array = torch.cat(seen).numpy() if seen else np.empty((0, 0), np.float32)
    again = abilities.decode(model, codes) if len(codes) == n else np.empty(0)
    same = again.shape == images.shape and np.allclose(again, images, atol=SAME)
    return codes if same else np.empty((0, 0), np.float32)
