"""Snapshots: the samples, codes and reconstructions of a model after the chosen epochs."""

from collections.abc import Callable

import torch
from torch import Tensor

from latentgrid.data import Images, as_batch, to_unit_interval
from latentgrid.models import (
    Classifier,
    Clusterer,
    Corrupter,
    Decoder,
    Encoder,
    Model,
    Quantile,
    Sampler,
    Segmenter,
    reconstruct,
)
from latentgrid.models.bases.reconstruction import squared_error
from latentgrid.randomness import random_generator

RECONSTRUCTIONS = 20
BATCH = 1000
SCENES = 100  # at a time
BETWEEN = 0.5  # a background pixel is between objects if it is so near to two of them


@torch.no_grad()
def snapshot(
    model: Model, data: Images, seed: int, samples: int, manifold: int
) -> dict[str, Tensor]:
    """Return what the model can show, as tensors on the CPU.

    From the model itself: `samples` (uint8 images from the prior; the same draws at every epoch and
    for every model with the same latent dimension) and, with two latent dimensions, `manifold`
    (uint8, manifold² images).
    For all test images: `codes` (float32), `classes` (uint8) or `clusters` (int32), and
    `squared_error` (float32), the squared error of the reconstruction, cut to [0, 1], summed over
    pixels.
    For the first test images: `reconstructions` (uint8) and, if the model sees damaged images, the
    damaged ones, `corrupted` (uint8).
    Of a model that segments scenes: what `_segmented` returns.
    """
    model.eval()
    taken: dict[str, Tensor] = {}
    if isinstance(model, Sampler):
        taken["samples"] = _to_bytes(model.sample(samples, random_generator(seed, "samples")))
    if isinstance(model, Encoder):
        taken["codes"] = _of_all(data.test_images, model.encode)
    if isinstance(model, Classifier):
        taken["classes"] = _of_all(data.test_images, model.classify).argmax(1).to(torch.uint8)
    if isinstance(model, Clusterer):
        taken["clusters"] = _of_all(data.test_images, model.cluster).argmax(1).int()
    taken |= _reconstructions(model, data.test_images, seed)
    if isinstance(model, Segmenter):
        taken |= _segmented(model, data, seed)
    if isinstance(model, Quantile) and isinstance(model, Decoder) and model.latent_dim == 2:  # noqa: PLR2004
        codes = model.quantile(unit_square(manifold).to(data.test_images.device))
        taken["manifold"] = _to_bytes(model.decode(codes))
    return {name: tensor.cpu().contiguous() for name, tensor in taken.items()}


def unit_square(side: int) -> Tensor:
    """Return the points (side², 2) of a regular grid in the unit square.

    Row by row from the upper left: the first coordinate changes fastest, the second falls
    (Kingma and Welling 2014, appendix A; source 000, section 6.8.1).
    """
    shares = (torch.arange(side) + 0.5) / side
    second, first = torch.meshgrid(shares.flip(0), shares, indexing="ij")
    return torch.stack([first.flatten(), second.flatten()], dim=1)


def _reconstructions(model: Model, images: Tensor, seed: int) -> dict[str, Tensor]:
    damage = random_generator(seed, "corruption", images.device)
    errors: list[Tensor] = []
    first: dict[str, Tensor] = {}
    for batch in torch.split(images, BATCH):
        clean = to_unit_interval(batch)
        shown = model.corrupt(clean, damage) if isinstance(model, Corrupter) else clean
        again = reconstruct(model, shown)
        if again is None:
            return {}
        errors.append(squared_error(again.clamp(0, 1), clean))
        if not first:
            first["reconstructions"] = _to_bytes(again[:RECONSTRUCTIONS])
            if isinstance(model, Corrupter):
                first["corrupted"] = _to_bytes(shown[:RECONSTRUCTIONS])
    return first | {"squared_error": torch.cat(errors)}


def _segmented(model: Segmenter, data: Images, seed: int) -> dict[str, Tensor]:
    """Return what becomes of scenes that are made of the test images.

    Of all scenes: `confusion` (int64), how many pixels of each class were taken for each class,
    with a row for each true class, the background first; and `between`, the number of background
    pixels between two objects, and of those of them that were taken for background.
    Of the first scenes: `scenes` (uint8), `scene_classes` and `segmented`, the true and the most
    probable class of each pixel (int16), and `scene_weights` (float32).
    """
    draws = random_generator(seed, "scenes", data.test_images.device)
    kinds = 1 + data.classes
    confusion = torch.zeros(kinds**2, dtype=torch.int64, device=data.test_images.device)
    between = torch.zeros(2, dtype=torch.int64, device=data.test_images.device)
    first: dict[str, Tensor] = {}
    pairs = zip(
        torch.split(data.test_images, SCENES), torch.split(data.test_labels, SCENES), strict=True
    )
    for images, labels in pairs:
        scenes = model.compose(as_batch(images, labels), draws)
        found = model.segment(scenes.images).argmax(dim=1)
        confusion += torch.bincount((kinds * scenes.classes + found).flatten(), minlength=kinds**2)
        here = model.between_objects(scenes) > BETWEEN
        between += torch.stack([here.sum(), (here & (found == 0)).sum()])
        first = first or {
            "scenes": _to_bytes(scenes.images[:RECONSTRUCTIONS]),
            "scene_classes": scenes.classes[:RECONSTRUCTIONS].to(torch.int16),
            "segmented": found[:RECONSTRUCTIONS].to(torch.int16),
            "scene_weights": model.weights(scenes)[:RECONSTRUCTIONS],
        }
    return first | {"confusion": confusion.reshape(kinds, kinds), "between": between}


def _of_all(images: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([function(to_unit_interval(batch)) for batch in torch.split(images, BATCH)])


def _to_bytes(images: Tensor) -> Tensor:
    return images.clamp(0, 1).mul(255).round().to(torch.uint8)
