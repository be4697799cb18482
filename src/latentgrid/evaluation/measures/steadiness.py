"""How much a model's samples still change from one kept epoch to the next."""

from typing import Any

import numpy as np

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("sample_drift",)


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `sample_drift` between the last two kept epochs of training, if samples were kept.

    A run's samples are made of the same draws at every epoch. Runs compare if the same epochs were
    kept of them.
    """
    samples = [of for epoch, of in run.over_epochs("samples").items() if epoch > 0]
    if len(samples) < 2:  # noqa: PLR2004
        return {}
    change = drift(samples[-2], samples[-1])
    return {} if change is None else {"sample_drift": change}


def drift(before: Array, after: Array) -> float | None:
    """Return how far images moved, as a share of how far unrelated ones would lie apart.

    E‖b − a‖² ÷ (Var a + Var b) over uint8 images (n, c, h, w) in pairs, variances summed over the
    pixels. It is 0 if nothing moves, 1 on average for pairs that have only their distribution in
    common, and more where all move together, as collapsed samples do. None if all images of either
    kind are alike.
    """
    first, second = (images.reshape(len(images), -1) / 255 for images in (before, after))
    apart = first.var(axis=0).sum() + second.var(axis=0).sum()
    moved = np.square(second - first).sum(axis=1).mean()
    return float(moved / apart) if apart > 0 else None
