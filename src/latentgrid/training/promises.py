"""Holds what a model's methods return to the shapes and ranges of the contract in `models`.

Measures and figures rely on them. An image with a channel too many, for example, would be compared
with each channel of the original, and its error would be three times too large.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.models import Model
from latentgrid.randomness import random_generator

METHODS = (
    *("encode", "decode", "sample", "quantile", "corrupt", "classify", "cluster"),
    *("propose", "log_prior", "segment"),
)
FEW = 4  # samples and draws
same = partial(torch.allclose, rtol=1e-4, atol=1e-5)


def are_seen(name: str, model: Model) -> None:
    """Refuse methods and constants of a model that are not found by reading its file.

    Which figures show it, and how its runs are ranked, is decided without running the file.

    Args:
        name: the model's.
        model: one that was built.

    Raises:
        UserError: reading and building give two answers; the text says what to do.
    """
    told = catalogue.abilities(name)
    for method in METHODS:
        there = hasattr(model, method)
        if (method in told) != there:
            raise UserError(
                f"{method}() is {'not ' * there}seen in the file, and is {'not ' * (not there)}"
                f"there: import base classes by `from … import`, and define methods by `def`"
            )
    for constant in catalogue.OF_A_MODEL:
        found, seen = getattr(model, constant), catalogue.said(name, constant)
        if found != seen:
            raise UserError(
                f"{constant} is {found!r}, and {seen!r} in the file: set it in the class by a "
                f"plain value, and import base classes by `from … import`"
            )


@torch.no_grad()
def keep_promises(model: Model, batch: Batch, classes: int) -> None:
    """Call what a model can do on a few images, and look at what it returns.

    Args:
        model: the model, in evaluation mode.
        batch: images and labels.
        classes: the number of classes of the data.

    Raises:
        UserError: a method returns another shape or range than its contract says, or changes the
            images it is given.
    """
    images, before = batch.images, batch.images.clone()
    if hasattr(model, "encode") or hasattr(model, "decode"):
        _has_dimensions(model)
    if isinstance(model, models.Encoder):
        codes = repeated("encode()", lambda: model.encode(images))
        are_codes("encode()", codes, (len(images), model.latent_dim))
    again = models.reconstruct(model, images)
    if again is not None:
        are_images("the reconstruction", again, tuple(images.shape))
    if isinstance(model, models.Decoder):
        codes = torch.randn(FEW, model.latent_dim, generator=_noise())
        are_images("decode()", model.decode(codes), (FEW, *images.shape[1:]))
    if isinstance(model, models.Sampler):
        samples = repeated("sample()", lambda: model.sample(FEW, _noise()))
        are_images("sample()", samples, (FEW, *images.shape[1:]))
    if isinstance(model, models.Corrupter):
        damaged = repeated("corrupt()", lambda: model.corrupt(images, _noise()))
        are_images("corrupt()", damaged, tuple(images.shape))
    if isinstance(model, models.LatentVariableModel):
        _proposes(model, images)
    if isinstance(model, models.Classifier):
        _classifies(model, images, classes)
    if isinstance(model, models.Clusterer):
        are_probabilities("cluster()", model.cluster(images), len(images))
    if not torch.equal(images, before):
        raise UserError(
            "changes the images it is given, so that damaged ones, for example, would be compared "
            "with themselves; change images.clone()"
        )


def repeated(what: str, call: Callable[[], object]) -> object:
    """Return what a call gives, after a second call has given the same.

    Raises:
        UserError: it gives something else.
    """
    first, again = call(), call()
    if not (isinstance(first, Tensor) and isinstance(again, Tensor)):
        return first
    if not torch.allclose(first, again, rtol=0, atol=0, equal_nan=True):
        raise UserError(
            f"{what} gives something else at each call; every draw must come from the generator "
            f"that is passed in"
        )
    return first


def are_codes(what: str, found: object, shape: tuple[int, ...]) -> None:
    """Refuse what is no tensor of finite numbers of this shape.

    Raises:
        UserError: it is none.
    """
    if not isinstance(found, Tensor) or tuple(found.shape) != shape:
        raise UserError(f"{what} must give a tensor of shape {shape}, not {_shown(found)}")
    if not bool(found.isfinite().all()):
        raise UserError(f"{what} gives numbers that are not finite")


def are_images(what: str, found: object, shape: tuple[int, ...]) -> None:
    """Refuse what is no tensor of images in [0, 1] of this shape.

    Raises:
        UserError: it is none.
    """
    are_codes(what, found, shape)
    assert isinstance(found, Tensor)
    low, high = float(found.min()), float(found.max())
    if low < 0 or high > 1:
        raise UserError(
            f"{what} has values from {low:.3g} to {high:.3g}, not in [0, 1]; end the network "
            f"with a sigmoid, or cut them by clamp(0, 1)"
        )


def are_probabilities(what: str, found: object, n: int) -> None:
    """Refuse what is no tensor of probabilities, (n, …), that sum to 1 along the second axis.

    Raises:
        UserError: it is none.
    """
    if not isinstance(found, Tensor) or found.ndim == 1 or len(found) != n:
        raise UserError(f"{what} must give probabilities for each image, not {_shown(found)}")
    sums = found.sum(dim=1)
    if not same(sums, torch.ones_like(sums)) or bool((found < 0).any()):
        raise UserError(f"{what} gives probabilities that do not sum to 1")


def _has_dimensions(model: Model) -> None:
    found = getattr(model, "latent_dim", None)
    if type(found) is not int:
        raise UserError(
            f"has codes, and its latent_dim is {found}; set self.latent_dim, a code's dimensions"
        )


def _proposes(model: models.LatentVariableModel, images: Tensor) -> None:
    codes, log_posterior = model.propose(images, FEW, _noise())
    pairs = (FEW, len(images))
    if tuple(codes.shape[:2]) != pairs:
        raise UserError(f"propose() must give codes {(*pairs, 'd')}, not {_shown(codes)}")
    are_codes("propose()'s log q(z│x)", log_posterior, pairs)
    are_codes("log_prior()", model.log_prior(codes), pairs)


def _classifies(model: models.Classifier, images: Tensor, classes: int) -> None:
    found = model.classify(images)
    if not isinstance(found, Tensor) or tuple(found.shape) != (len(images), classes):
        raise UserError(
            f"classify() must give each of the {classes} classes of the data a log-probability, "
            f"(n, {classes}), not {_shown(found)}; the constructor is told `classes`"
        )
    try:
        are_probabilities("classify()", found.exp(), len(images))
    except UserError as error:
        raise UserError(f"{error}; it must give their logarithms, as log_softmax does") from None


def _noise() -> torch.Generator:
    return random_generator(0, "trial")


def _shown(found: object) -> str:
    return str(tuple(found.shape)) if isinstance(found, Tensor) else type(found).__name__
