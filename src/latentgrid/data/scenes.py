"""Scenes: several images of a data set on one canvas, with the class of each pixel.

They make a data set for segmentation of any labelled images (source 001, "UNETs"). All is computed
on the images' device without waiting for it, and all draws come from one generator.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentgrid.data import Batch

OBJECTS = 3  # images on a canvas
LARGER = 2  # a canvas's sides, in those of an image
BRIGHT = 0.5  # a pixel that is brighter, in any channel, belongs to the object
GRID = 3  # sides of the grid on which an elastic deformation is drawn
# The standard deviation of the displacements of its points, as a share of the shorter side: 1.4
# pixels of 28, as those of Simard, Steinkraus and Platt (2003) have for MNIST with their σ = 4 and
# α = 34. Between the points it is smaller: over all pixels 1.1 on average.
DISPLACEMENT = 0.05


@dataclass(frozen=True)
class Scenes:
    """Canvases with objects on them.

    Attributes:
        images: float32 in [0, 1], (n, c, h, w).
        classes: of each pixel, int64 (n, h, w): 0 for the background, 1 + label for an object's.
        objects: which pixels belong to each object, bool (n, OBJECTS, h, w); no pixel to two.
    """

    images: Tensor
    classes: Tensor
    objects: Tensor


def compose(batch: Batch, rng: torch.Generator, deform: bool) -> Scenes:
    """Put each image of a batch and the two that follow it on a canvas twice as high and wide.

    The first may lie anywhere. Each further one is put where one row of background pixels lies
    between it and those that are there, so that its blurred edge touches theirs; where it cannot,
    as far away as may be drawn; and where it must cover others, on top of them.

    Args:
        batch: n images (n, c, h, w) with their labels.
        rng: the generator of all draws, on the images' device.
        deform: whether each image is deformed elastically first.
    """
    n, channels, height, width = batch.images.shape
    canvas = batch.images.new_zeros(n, channels, LARGER * height, LARGER * width)
    classes = torch.zeros_like(canvas[:, 0], dtype=torch.int64)
    objects: list[Tensor] = []
    for number in range(OBJECTS):
        images = batch.images.roll(-number, dims=0)
        if deform:
            images = deformed(images, rng)
        taken = (classes > 0) if number else torch.zeros_like(classes, dtype=torch.bool)
        rows, columns = places(taken, bright(images), rng)
        placed = put(images, canvas.shape[2:], rows, columns)
        mask = bright(placed)
        labels = 1 + batch.labels.roll(-number, dims=0)
        classes = torch.where(mask, labels[:, None, None], classes)
        canvas = torch.maximum(canvas, placed)
        objects = [other & ~mask for other in objects] + [mask]
    return Scenes(canvas, classes, torch.stack(objects, dim=1))


def bright(images: Tensor) -> Tensor:
    """Map images (n, c, h, w) to a mask (n, h, w) of the pixels that belong to an object."""
    return images.amax(dim=1) > BRIGHT


def places(taken: Tensor, mask: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw where to put objects on canvases: the rows and columns of their upper left pixels.

    Args:
        taken: the pixels that are no longer free, bool (n, H, W).
        mask: the pixels of the objects, bool (n, h, w).
        rng: of the draws.

    Returns:
        Two tensors (n,) of whole numbers in [0, H − h] and [0, W − w]. Of places with one pixel
        between the object and what is taken, all are equally likely; if there are none, of
        those further away; and if there are none, of all.
    """
    (h, w), (height, width) = mask.shape[1:], taken.shape[1:]
    within_one, within_two = grown(taken, 1), grown(taken, 2)
    apart = overlap(within_one, mask) < 0.5  # noqa: PLR2004 - whole numbers, but for rounding
    near = overlap(within_two, mask) > 0.5  # noqa: PLR2004
    draws = torch.rand(apart.shape, generator=rng, device=taken.device)
    best = (draws + apart.float() + (apart & near).float()).flatten(1).argmax(dim=1)
    columns = width - w + 1
    assert apart.shape[1:] == (height - h + 1, columns)
    return best // columns, best % columns


def overlap(taken: Tensor, mask: Tensor) -> Tensor:
    """Return how many pixels of masks (n, h, w), put at each place, fall on taken ones (n, H, W).

    Returns:
        (n, H − h + 1, W − w + 1), whole numbers but for rounding.
    """
    size = taken.shape[1:]
    spectrum = torch.fft.rfft2(taken.float())
    spectrum = spectrum * torch.fft.rfft2(mask.float(), s=size).conj()
    found: Tensor = torch.fft.irfft2(spectrum, s=size)
    return found[:, : size[0] - mask.shape[1] + 1, : size[1] - mask.shape[2] + 1]


def grown(mask: Tensor, pixels: int) -> Tensor:
    """Grow a mask (n, h, w) by so many pixels in each direction, also aslant."""
    widest = functional.max_pool2d(mask[:, None].float(), 2 * pixels + 1, 1, pixels)
    return widest[:, 0] > 0


def put(images: Tensor, size: torch.Size, rows: Tensor, columns: Tensor) -> Tensor:
    """Put images (n, c, h, w) on black canvases (n, c, *size), their upper left pixels there."""
    n, _, h, w = images.shape
    down = torch.arange(size[0], device=images.device) - rows[:, None]
    across = torch.arange(size[1], device=images.device) - columns[:, None]
    inside = ((down >= 0) & (down < h))[:, :, None] & ((across >= 0) & (across < w))[:, None, :]
    number = torch.arange(n, device=images.device)[:, None, None]
    down, across = down.clamp(0, h - 1), across.clamp(0, w - 1)
    picked = images[number, :, down[:, :, None], across[:, None, :]]  # (n, H, W, c)
    return picked.permute(0, 3, 1, 2) * inside[:, None]


def deformed(images: Tensor, rng: torch.Generator) -> Tensor:
    """Deform images (n, c, h, w) elastically, by smooth random displacements of their pixels.

    Displacements are drawn from a normal distribution on a grid of 3×3 points and interpolated by
    cubic splines (Ronneberger, Fischer and Brox 2015, section 3.1); see DISPLACEMENT for how long
    they are.
    """
    n, _, height, width = images.shape
    drawn = torch.empty(n, 2, GRID, GRID, device=images.device).normal_(generator=rng)
    smooth = functional.interpolate(drawn, (height, width), mode="bicubic", align_corners=True)
    pixels = DISPLACEMENT * min(height, width)
    # grid_sample counts from −1 to 1 over a side of s pixels: a pixel is 2/s.
    across, down = smooth[:, 0] * (2 * pixels / width), smooth[:, 1] * (2 * pixels / height)
    unmoved = torch.eye(2, 3, device=images.device).expand(n, 2, 3)
    grid = functional.affine_grid(unmoved, list(images.shape), align_corners=False)
    moved = grid + torch.stack([across, down], dim=3)
    return functional.grid_sample(images, moved, align_corners=False).clamp(0, 1)
