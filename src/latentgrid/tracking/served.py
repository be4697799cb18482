"""Loads a run's model for MLflow: what `mlflow.pyfunc.load_model` and `mlflow models serve` call.

The MLmodel file of a logged model names this module, and no pickle lies beside it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from latentgrid.data import to_unit_interval
from latentgrid.files.run_files import RunFiles
from latentgrid.models import Classifier, Decoder, Encoder, Reconstructor, Sampler, Segmenter
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.trained import Array, TrainedRun


class ServedModel:
    """Answers with everything that a model makes of images; without an encoder, of seeds."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded

    @torch.no_grad()
    def predict(self, given: Any, params: dict[str, Any] | None = None) -> dict[str, Array]:
        """Return arrays by name, of which `signature` in `logged_models` says which there are.

        Args:
            given: images (n, c, h, w), uint8; of a model that only draws images, seeds (n,).
            params: unused; MLflow hands it over.
        """
        model = self.loaded.model
        if not isinstance(model, Encoder | Reconstructor | Classifier | Segmenter):
            return {"samples": self._drawn(np.asarray(given, dtype=np.int64))}
        images = np.asarray(given, dtype=np.uint8)
        answer = {}
        if isinstance(model, Encoder):
            answer["codes"] = self.loaded.encode(images)
        if isinstance(model, Reconstructor) or (
            isinstance(model, Encoder) and isinstance(model, Decoder)
        ):
            answer["reconstructions"] = self.loaded.reconstruct(images)
        if isinstance(model, Classifier):
            answer["probabilities"] = np.asarray(model.classify(_as_input(images)).exp())
        if isinstance(model, Segmenter):
            most_probable = model.segment(_as_input(images)).argmax(dim=1)
            answer["segmented"] = np.asarray(most_probable.to(torch.int16))
        return answer

    def _drawn(self, seeds: Array) -> Array:
        """Draw an image for each seed (n,): uint8, (n, c, h, w)."""
        model = self.loaded.model
        assert isinstance(model, Sampler)
        drawn = [model.sample(1, random_generator(int(seed), "served")) for seed in seeds]
        return np.asarray(torch.cat(drawn).clamp(0, 1).mul(255).round().to(torch.uint8))


def _as_input(images: Array) -> torch.Tensor:
    return to_unit_interval(torch.from_numpy(images))


def _load_pyfunc(path: str) -> ServedModel:
    """Load the model of a run whose files lie in a folder; MLflow looks for this name."""
    files = RunFiles(Path(path), Path(path))
    return ServedModel(LoadedModel(load_model(TrainedRun(files))))
