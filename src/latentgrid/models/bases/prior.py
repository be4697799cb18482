"""The base class of models whose codes have a standard normal prior: decoding and sampling."""

from math import log, pi

import torch
from torch import Tensor, nn

from latentgrid.models import Model


class StandardNormalPrior(Model):
    """A decoder of codes z ~ N(0, I)."""

    latent_dim: int
    decoder: nn.Module

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w), cut to [0, 1]."""
        images: Tensor = self.decoder(codes)
        return images.clamp(0, 1)

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) = −½·Σ(z² + log 2π) in nats, codes (…, d) → (…)."""
        return -(codes.square() + log(2 * pi)).sum(dim=-1) / 2

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) in (0, 1) of each dimension's mass to codes (n, d): Φ⁻¹."""
        codes: Tensor = torch.special.ndtri(shares)
        return codes

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Decode n codes drawn from N(0, I)."""
        codes = torch.randn(n, self.latent_dim, generator=rng)
        return self.decode(codes.to(next(self.parameters()).device))
