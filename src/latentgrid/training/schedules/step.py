"""A tenth of the learning rate after half of the training, a hundredth after three quarters."""

from torch import Tensor

DROPS_AT = 0.5, 0.75
FACTOR = 0.1


def factor(epoch: Tensor, epochs: int) -> Tensor:
    """Return 1, then 0.1, then 0.01.

    The steps of He et al. (2016), "Deep residual learning for image recognition", section 4.2:
    after 32,000 and 48,000 of 64,000 steps.
    """
    share = epoch / epochs
    first, second = ((share >= drop).to(epoch.dtype) for drop in DROPS_AT)
    result: Tensor = FACTOR ** (first + second)
    return result
