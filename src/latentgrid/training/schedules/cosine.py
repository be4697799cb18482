"""From the whole learning rate to none, along half a cosine."""

from math import pi

from torch import Tensor


def factor(epoch: Tensor, epochs: int) -> Tensor:
    """Return ½·(1 + cos(π·t)) at the share t of the training.

    Loshchilov and Hutter (2017), "SGDR: Stochastic gradient descent with warm restarts", eq. 5,
    without restarts and with 0 as the smallest rate.
    """
    return (1 + (pi * epoch / epochs).cos()) / 2
