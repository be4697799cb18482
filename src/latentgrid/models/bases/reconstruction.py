"""How far a reconstruction is from its image, per image."""

import torch
from torch import Tensor
from torch.nn import functional

SQUARED_ERROR = "squared error summed over pixels, per image"
CROSS_ENTROPY = "binary cross entropy summed over pixels, nats per image"


def squared_error(reconstruction: Tensor, images: Tensor) -> Tensor:
    """Return Σ(x̂ − x)² over pixels, (n, c, h, w) twice → (n,)."""
    return (reconstruction - images).square().flatten(1).sum(dim=1)


def cross_entropy(reconstruction: Tensor, images: Tensor) -> Tensor:
    """Return −Σ(x log x̂ + (1 − x) log(1 − x̂)) over pixels, (n, c, h, w) twice → (n,), in nats.

    Pixels in [0, 1]. PyTorch cuts the logarithm at −100, where Keras cuts x̂ at 1e-7. The smallest
    value, at x̂ = x, is the entropy of the pixels and not 0.
    """
    # In lower precision the logarithms would be 0 or infinite; on a GPU PyTorch refuses to try.
    with torch.autocast(images.device.type, enabled=False):
        exact = reconstruction.to(images.dtype)
        # PyTorch raises an error for NaN, but a run must end as diverged: NaN is put back below.
        numbers = exact.nan_to_num(nan=0.0)
        pixels = functional.binary_cross_entropy(numbers, images, reduction="none")
        return (pixels + 0 * exact).flatten(1).sum(dim=1)
