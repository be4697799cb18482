"""Trains a model on an array in memory, by the loop that trains runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isqrt
from threading import RLock
from typing import Any

import numpy as np
import pandas as pd
import torch

from latentgrid.api.abilities import Array
from latentgrid.api.surroundings import of_our_own
from latentgrid.data import Images
from latentgrid.data.contract import Size
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.messages import shown
from latentgrid.grid.runs import Run
from latentgrid.models import ImageShape, Model
from latentgrid.training.loop import Training
from latentgrid.training.run import new_model
from latentgrid.training.steps import Row
from latentgrid.training.trial import try_run
from latentgrid.training.validation import trained_on

WHITE = 255
IMAGE_AXES = 3
ONE_AT_A_TIME = RLock()


def image_shape(given: Sequence[int] | None, features: int) -> ImageShape:
    """Return the shape of the image that a row of features is.

    Raises:
        UserError: the given one has another number of values.
    """
    if given is None:
        side = isqrt(features)
        return (1, side, side) if side**2 == features else (1, 1, features)
    is_shape = isinstance(given, Sequence) and len(given) == IMAGE_AXES
    if not is_shape or not all(_is_side(n) for n in given):
        raise UserError(f"image_shape: found {shown(given)}; allowed: (channels, height, width)")
    channels, height, width = map(int, given)
    if channels * height * width != features:
        raise UserError(
            f"image_shape: found {(channels, height, width)}, {channels * height * width} values; "
            f"X has {features} features"
        )
    return channels, height, width


def _is_side(n: object) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and bool(n > 0)


def fit(
    model: str, settings: Mapping[str, Any], pixels: Array, labels: Array | None
) -> tuple[Model, pd.DataFrame]:
    """Train a model.

    Args:
        model: its name.
        settings: the hyperparameters and options, epochs, seed and so on, all in one. A batch has
            all images if there are fewer than `batch_size`.
        pixels: images (n, c, h, w) in [0, 1], float64.
        labels: their classes (n,), from 0 on; None for models that are not shown them.

    Returns:
        The model, on the CPU and in evaluation mode, and a row per epoch.

    Raises:
        UserError: the model cannot be trained so, or a loss was not finite.
    """
    data = _images(pixels, labels)
    run = _settings(model, settings, len(pixels))
    size = Size(len(pixels), len(pixels), data.shape, data.classes)
    with _as_a_training_job():
        try_run(model, run, size)
        network = new_model(run, data, "cpu")
        training = Training(network, data, run)
        del training.tested["test"]  # there are no test images
        rows: list[Row] = []
        outcome = training.run(rows.append)
    if outcome.diverged:
        raise UserError(f"diverged, {outcome.diverged}; lower learning_rate")
    return network.eval(), pd.DataFrame(rows)


def _images(pixels: Array, labels: Array | None) -> Images:
    """Return pixels as a data set.

    A training divides its images by 255, bytes or not. In double precision nothing is lost by that,
    and bytes that were divided by 255 before are the same numbers again.
    """
    images = torch.from_numpy(np.ascontiguousarray(pixels) * WHITE)
    classes = np.zeros(len(pixels)) if labels is None else labels
    known = torch.from_numpy(classes.astype(np.uint8))
    return Images(images, known, images, known)


def _settings(model: str, given: Mapping[str, Any], images: int) -> dict[str, Any]:
    """Return the settings of the run that trains a model so."""
    once = catalogue.is_closed_form(model)
    trained = trained_on(images, given)
    return Run(
        entry=model,
        model=model,
        axes=given,
        seed=given["seed"],
        epochs=1 if once else given["epochs"],
        batch_size=trained if once else min(given["batch_size"], trained) or 1,
        precision="float32" if once else given["precision"],
        validation=given.get("validation", 0.0),
        snapshots={},
    ).settings


@contextmanager
def _as_a_training_job() -> Iterator[None]:
    """Compute as a training job does, on one thread, and leave torch as it was.

    One at a time: torch's own generator and its number of threads are those of the whole process,
    so that fits in threads would draw from each other's.
    """
    with ONE_AT_A_TIME:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        flushes = torch.set_flush_denormal(True)
        try:
            with torch.random.fork_rng(devices=[]), of_our_own():
                yield
        finally:
            torch.set_num_threads(threads)
            if flushes:
                torch.set_flush_denormal(False)
