"""Finds runs that were trained alike, as only these can be compared."""

from collections.abc import Container, Sequence

import numpy as np
import pandas as pd

from latentgrid.grid import catalogue

# What two compared runs have in common besides what a comparison asks for.
OF_A_RATE = ("optimizer", "learning_rate")
TRAINING = (*OF_A_RATE, "planned_epochs", "batch_size")


def trained_alike(
    first: pd.DataFrame, second: pd.DataFrame, free: Container[str] = frozenset()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs of two sides of a comparison that had one training.

    They agree in optimizer, learning rate, epochs and batch size, except those that are `free`; a
    model in closed form has no training and goes with any. Where both sides have several trainings,
    those count that belong to the entries which bear their models' names; of these the ones with
    the most seeds, of these the longest, and of these the one with the smallest batches. If several
    optimizers or learning rates are left, all of them count.
    """
    axes, sides = shared(first, second, free), (first, second)
    trainings = pd.concat([side.loc[takes_steps(side), axes] for side in sides]).drop_duplicates()
    if not axes or trainings.empty:
        return sides
    had = [[_had(side, training) for side in sides] for _, training in trainings.iterrows()]
    ranks = [_rank([side[mask] for side, mask in zip(sides, masks, strict=True)]) for masks in had]
    chosen = [masks for masks, rank in zip(had, ranks, strict=True) if rank == max(ranks)]
    one, other = (np.logical_or.reduce(masks) for masks in zip(*chosen, strict=True))
    return first[one], second[other]


def shared(
    first: pd.DataFrame, second: pd.DataFrame, free: Container[str] = frozenset()
) -> list[str]:
    """Return the columns in which the training of two sides must agree."""
    return [name for name in TRAINING if name in first and name in second and name not in free]


def takes_steps(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which runs are of models that take training steps."""
    return ~runs["model"].map(catalogue.is_closed_form).astype(bool)


def _had(runs: pd.DataFrame, training: pd.Series) -> "pd.Series[bool]":
    """Tell which runs had a training; those of models that have none had any."""
    own = runs[training.index]
    same: pd.Series[bool] = (own.eq(training) | (own.isna() & training.isna())).all(axis=1)
    return same | ~takes_steps(runs)


def _rank(sides: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """Return what makes one training count before another; the largest counts."""
    seeds = len(frozenset.intersection(*(frozenset(side["seed"]) for side in sides)))
    named = sum(bool((side["entry"] == side["model"]).any()) for side in sides if "entry" in side)
    trained = pd.concat([side[takes_steps(side)] for side in sides])
    epochs, batch = (
        float(trained[name].max()) if name in trained else 0.0
        for name in ("planned_epochs", "batch_size")
    )
    return bool(seeds), named, seeds, epochs, -batch
