"""When a training ends before its last epoch: once the validation loss falls no more."""

import torch
from torch import Tensor

from latentgrid.training.steps import Row

WATCHED = "validation_loss"


class NoStopping:
    """Never ends a training before its last epoch."""

    is_due = False

    def look_at(self, row: Row) -> None:
        """Do nothing with an epoch's row of the history."""

    def state(self) -> dict[str, Tensor]:
        """Return nothing: no epoch depends on an earlier one."""
        return {}


class EarlyStopping:
    """Ends a training after some epochs without a validation loss smaller than all before.

    Goodfellow, Bengio and Courville (2016), "Deep learning", algorithm 7.1. The weights stay those
    of the last epoch, as by default in Keras.
    """

    def __init__(self, patience: int) -> None:
        """Begin before the first epoch; `patience` counts epochs, from 1 on."""
        self.patience = patience
        self.smallest = torch.full((), torch.inf, dtype=torch.float64)
        self.waited = torch.zeros((), dtype=torch.int64)

    @property
    def is_due(self) -> bool:
        """Whether the training should end now."""
        return int(self.waited) >= self.patience

    def look_at(self, row: Row) -> None:
        """Take note of an epoch's row of the history."""
        if row[WATCHED] < float(self.smallest):
            self.smallest.fill_(row[WATCHED])
            self.waited.zero_()
        else:
            self.waited += 1

    def state(self) -> dict[str, Tensor]:
        """Return the smallest loss so far and the number of epochs since then."""
        return {"stopping/smallest": self.smallest, "stopping/waited": self.waited}
