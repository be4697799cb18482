"""What a model can do, on NumPy arrays of float32; images are (n, c, h, w) in [0, 1]."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from latentgrid import models
from latentgrid.api.surroundings import of_our_own
from latentgrid.errors import UserError
from latentgrid.models import Classifier, Corrupter, Decoder, Encoder, Model, Sampler
from latentgrid.randomness import random_generator

Array = np.ndarray[Any, Any]
BATCH = 1000
METHODS = ("encode", "decode", "reconstruct", "sample", "classify", "corrupt")


@runtime_checkable
class ConditionalSampler(Protocol):
    """Draws new images of a class."""

    classes: int
    latent_dim: int

    def generate(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Map codes (n, d), drawn from N(0, I), and labels (n,) to images (n, c, h, w)."""
        ...


def able(model: Model | type[Model]) -> frozenset[str]:
    """Return the names of what a model, or each model of a class, can do, of `METHODS`."""
    names = {name for name in METHODS if hasattr(model, name)}
    return frozenset(names | ({"reconstruct"} if {"encode", "decode"} <= names else set()))


def encode(model: Model, images: Array) -> Array:
    """Map images to codes (n, d)."""
    if not isinstance(model, Encoder):
        raise unable(model, "encode")
    return _in_batches(model.encode, images)


def decode(model: Model, codes: Array) -> Array:
    """Map codes (n, d) to images."""
    if not isinstance(model, Decoder):
        raise unable(model, "decode")
    return _in_batches(model.decode, codes)


def reconstruct(model: Model, images: Array) -> Array:
    """Map images to their reconstructions."""

    def again(part: Tensor) -> Tensor:
        made = models.reconstruct(model, part)
        if made is None:
            raise unable(model, "reconstruct")
        return made

    return _in_batches(again, images)


def classify(model: Model, images: Array) -> Array:
    """Map images to probabilities (n, classes)."""
    if not isinstance(model, Classifier):
        raise unable(model, "classify")
    return np.exp(_in_batches(model.classify, images))


@of_our_own()
@torch.no_grad()
def corrupt(model: Model, images: Array, seed: int) -> Array:
    """Damage images as the training of the model did; the same seed does the same damage."""
    if not isinstance(model, Corrupter):
        raise unable(model, "corrupt")
    return _as_array(model.corrupt(torch.from_numpy(images), random_generator(seed, "corruption")))


def sample(model: Model, n: int, seed: int) -> Array:
    """Draw n new images; the same seed gives the same ones."""
    if not isinstance(model, Sampler):
        raise unable(model, "sample")
    return _drawn(lambda: model.sample(n, random_generator(seed, "samples")), n)


def sample_class(model: Model, n: int, seed: int, label: int) -> Array:
    """Draw n new images of a class; the same seed gives the same codes for every class."""
    if not isinstance(model, ConditionalSampler):
        raise UserError(f"{type(model).__name__}: draws images of no given class; leave it out")
    if label >= model.classes:
        raise UserError(f"label: found {label}; allowed: a class from 0 to {model.classes - 1}")

    def images() -> Tensor:
        codes = torch.randn(n, model.latent_dim, generator=random_generator(seed, "samples"))
        return model.generate(codes, torch.full((n,), label))

    return _drawn(images, n)


@of_our_own()
@torch.no_grad()
def _drawn(images: Callable[[], Tensor], n: int) -> Array:
    try:
        return _as_array(images())
    except (MemoryError, RuntimeError) as error:
        of_size = any(word in str(error) for word in ("memory", "size calculation overflowed"))
        if not (of_size or isinstance(error, MemoryError)):
            raise
        raise UserError(f"there is no memory for {n} images; draw fewer at once") from None


def unable(model: Model, what: str) -> UserError:
    """Return the error for a model that has no such method."""
    return UserError(f"{type(model).__name__}: cannot {what}; {_able(model)}")


def _able(model: Model) -> str:
    words = ", ".join(name for name in METHODS if name in able(model))
    return f"it can {words}" if words else "it can do none of what a run offers"


@of_our_own()
@torch.no_grad()
def _in_batches(function: Callable[[Tensor], Tensor], values: Array) -> Array:
    own = np.require(values, requirements=["C", "W"])  # torch takes no negative strides
    parts = torch.split(torch.from_numpy(own), BATCH)
    return _as_array(torch.cat([function(part) for part in parts]))


def _as_array(values: Tensor) -> Array:
    return values.numpy().astype(np.float32, copy=False)
