"""Checks what a data source returns, before any of it is stored or trained on."""

from dataclasses import dataclass
from math import prod

import numpy as np
import psutil
import torch
from torch import Tensor

from latentgrid.data import TENSORS, Images
from latentgrid.errors import UserError, one_line
from latentgrid.grid.messages import shown
from latentgrid.text import size as readable

MAX_CLASSES = 256  # a label is stored as a byte
MIN_IMAGES = 2
IMAGE_AXES = 4
CHANNELS = (1, 3)  # grey, or red, green and blue: no picture shows what others hold
COLOURS = 4  # a last axis of this length or less, and shorter than the first, is taken for colours


@dataclass(frozen=True)
class Size:
    """The size of a data set, known before it is fetched.

    Attributes:
        train, test: the numbers of training and test images.
        shape: channels, height and width of an image.
        classes: the number of classes; labels are 0, …, classes − 1.
    """

    train: int
    test: int
    shape: tuple[int, int, int]
    classes: int


def check_size(size: object) -> Size:
    """Return a source's `SIZE` if a data set can have that size.

    Raises:
        UserError: no data set can; the text says why.
    """
    if not isinstance(size, Size):
        raise UserError("SIZE: must be Size(train, test, (channels, height, width), classes)")
    sides = size.shape if isinstance(size.shape, tuple | list) else ()
    counts = [size.train, size.test, *sides, size.classes]
    if len(sides) != IMAGE_AXES - 1 or any(type(n) is not int or n < 1 for n in counts):
        raise UserError(
            f"SIZE: found {size}; allowed: whole numbers, 1 or more, three of them in shape"
        )
    if min(size.train, size.test) < MIN_IMAGES:
        raise UserError(
            f"SIZE: found {size.train} training and {size.test} test images; allowed: "
            f"{MIN_IMAGES} or more of both, as measures compute means and deviations of them"
        )
    if size.classes > MAX_CLASSES:
        raise UserError(f"SIZE: found {size.classes} classes; allowed: up to {MAX_CLASSES}")
    channels, _, width = size.shape
    if width <= COLOURS and width < channels:
        raise UserError(
            f"SIZE: found shape {size.shape}, whose channels come last; allowed: (channels, height,"
            f" width), and images.permute(0, 3, 1, 2) in load"
        )
    if channels not in CHANNELS:
        raise UserError(
            f"SIZE: found {channels} channels; allowed: 1 for grey, or 3 for red, green and blue"
        )
    return size


def require_memory(size: Size) -> None:
    """Refuse images that do not fit into memory twice, as they are copied before they are stored.

    Raises:
        UserError: they do not; the text says how many bytes they take.
    """
    needed = (size.train + size.test) * prod(size.shape)
    if 2 * needed > psutil.virtual_memory().available:
        raise UserError(
            f"the images take {readable(needed)}, too much for memory; make them smaller"
        )


def check_data(images: object, size: Size) -> Images:
    """Return the images that a source's `load` gave as contiguous bytes, if they match its `SIZE`.

    They may be tensors or NumPy arrays; labels may be integers of any width.

    Raises:
        UserError: they do not match; the text names what differs and what to do.
    """
    if not isinstance(images, Images):
        raise UserError(f"load: must return Images, not {type(images).__name__}")
    tensors = {name: _tensor(name, getattr(images, name)) for name in TENSORS}
    for part, count in (("train", size.train), ("test", size.test)):
        pictures, labels = f"{part}_images", f"{part}_labels"
        _check_images(pictures, tensors[pictures], (count, *size.shape))
        _check_labels(labels, tensors[labels], count, size.classes)
    _check_every_class_is_learnt(tensors["train_labels"], size.classes)
    # Copies, because safetensors stores no tensors that share memory.
    stored = {
        name: tensor.to(torch.uint8).clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    names = _class_names(images.class_names, size.classes)
    return Images(**stored, checksum="", class_names=names)


def _class_names(names: object, classes: int) -> tuple[str, ...]:
    if not isinstance(names, tuple | list) or not all(_is_printable(name) for name in names):
        allowed = "a tuple of texts that can be printed; () for none"
        raise _unfit("class_names", f"found {shown(names)}", allowed)
    if names and (len(names) != classes or len(set(names)) < classes):
        raise _unfit("class_names", f"found {len(set(names))} names", f"one for each of {classes}")
    return tuple(names)


def _is_printable(name: object) -> bool:
    return isinstance(name, str) and name.isprintable()


def _tensor(name: str, given: object) -> Tensor:
    if isinstance(given, np.ndarray):
        try:
            native = given.dtype.newbyteorder("=")  # files of bytes often have the other order
            return torch.from_numpy(np.ascontiguousarray(given, dtype=native))
        except TypeError as error:
            raise _unfit(name, one_line(error), "numbers") from None
    if not isinstance(given, Tensor):
        raise _unfit(name, f"found {type(given).__name__}", "a tensor, or an array of NumPy")
    return given.detach().cpu()


def _check_images(name: str, images: Tensor, expected: tuple[int, ...]) -> None:
    if images.dtype != torch.uint8:
        raise _unfit(
            name,
            f"found {_dtype(images)}",
            "uint8 from 0 to 255; of values from 0 to 1 make them by "
            "images.mul(255).round().to(torch.uint8)",
        )
    if tuple(images.shape) != expected:
        raise _unfit(
            name,
            f"found {_shown(images.shape)}{_hint(images.shape, expected)}",
            f"{_shown(expected)} (images, channels, height, width), as SIZE says",
        )
    if images.max() <= 1:
        raise _unfit(name, "no byte is above 1, so that all would be black", "multiply by 255")
    if bool((images == images[0]).all()):
        raise _unfit(name, "all images are the same", "images that differ")


def _check_labels(name: str, labels: Tensor, count: int, classes: int) -> None:
    if labels.dtype.is_floating_point or labels.dtype.is_complex or labels.dtype == torch.bool:
        raise _unfit(name, f"found {_dtype(labels)}", "integers, as by labels.to(torch.uint8)")
    if tuple(labels.shape) != (count,):
        raise _unfit(name, f"found {_shown(labels.shape)}", f"({count},), one label for each image")
    wide = labels.long()  # torch has no minimum of unsigned integers wider than a byte
    smallest, largest = int(wide.min()), int(wide.max())
    if smallest < 0 or largest >= classes:
        raise _unfit(
            name,
            f"found labels from {smallest} to {largest}",
            f"0 to {classes - 1}, as SIZE says {classes} classes",
        )


def _check_every_class_is_learnt(labels: Tensor, classes: int) -> None:
    counts = labels.long().bincount(minlength=classes)
    if not counts.all():
        missing = int((counts == 0).nonzero()[0])
        raise _unfit(
            "train_labels",
            f"no image is of class {missing}",
            f"each of 0 to {classes - 1}, as SIZE says {classes} classes",
        )


def _hint(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return how to mend the axes, if it is plain what is wrong with them."""
    count, channels, height, width = expected
    if found == (count, height, width, channels):
        return ", whose channels come last: images.permute(0, 3, 1, 2)"
    if found == (count, height, width):
        return ", which has no axis of channels: images[:, None]"
    return ""


def _unfit(name: str, found: str, allowed: str) -> UserError:
    return UserError(f"load: {name}: {found}; allowed: {allowed}")


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _shown(shape: tuple[int, ...]) -> str:
    return str(tuple(shape))
