"""What is kept of a model at the chosen epochs, for figures and for the eye."""

import torch
from torch import Tensor

from latentgrid.data import Images, to_unit_interval
from latentgrid.models import Decoder, Encoder, Model, Sampler
from latentgrid.randomness import generator

RECONSTRUCTIONS = 20
BATCH = 1000


@torch.no_grad()
def snapshot(
    model: Model, data: Images, seed: int, samples: int, manifold: int
) -> dict[str, Tensor]:
    """Return what the model can show, on the CPU.

    `samples` (uint8 images from the prior, the same draws at every epoch and for every model with
    the same latent dimension), `codes` (float32, of all test images), `reconstructions` (uint8, of
    the first test images) and, for two latent dimensions, `manifold` (uint8, manifold² images).
    """
    model.eval()
    taken: dict[str, Tensor] = {}
    if isinstance(model, Sampler):
        taken["samples"] = _to_bytes(model.sample(samples, generator(seed, "samples")))
    if isinstance(model, Encoder):
        taken["codes"] = torch.cat(
            [
                model.encode(to_unit_interval(batch))
                for batch in torch.split(data.test_images, BATCH)
            ]
        )
    if isinstance(model, Decoder) and "codes" in taken:
        taken["reconstructions"] = _to_bytes(model.decode(taken["codes"][:RECONSTRUCTIONS]))
    if isinstance(model, Decoder) and model.latent_dim == 2:  # noqa: PLR2004
        codes = manifold_codes(manifold).to(data.test_images.device)
        taken["manifold"] = _to_bytes(model.decode(codes))
    return {name: tensor.cpu().contiguous() for name, tensor in taken.items()}


def manifold_codes(side: int) -> Tensor:
    """Return the codes (side², 2) that a regular grid of the unit square has under Φ⁻¹.

    Row by row from the upper left, the first coordinate running fastest, the second falling
    (Kingma and Welling 2014, appendix A; source 000, section 6.8.1).
    """
    quantiles = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side)
    second, first = torch.meshgrid(quantiles.flip(0), quantiles, indexing="ij")
    return torch.stack([first.flatten(), second.flatten()], dim=1).float()


def _to_bytes(images: Tensor) -> Tensor:
    return images.mul(255).round().to(torch.uint8)
