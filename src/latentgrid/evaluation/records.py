"""Records of runs as rows of the table of runs, and what their losses must have in common."""

import math
from collections.abc import Iterable
from math import isclose
from typing import Any

import pandas as pd
import torch

from latentgrid import models
from latentgrid.data import sources
from latentgrid.errors import UserError
from latentgrid.evaluation.measures import losses
from latentgrid.models import Model
from latentgrid.studies.records import Record, RecordedRun
from latentgrid.training.validation import trained_on

# A loss follows from its terms in double precision, a batch's loss from its images' in single.
OF_A_LOSS, OF_A_SUM = 1e-9, 1e-6
# Older versions of pandas read some numbers of a history one bit off.
OF_A_MEASURE = 1e-12


def rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return records as rows of the table of runs, in its columns.

    `run` is "record:" and the record's path below studies/; `entry` is the model. What the history
    says is computed from it as for a run, and other measures are those of the record. `hours` is
    how long the training took.

    Raises:
        UserError: a record's measures are not those of its history; the text names its file.
    """
    return list(map(_row, records))


def _row(record: Record) -> dict[str, Any]:
    run, settings = record.run, record.run.settings
    for fault in _other_measures(run):
        raise UserError(f"{record.path}: {fault}; delete it")
    trained = {"optimizer": settings.optimizer, "learning_rate": settings.learning_rate}
    axes = {**settings.hyperparameters, **trained, **settings.options}
    measured = {**(run.measures or {}), **losses.of_history(history(run))}
    return {
        "run": record.name,
        "entry": settings.model,
        "model": settings.model,
        **{name: value for name, value in axes.items() if value is not None},
        "seed": settings.seed,
        "planned_epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "precision": settings.precision,
        **measured,
        "status": run.status,
        "reason": run.reason,
        "epochs": run.epochs,
        "hours": _hours(run),
    }


def _hours(run: RecordedRun) -> float | None:
    """Return how long a training took; None if it was continued, as part of it may be lost."""
    return None if run.continued_after_epochs else math.fsum(run.seconds_per_epoch) / 3600


def histories(records: Iterable[Record]) -> pd.DataFrame:
    """Return the histories of records below one another, in the columns of history.csv."""
    told = {record.name: history(record.run) for record in records}
    if not told:
        return pd.DataFrame({"run": []})
    return pd.concat(told, names=["run"]).reset_index("run")


def history(run: RecordedRun) -> pd.DataFrame:
    """Return the losses of a record, a row per epoch; without any row there are no columns."""
    if not run.history.rows:
        return pd.DataFrame()
    table = pd.DataFrame(run.history.rows, columns=run.history.columns)
    return table.astype({"epoch": int})


def contradictions(run: RecordedRun) -> list[str]:
    """Return what in a record contradicts its history or what its model says of its losses.

    Each model says how its loss follows from its terms, and how a batch's loss follows from that
    of its images; so the columns of a history depend on one another (`contracts.models`).
    """
    faults = _other_measures(run)
    if not run.history.rows:
        return faults
    size = sources.size(run.dataset)
    model = models.build(run.settings.model_dump(), size.shape, size.classes)
    images = trained_on(size.train, run.settings.options)
    return [*faults, *_other_losses(run, model), *_other_sums(run, model, images)]


def _other_measures(run: RecordedRun) -> list[str]:
    """Return which measures are not those of the history."""
    measured, told = losses.of_history(history(run)), run.measures or {}
    return [
        f"measures {name} {told[name]}, and its history says {value}"
        for name, value in measured.items()
        if name in told and not _same(told[name], value)
    ]


def _same(told: Any, value: float) -> bool:
    return isinstance(told, int | float) and isclose(told, value, rel_tol=OF_A_MEASURE)


def _other_losses(run: RecordedRun, model: Model) -> list[str]:
    """Return the first epoch whose loss is not what the model makes of its terms."""
    for part in ("train", "test"):
        names = {term: f"{part}_{term}" for term in model.terms}
        missing = sorted({*names.values()} - {*run.history.columns})
        if missing:
            return [f"the history lacks {', '.join(missing)}"]
        for row in history(run).to_dict("records"):
            terms = {term: torch.tensor(row[n], dtype=torch.float64) for term, n in names.items()}
            made, told = float(model.loss(terms)), row[f"{part}_loss"]
            if abs(made - told) > OF_A_LOSS * sum(abs(float(value)) for value in terms.values()):
                return [f"epoch {row['epoch']}: {part}_loss is {told}, and its terms make {made}"]
    return []


def _other_sums(run: RecordedRun, model: Model, images: int) -> list[str]:
    """Return the first epoch whose sum of batch losses does not follow from its loss.

    Less a constant, a batch's loss is the sum or the mean of its images' losses. Players that
    compete have other objectives.
    """
    if type(model).players is not Model.players or model.closed_form:
        return []
    if missing := sorted({"train_batch_sum", "train_batch_sum_corrected"} - {*run.history.columns}):
        return [f"the history lacks {', '.join(missing)}"]
    whole, rest = divmod(images, run.settings.batch_size)
    sizes = [run.settings.batch_size] * whole + [rest] * (rest > 0)
    surplus = sum(map(model.batch_surplus, sizes))
    for row in history(run).to_dict("records"):
        total, corrected = row["train_batch_sum"], row["train_batch_sum_corrected"]
        rounding = OF_A_SUM * abs(total)
        if abs(total - corrected - surplus) > rounding:
            return [f"epoch {row['epoch']}: the sums differ by {total - corrected}, not {surplus}"]
        if _adds_up(model):
            follows = row["train_loss"] * images
        elif not rest:
            follows = row["train_loss"] * len(sizes)
        else:  # means of batches of unequal sizes
            continue
        if abs(corrected - follows) > rounding:
            told = f"train_batch_sum_corrected is {corrected}"
            return [f"epoch {row['epoch']}: {told}, and train_loss makes {follows}"]
    return []


def _adds_up(model: Model) -> bool:
    """Tell whether a batch's loss is the sum of its images' losses, and not their mean."""
    two = {term: torch.ones(2, dtype=torch.float64) for term in model.terms}
    batch = model.batch_loss(two) - model.batch_surplus(2)
    return bool(torch.isclose(batch, model.loss(two).sum()))
