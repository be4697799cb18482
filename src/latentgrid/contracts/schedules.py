"""The contract of a schedule (`latentgrid.training.schedules`)."""

import torch

from latentgrid.contracts import require
from latentgrid.training import schedules

EPOCHS = 8
MOMENTS = 4  # of an epoch


def gives_a_share_at_every_moment(name: str) -> None:
    """At every moment of a training, `factor` gives a finite scalar of 0 or more."""
    factors = [
        schedules.load(name)(torch.tensor(step / MOMENTS, dtype=torch.float64), EPOCHS)
        for step in range(EPOCHS * MOMENTS)
    ]
    require(all(f.shape == () for f in factors), "factor() must return a scalar tensor")
    require(
        all(bool(f.isfinite() & (f >= 0)) for f in factors), "a factor is not finite or below 0"
    )
    require(any(bool(f > 0) for f in factors), "the learning rate is 0 all the time")


def does_not_wait_for_the_device(name: str) -> None:
    """`factor` never looks at the value of its tensor, so that a step can be a CUDA graph."""
    # A tensor of this device has no value; whoever asks for it raises an error.
    epoch = torch.zeros((), dtype=torch.float64, device="meta")
    found = schedules.load(name)(epoch, EPOCHS)
    require(found.device.type == "meta", "the factor does not follow from the tensor on its device")


CHECKS = (gives_a_share_at_every_moment, does_not_wait_for_the_device)
