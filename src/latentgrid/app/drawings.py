"""A visitor's drawing as an image of a data set."""

import base64
import binascii
from math import isqrt

import numpy as np
from PIL import Image

from latentgrid.api.images import Array
from latentgrid.errors import UserError

LOOKED_AT = 500  # images of the data set, for how large their objects are
INK = 32  # brighter pixels are of the object


def as_image(drawn: str, like: Array) -> Array:
    """Fit a drawing into an image as the data set's objects lie in theirs.

    MNIST's digits were scaled to a box of 20 of 28 pixels, and their centre of mass was set to the
    image's centre (LeCun et al. 1998, section III.A). The box here is the median of the data's.

    Args:
        drawn: the brightness of a square's pixels, row by row, a byte each, in base64.
        like: images of the data set, uint8, (n, c, h, w).

    Returns:
        (1, c, h, w), uint8; all channels are the same.

    Raises:
        UserError: it is no such drawing, or it is empty.
    """
    strokes = _cut(_read(drawn))
    channels, height, width = like.shape[1:]
    scale = _usual_side(like) / max(strokes.shape)
    size = tuple(max(1, round(side * scale)) for side in strokes.shape[::-1])
    small = np.asarray(Image.fromarray(strokes).resize(size, Image.Resampling.LANCZOS))
    made = np.zeros((height, width), np.uint8)
    top, left = (_start(small, axis, side) for axis, side in enumerate((height, width)))
    made[top : top + small.shape[0], left : left + small.shape[1]] = small
    return np.broadcast_to(made, (1, channels, height, width)).copy()


def _read(drawn: str) -> Array:
    try:
        pixels = np.frombuffer(base64.b64decode(drawn, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        pixels = np.zeros(0, np.uint8)
    side = isqrt(len(pixels))
    if not side or side * side != len(pixels):
        raise UserError("the drawing is no square of pixels; draw it again")
    return pixels.reshape(side, side)


def _cut(drawing: Array) -> Array:
    """Return the part of a drawing that has strokes."""
    rows, columns = np.nonzero(drawing > INK)
    if not len(rows):
        raise UserError('nothing is drawn yet; the tab "Draw your own" has the pad')
    cut: Array = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return cut


def _usual_side(like: Array) -> int:
    """Return how many pixels the longer side of an object usually has."""
    inked = like[:LOOKED_AT].max(axis=1) > INK
    sides = [_extent(inked.any(axis=axis)) for axis in (1, 2)]
    usual = int(np.median(np.maximum(*sides)))
    return int(max(1, min(usual, *like.shape[2:])))


def _extent(inked: Array) -> Array:
    """Return the distance from the first to the last True of each row, (n,)."""
    length = inked.shape[1]
    return np.where(inked.any(axis=1), length - inked[:, ::-1].argmax(1) - inked.argmax(1), 0)


def _start(small: Array, axis: int, side: int) -> int:
    """Return where an object begins whose centre of mass lies in the middle of an image."""
    mass = small.sum(axis=1 - axis, dtype=np.float64)
    centre = (mass * (np.arange(len(mass)) + 0.5)).sum() / max(mass.sum(), 1)
    return int(np.clip(round(side / 2 - centre), 0, side - len(mass)))
