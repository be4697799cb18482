"""What Keras does otherwise, for the models of source 002."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from latentgrid.models.bases.reconstruction import cross_entropy

EPSILON = 1e-7


def clipped_cross_entropy(reconstruction: Tensor, images: Tensor) -> Tensor:
    """Return Keras's cross entropy over pixels, (n, c, h, w) twice → (n,), in nats.

    −Σ(x log(x̂' + ε) + (1 − x) log(1 − x̂' + ε)), x̂' = x̂ cut to [ε, 1 − ε], ε = 1e-7: what Keras 2
    computes of probabilities. No gradient reaches a pixel that is cut. Pixels in [0, 1].
    """
    # In lower precision 1 − ε would be 1.
    with torch.autocast(images.device.type, enabled=False):
        cut = reconstruction.to(images.dtype).clamp(EPSILON, 1 - EPSILON)
        pixels = images * (cut + EPSILON).log() + (1 - images) * (1 - cut + EPSILON).log()
        return -pixels.flatten(1).sum(dim=1)


CROSS_ENTROPIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exact": cross_entropy,
    "clipped": clipped_cross_entropy,
}


def glorot_uniform_heads(encoder: nn.Module, rng: torch.Generator) -> None:
    """Draw the weights of mean and log-variance as those of two layers of d outputs each.

    Source 002 has a layer for each (listings 3.1 and 4.3), where the encoder's last layer has 2d
    outputs: U(−a, a) with a = √(6 / (fan in + d)), Glorot and Bengio (2010), eq. 16.
    """
    *_, last = (layer for layer in encoder.modules() if isinstance(layer, nn.Linear))
    for head in last.weight.detach().chunk(2):
        nn.init.xavier_uniform_(head, generator=rng)
