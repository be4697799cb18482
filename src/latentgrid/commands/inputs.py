"""Reads the images that a user names: a folder of pictures, one picture, or an .npz file."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from latentgrid.api.images import as_images
from latentgrid.api.runs import Run
from latentgrid.data.readers._pictures import Cut, UnfitPictureError, as_array
from latentgrid.errors import UserError, one_line

Array = np.ndarray[Any, Any]
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
NAME = "images"
UNREADABLE = (
    OSError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    UnfitPictureError,
    ValueError,
)


def images_for(run: Run, path: Path | None, first: int | None) -> tuple[Array, list[str]]:
    """Return images as the run's model takes them, float32 (n, c, h, w), and what each is called.

    Args:
        run: the run.
        path: a folder of pictures, which is searched to any depth, or one picture; or an .npz file
            with an array `images`; None for the test images of the run's data set.
        first: how many of them; None for all.

    Raises:
        UserError: there are none, or one of them does not fit; the text names it.
    """
    if path is None:
        given, names = run.test_set.images[:first], None
    elif path.suffix == ".npz":
        array = _arrays(path)
        given, names = array[:first] if array.ndim else array, None
    else:
        files = _pictures(path)[:first]
        given = np.stack([_picture(file, run.image_shape) for file in files])
        names = [str(file.relative_to(path) if path.is_dir() else file) for file in files]
    try:
        fitting = as_images(given, run.image_shape)
    except UserError as error:
        raise UserError(f"{path or run.path}: {error}") from None
    return fitting, names or [str(number) for number in range(len(fitting))]


def _arrays(path: Path) -> Array:
    try:
        with np.load(path, allow_pickle=False) as file:
            if NAME not in file:
                found = ", ".join(file.files) or "nothing"
                raise UserError(f"{path}: holds {found}; allowed: an array called {NAME}")
            array: Array = file[NAME]
            return array
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: is no .npz file of arrays ({one_line(error)})") from None


def _pictures(path: Path) -> list[Path]:
    if not os.path.exists(path):  # noqa: PTH110 - false for names that are too long, too
        raise UserError(
            f"--images: found {path}, where there is nothing; allowed: a folder, a "
            f"picture or an .npz file"
        )
    every = [path] if path.is_file() else sorted(path.rglob("*"))
    found = [file for file in every if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not found:
        raise UserError(f"{path}: has no picture; allowed: {', '.join(sorted(SUFFIXES))}")
    return found


def _picture(file: Path, shape: tuple[int, int, int]) -> Array:
    """Return a picture as bytes (c, h, w); one of another size is scaled if the images are square.

    It is read as the pictures of a data set are (`data.readers.folder`).
    """
    channels, height, width = shape
    square = Cut(resize=width) if height == width else Cut()
    try:
        with Image.open(file) as opened:
            pixels: Array = as_array(opened, channels, square)
    except UNREADABLE as error:
        raise UserError(f"{file}: cannot be read as a picture ({one_line(error)})") from None
    if pixels.shape != shape:
        raise UserError(f"{file}: has shape {pixels.shape}; the model's images have {shape}")
    return pixels
