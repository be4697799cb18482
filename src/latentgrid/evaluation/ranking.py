"""Finds the best run or setting of an entry, and the measure by which it is best.

A model's class says whether its loss ranks its runs (`models.Model`). A GAN's loss does not, as
each run's own discriminator defines it; nor does a loss that contains a weight on which the runs
differ. Such runs are ranked by the measure that the model names, or not at all. The loss is that on
the validation images where all runs held some out, as vizoso-2020 chooses (section 6.5.2), else
that on the training images, as its tables have it.
"""

from dataclasses import dataclass

import pandas as pd

from latentgrid.grid import catalogue
from latentgrid.grid.better import larger_is_better

LOSS, VALIDATION_LOSS = "min_train_loss", "min_validation_loss"


@dataclass(frozen=True)
class Best:
    """The best row of an entry.

    Attributes:
        row: the run or setting.
        by: what makes it best, in words: "smallest min_train_loss".
    """

    row: pd.Series
    by: str


def best(rows: pd.DataFrame) -> Best:
    """Return the best of an entry's runs or settings: one or more rows in the order of the plan.

    The first of these rules that applies decides:

    1. the loss ranks all of them: the smallest loss (`loss_of`);
    2. all have the measure that the model names: the best value of that measure;
    3. the loss ranks some of them: the smallest loss among those that share the first row's values
       of `loss_depends_on`;
    4. the first row is taken, and `by` begins with "none".
    """
    model = str(rows["model"].iloc[0])
    named = catalogue.said(model, "ranked_by")
    varied = [name for name in catalogue.said(model, "loss_depends_on") if _varies(rows, name)]
    loss = loss_of(rows)
    ranks = catalogue.said(model, "loss_ranks") and measured(rows, loss)
    if ranks and not varied:
        return _by(rows, loss)
    if measured(rows, named):
        return _by(rows, named)
    if ranks:
        first = rows.iloc[0][varied]
        alike = _by(rows[(rows[varied] == first).all(axis=1)], loss)
        shared = ", ".join(f"{name} = {value}" for name, value in first.items())
        return Best(alike.row, f"{alike.by} where {shared}")
    reason = f", and {named} was not measured of all" if named else ""
    return Best(rows.iloc[0], f"none: the first, as the loss ranks no runs of {model}{reason}")


def measure_along(rows: pd.DataFrame, axis: str) -> str:
    """Return the measure by which an entry's runs on an axis are compared; "" if there is none."""
    model = str(rows["model"].iloc[0])
    depends = catalogue.said(model, "loss_depends_on")
    if catalogue.said(model, "loss_ranks") and axis not in depends:
        return loss_of(rows)
    named: str = catalogue.said(model, "ranked_by")
    return named if measured(rows, named) else ""


def loss_of(rows: pd.DataFrame) -> str:
    """Return the loss by which runs are ranked: on validation images if all runs have some."""
    return VALIDATION_LOSS if measured(rows, VALIDATION_LOSS) else LOSS


def measured(rows: pd.DataFrame, measure: str) -> bool:
    """Return whether all rows have a measure."""
    return measure in rows and bool(rows[measure].notna().all())


def _varies(rows: pd.DataFrame, name: str) -> bool:
    return name in rows and rows[name].nunique() > 1


def _by(rows: pd.DataFrame, measure: str) -> Best:
    if measure in larger_is_better():
        return Best(rows.loc[rows[measure].idxmax()], f"largest {measure}")
    return Best(rows.loc[rows[measure].idxmin()], f"smallest {measure}")
