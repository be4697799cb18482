"""Takes users' arrays as images and codes, or refuses them in a line."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentgrid.errors import UserError, one_line
from latentgrid.grid.messages import shown
from latentgrid.models import ImageShape

Array = np.ndarray[Any, Any]
WHITE = 255
MOST = 2**31 - 1  # images at once
IMAGE_AXES, GREY_AXES, FLAT_AXES = 4, 3, 2


def as_images(given: ArrayLike, shape: ImageShape) -> Array:
    """Return images as float32 in [0, 1], (n, c, h, w).

    Args:
        given: (n, c, h, w); (n, h, w) where there is one channel; or (n, c·h·w). Bytes, uint8, are
            divided by 255, as in a training; floats must lie in [0, 1].
        shape: channels, height and width of the model's images.

    Raises:
        UserError: they have another shape, type or range.
    """
    array = _array("images", given)
    if array.dtype == np.uint8 and array.size:
        array = array.astype(np.float32) / np.float32(WHITE)
    elif array.dtype.kind != "f" and array.dtype != np.uint8:
        raise UserError(
            f"images: found {array.dtype}; allowed: uint8 from 0 to 255, or floats from 0 to 1"
        )
    elif not (np.isfinite(array).all() and array.size and 0 <= array.min() <= array.max() <= 1):
        raise UserError(f"images: found {_range(array)}; allowed: floats from 0 to 1, or uint8")
    return _shaped(array, shape).astype(np.float32, copy=False)


def as_codes(given: ArrayLike, latent_dim: int) -> Array:
    """Return codes as float32, (n, d).

    Raises:
        UserError: they have another shape, or are no finite numbers.
    """
    codes = _array("codes", given)
    if codes.ndim != FLAT_AXES or codes.shape[1] != latent_dim or not len(codes):
        raise UserError(f"codes: found shape {codes.shape}; allowed: (n, {latent_dim})")
    if codes.dtype.kind not in "fiu" or not np.isfinite(codes).all():
        raise UserError(f"codes: found {_range(codes)}; allowed: finite numbers")
    if not (np.abs(codes, dtype=np.float64) <= np.finfo(np.float32).max).all():
        raise UserError(f"codes: found {_range(codes)}; allowed: numbers that float32 can hold")
    return codes.astype(np.float32, copy=False)


def as_count(name: str, n: object, least: int, most: int | None = None) -> int:
    """Return a whole number that is large enough, and not too large where there is a `most`.

    Raises:
        UserError: it is none.
    """
    is_whole = isinstance(n, int | np.integer) and not isinstance(n, bool)
    if not is_whole or n < least or (most is not None and n > most):  # type: ignore[operator]
        range_ = f", {least} or more" if most is None else f" from {least} to {most}"
        raise UserError(f"{name}: found {shown(n)}; allowed: a whole number{range_}")
    return int(n)  # type: ignore[call-overload, no-any-return]


def _array(name: str, given: ArrayLike) -> Array:
    try:
        return np.asarray(given)
    except (ValueError, RuntimeError, TypeError) as error:
        raise UserError(f"{name}: is no array ({one_line(error)})") from None


def _shaped(array: Array, shape: ImageShape) -> Array:
    channels, height, width = shape
    is_image = array.ndim == IMAGE_AXES and array.shape[1:] == shape
    is_grey = array.ndim == GREY_AXES and (channels, *array.shape[1:]) == (1, height, width)
    is_flat = array.ndim == FLAT_AXES and array.shape[1] == channels * height * width
    if not (is_image or is_grey or is_flat):
        grey = f", (n, {height}, {width})" if channels == 1 else ""
        raise UserError(
            f"images: found shape {array.shape}; allowed: (n, {channels}, {height}, {width}){grey} "
            f"or (n, {channels * height * width})"
        )
    return array.reshape(-1, *shape)


def _range(array: Array) -> str:
    if not array.size:
        return "none"
    if array.dtype.kind not in "fiu":
        return str(array.dtype)
    if not np.isfinite(array).all():
        return "a number that is not finite"
    return f"numbers from {array.min():.8g} to {array.max():.8g}"
