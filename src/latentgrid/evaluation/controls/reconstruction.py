"""Controls of losses and of the squared error of reconstructions."""

from collections.abc import Iterator

import pandas as pd
import torch

from latentgrid.data import Images
from latentgrid.evaluation.controls import (
    ROUNDING,
    Control,
    KnownRun,
    Material,
    balanced,
    exactly,
    labelled,
    measured,
)
from latentgrid.evaluation.measures import losses, reconstruction
from latentgrid.models.pca import PCA
from latentgrid.models.vae import VAE
from latentgrid.randomness import random_generator
from latentgrid.results.trained import TestSet
from latentgrid.training.loop import Training, evaluate
from latentgrid.training.snapshots import snapshot

IMAGES, BATCH, DIMENSIONS = 50, 20, 3
SIZES = (20, 20, 10)  # of these batches
SMALL = (1, 4, 4)
ROWS = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [3.0, 1.0, 2.0], "test_loss": [5.0, 4.0, 6]})
OF_ROWS = {"min_train_loss": 1.0, "best_epoch": 2.0, "train_loss": 2.0, "test_loss": 6.0}
VALIDATED = ROWS.assign(validation_loss=[8.0, 9.0, 7.0])
SETTINGS = {
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "precision": "float32",
    "epochs": 1,
    "batch_size": BATCH,
    "seed": 0,
}


def controls(material: Material) -> Iterator[Control]:
    """Yield the mean image as every reconstruction, a known history, and an epoch of a VAE."""
    yield from _mean_image(material.test)
    for name, expected in OF_ROWS.items():
        value = measured(losses.measure, KnownRun(history=ROWS), labelled(balanced(1)), name)
        case = "a history with training losses 3, 1, 2 and test losses 5, 4, 6"
        yield Control(name, case, *exactly(expected), value, "by hand")
    held_out = measured(
        losses.measure, KnownRun(history=VALIDATED), labelled(balanced(1)), "min_validation_loss"
    )
    case = "a history with validation losses 8, 9, 7"
    yield Control("min_validation_loss", case, *exactly(7.0), held_out, "by hand")
    yield from _sums()


def _mean_image(test: TestSet) -> Iterator[Control]:
    """Yield the error of a model whose every reconstruction is the mean of the test images."""
    pixels = test.images.reshape(len(test.images), -1) / 255
    variance = float(pixels.var(axis=0).sum())
    model = PCA(test.images.shape[1:], 1).eval()  # without components until it is fitted
    model.mean.copy_(torch.from_numpy(pixels.mean(axis=0)))
    images, labels = torch.from_numpy(test.images), torch.from_numpy(test.labels)
    data = Images(images, labels, images, labels)
    kept = snapshot(model, data, seed=0, samples=1, manifold=1)
    run = KnownRun("pca", {"squared_error": kept["squared_error"].numpy()})
    expected = exactly(variance, ROUNDING * variance)
    case = "the mean test image for every reconstruction"
    why = "the sum of the pixels' variances"
    value = measured(reconstruction.measure, run, test, "test_squared_error")
    yield Control("test_squared_error", case, *expected, value, why)
    # Batches of 7 leave a smaller last one, which must not count as much as the others.
    row = evaluate(model, images, labels, 7, random_generator(0, "controls"))
    yield Control("test_loss", case, *expected, row["loss"], why)


def _sums() -> Iterator[Control]:
    """Yield the sums of batch losses of an epoch of source 000's dense VAE, beside its loss."""
    noise = random_generator(0, "controls sums")
    images = torch.randint(256, (IMAGES, *SMALL), generator=noise).to(torch.uint8)
    labels = torch.from_numpy(balanced(IMAGES))
    data = Images(images, labels, images, labels)
    model = VAE(SMALL, DIMENSIONS)
    model.initialise(noise)
    row = Training(model, data, SETTINGS).train_epoch()
    history = pd.DataFrame([{"epoch": 1} | {f"train_{name}": value for name, value in row.items()}])
    run, none = KnownRun(history=history), labelled(balanced(1))
    of_all = IMAGES * measured(losses.measure, run, none, "train_loss")
    constant = sum(DIMENSIONS * (size - 1) / 2 for size in SIZES)
    case = f"an epoch of vae with {IMAGES} images in batches of {BATCH}"
    for name, surplus, why in (
        ("min_train_batch_sum", constant, "n times the loss, and ½·(n − 1)·d for each batch"),
        ("min_train_batch_sum_corrected", 0.0, "n times the loss"),
    ):
        expected = exactly(of_all + surplus, ROUNDING * abs(of_all))
        yield Control(name, case, *expected, measured(losses.measure, run, none, name), why)
