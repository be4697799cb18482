"""Images and their labels: the data sets, and the file through which jobs share them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from latentgrid.errors import UserError, damaged


@dataclass(frozen=True)
class Images:
    """A data set.

    Attributes:
        train_images, test_images: uint8 in [0, 255], shape (n, channels, height, width).
        train_labels, test_labels: uint8 in [0, classes), shape (n,); each class has a training
            image.
        checksum: SHA-256 over the four tensors.
        class_names: the name of each class; empty where they have none but their numbers.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    checksum: str = ""
    class_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width

    @property
    def classes(self) -> int:
        """The number of classes; 1 where images have no labels, which are then all 0."""
        return int(self.train_labels.max()) + 1

    def tensors(self) -> dict[str, Tensor]:
        """Return the four tensors by name."""
        return {name: getattr(self, name) for name in TENSORS}


@dataclass(frozen=True)
class Batch:
    """Some images, as models get them.

    Attributes:
        images: float32 in [0, 1], shape (n, channels, height, width).
        labels: int64 in [0, classes), shape (n,).
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


CLASS_NAMES = "class names"  # the entry of the file's metadata, a list as JSON
TENSORS = ("train_images", "train_labels", "test_images", "test_labels")


def load_images(path: Path) -> Images:
    """Map the file of images into memory; processes that map the same file share its memory.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in TENSORS}
            told = file.metadata()
            names = tuple(json.loads(told.get(CLASS_NAMES, "[]")))
            images = Images(**tensors, checksum=told["checksum"], class_names=names)
    except FileNotFoundError:
        raise UserError(f"{path}: is missing; run snakemake to make it") from None
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged(path, error) from None
    if any(tensor.dtype != torch.uint8 for tensor in tensors.values()):
        raise damaged(path, "it holds numbers other than bytes")
    if checksum(images) != images.checksum:
        raise damaged(path, "its images changed")
    return images


def checksum(images: Images) -> str:
    """Return the SHA-256 over names, shapes and values of the four tensors."""
    digest = hashlib.sha256()
    for name, tensor in images.tensors().items():
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def as_batch(images: Tensor, labels: Tensor) -> Batch:
    """Return uint8 images and labels as a batch."""
    return Batch(to_unit_interval(images), labels.long())


def to_unit_interval(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [0, 1]."""
    return images.to(torch.float32).div_(255)
