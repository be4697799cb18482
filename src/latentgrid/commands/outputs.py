"""Writes arrays to the files that a user names: pictures, arrays or tables, by their suffix."""

import os
from collections.abc import Iterable
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from PIL import Image

from latentgrid.errors import UserError
from latentgrid.files.atomic import replacing

Array = np.ndarray[Any, Any]
WHITE = 255
LONGEST = 240  # bytes of a file's name; 255 with what `replacing` adds
PAPER, GAP = 255, 2  # the shade of a sheet, and the pixels between its images
SMALLEST = 56  # pixels; images with shorter sides are enlarged, so that they can be seen


def require_writable(path: Path, suffixes: Iterable[str], force: bool) -> Path:
    """Return the path if it has one of the suffixes and nothing stands there, or `force` is given.

    Its folder is made, and tried, before anything is computed.

    Raises:
        UserError: it has another suffix, or stands there, or its folder takes no files, as `/proc`.
    """
    if path.suffix not in suffixes:
        raise UserError(f"--out: found {path}; allowed: a file that ends in {', '.join(suffixes)}")
    if len(os.fsencode(path.name)) > LONGEST:
        raise UserError(f"--out: found a name of more than {LONGEST} bytes; allowed: a shorter one")
    if path.is_dir():
        raise UserError(f"--out: found {path}, a folder; allowed: a file")
    if os.path.lexists(path) and not force:
        raise UserError(f"{path}: exists; name another by --out, or replace it by --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=path.parent).close()
    except FileNotFoundError:
        raise UserError(f"--out: found {path}; {path.parent} takes no files") from None
    return path


def write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Write named arrays to an .npz file."""
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_sheet(path: Path, images: Array, columns: int | None = None) -> None:
    """Write images to a .png file, side by side.

    Args:
        path: the file.
        images: (n, c, h, w) in [0, 1]; with other than 1 or 3 channels, the first is shown.
        columns: how many stand in a row; by default about as many as there are rows.
    """
    across = columns or ceil(np.sqrt(len(images)))
    with replacing(path) as part:
        Image.fromarray(_sheet(images, across)).save(part, format="PNG")


def _sheet(images: Array, across: int) -> Array:
    pictures = _enlarged(_as_bytes(images))
    n, height, width, channels = pictures.shape
    down = ceil(n / across)
    sheet = np.full(
        (GAP + down * (height + GAP), GAP + across * (width + GAP), channels), PAPER, np.uint8
    )
    for number, picture in enumerate(pictures):
        top = GAP + number // across * (height + GAP)
        left = GAP + number % across * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet[..., 0] if channels == 1 else sheet


def _as_bytes(images: Array) -> Array:
    """Return images in [0, 1] as bytes (n, h, w, 1 or 3)."""
    shown = images if images.shape[1] in (1, 3) else images[:, :1]
    pixels: Array = np.rint(np.clip(shown, 0, 1) * WHITE).astype(np.uint8)
    return pixels.transpose(0, 2, 3, 1)


def _enlarged(pictures: Array) -> Array:
    times = max(1, ceil(SMALLEST / min(pictures.shape[1:3])))
    enlarged: Array = pictures.repeat(times, axis=1).repeat(times, axis=2)
    return enlarged
