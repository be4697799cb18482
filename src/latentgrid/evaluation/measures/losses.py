"""The losses of a run, per image and on the scale of source 000."""

from typing import Any

import pandas as pd

from latentgrid.results.trained import TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = (
    "min_train_loss",
    "min_train_batch_sum",
    "min_train_batch_sum_corrected",
    "min_validation_loss",
    "best_epoch",
)
SUMS = ("train_batch_sum", "train_batch_sum_corrected")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return the smallest and the last epoch's losses (`of_history`)."""
    return of_history(run.history)


def of_history(history: pd.DataFrame) -> dict[str, Any]:
    """Return the smallest and the last epoch's losses of a history; nothing if it has no epoch.

    `min_train_batch_sum` is the number in source 000's tables: the sum of an epoch's batch losses,
    smallest over the epochs. `min_train_batch_sum_corrected` is the same with the latent dimension
    subtracted for every image and not once per batch. `best_epoch` is the epoch with the smallest
    training loss. `min_validation_loss` is there if images were held out. `train_loss`,
    `test_loss` and each term's `train_…` and `test_…` are per image, of the last epoch.
    """
    if history.empty:
        return {}
    last = history.iloc[-1]
    losses = {name: float(last[name]) for name in history.columns if name != "epoch"}
    smallest = history["train_loss"].min()
    others = [name for name in (*SUMS, "validation_loss") if name in history]
    return {
        "min_train_loss": float(smallest),
        **{f"min_{name}": float(history[name].min()) for name in others},
        "best_epoch": int(history["epoch"][history["train_loss"].idxmin()]),
        **losses,
    }
