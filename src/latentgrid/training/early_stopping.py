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

    The first epochs do not count in which steps minimise something else than the loss, as while a
    KL divergence has a smaller weight: there the loss may rise though the training goes well.
    """

    def __init__(self, patience: int, settling: int = 0) -> None:
        """Begin before the first epoch.

        Args:
            patience: a number of epochs, from 1 on.
            settling: how many epochs at the beginning do not count.
        """
        self.patience = patience
        self.settling = settling
        self.smallest = torch.full((), torch.inf, dtype=torch.float64)
        self.waited = torch.zeros((), dtype=torch.int64)

    @property
    def is_due(self) -> bool:
        """Whether the training should end now."""
        return int(self.waited) >= self.patience

    def look_at(self, row: Row) -> None:
        """Take note of an epoch's row of the history."""
        if row["epoch"] <= self.settling:
            return
        if row[WATCHED] < float(self.smallest):
            self.smallest.fill_(row[WATCHED])
            self.waited.zero_()
        else:
            self.waited += 1

    def state(self) -> dict[str, Tensor]:
        """Return the smallest loss that counts and the number of epochs since then."""
        return {"stopping/smallest": self.smallest, "stopping/waited": self.waited}
