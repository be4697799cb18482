"""Loads the trained model of a run from its files."""

from dataclasses import dataclass

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.errors import damaged
from latentgrid.models import Decoder, Encoder, Model, Quantile, WithPrior, reconstruct
from latentgrid.results.run_json import as_trained
from latentgrid.results.trained import Array, TrainedRun

BATCH = 1000


@dataclass(frozen=True)
class LoadedModel:
    """A trained model that takes and returns NumPy arrays, as figures need it."""

    model: Model

    @torch.no_grad()
    def encode(self, images: Array) -> Array:
        """Map uint8 images (n, c, h, w) to codes (n, d), float32."""
        assert isinstance(self.model, Encoder)
        parts = torch.split(torch.from_numpy(images), BATCH)
        codes = [self.model.encode(to_unit_interval(part)) for part in parts]
        return np.asarray(torch.cat(codes))

    @torch.no_grad()
    def decode(self, codes: Array) -> Array:
        """Map codes (n, d) to uint8 images (n, c, h, w)."""
        assert isinstance(self.model, Decoder)
        parts = torch.split(torch.from_numpy(codes).float(), BATCH)
        return _as_bytes(torch.cat([self.model.decode(part) for part in parts]))

    @torch.no_grad()
    def quantile(self, shares: Array) -> Array:
        """Map shares (n, d) in (0, 1) of each dimension's prior mass to codes (n, d)."""
        assert isinstance(self.model, Quantile)
        return np.asarray(self.model.quantile(torch.from_numpy(shares)))

    @torch.no_grad()
    def log_prior(self, codes: Array) -> Array:
        """Return log p(z) in nats of codes (n, d), (n,)."""
        assert isinstance(self.model, WithPrior)
        parts = torch.split(torch.from_numpy(codes).float(), BATCH)
        return np.asarray(torch.cat([self.model.log_prior(part) for part in parts]))

    @torch.no_grad()
    def reconstruct(self, images: Array) -> Array:
        """Map uint8 images (n, c, h, w) to their reconstructions, uint8 of the same shape."""
        again = reconstruct(self.model, to_unit_interval(torch.from_numpy(images)))
        assert again is not None
        return _as_bytes(again)


def _as_bytes(images: torch.Tensor) -> Array:
    return np.asarray(images.clamp(0, 1).mul(255).round().to(torch.uint8))


def load_model(run: TrainedRun) -> Model:
    """Return the model with its trained weights, on the CPU and in evaluation mode.

    Raises:
        UserError: the weights are damaged, or belong to another network.
    """
    config = run.config
    model = models.build(config.settings, config.image_shape, config.classes)
    path = as_trained(run.files, run.files.weights)
    try:
        weights = load_file(path)
        model.load_state_dict(weights)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise damaged(path, error) from None
    for name, value in model.state_dict().items():
        if weights[name].dtype != value.dtype or not value.isfinite().all():
            raise damaged(path, f"{name} holds other numbers than a training leaves")
    return model.eval()
