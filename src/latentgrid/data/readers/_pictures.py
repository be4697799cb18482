"""Makes arrays of one shape of pictures as files have them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

GREY, COLOUR = 1, 3
# Pillow's modes of grey pictures: bits, bytes, bytes with alpha, 16 bits in either order, integers.
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
LARGEST_OF_16_BITS = 65_535
TRANSPOSED = (5, 6, 7, 8)  # EXIF orientations whose width and height are exchanged
ORIENTATION = 274
WHITE = 255


class UnfitPictureError(ValueError):
    """A picture cannot be made an image of the data set; the text says why."""


@dataclass(frozen=True)
class Cut:
    """How pictures are cut and scaled.

    Attributes:
        crop: side in pixels of the square that is cut from the middle, first; None for none.
        resize: side in pixels to which the largest square in the middle of what is left is scaled,
            bilinearly and without aliasing; None leaves it as it is.
    """

    crop: int | None = None
    resize: int | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return height and width of what becomes of a picture of this width and height.

        Raises:
            UnfitPictureError: the picture is smaller than `crop`.
        """
        if self.crop is not None and min(width, height) < self.crop:
            raise UnfitPictureError(f"is {width}×{height}, smaller than crop: {self.crop}")
        side = self.resize or self.crop
        return (side, side) if side else (height, width)

    def apply(self, picture: Image.Image) -> Image.Image:
        """Return the picture cut and scaled."""
        self.size(*picture.size)
        if self.crop is not None:
            picture = _middle(picture, self.crop)
        if self.resize is not None:
            picture = _middle(picture, min(picture.size))
            if picture.width != self.resize:
                side = self.resize
                picture = picture.resize((side, side), Image.Resampling.BILINEAR)
        return picture


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height of a picture as its EXIF orientation means it to be seen."""
    width, height = picture.size
    is_turned = picture.getexif().get(ORIENTATION) in TRANSPOSED
    return (height, width) if is_turned else (width, height)


def has_alpha(picture: Image.Image) -> bool:
    """Tell whether a picture has transparent pixels or could have some."""
    return picture.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info


def is_grey(picture: Image.Image) -> bool:
    """Tell whether a picture has no colours; a palette counts as colours if one of it is one."""
    if picture.mode in {"P", "PA"}:
        palette = np.array(picture.convert("RGB").getcolors(picture.width * picture.height), object)
        return all(red == green == blue for red, green, blue in palette[:, 1])
    return picture.mode in GREY_MODES


def as_array(picture: Image.Image, channels: int, cut: Cut) -> NDArray[np.uint8]:
    """Return a picture as bytes (channels, height, width).

    It is turned upright by its EXIF orientation, 16 bits are scaled to 8, transparent parts are
    laid on white, and then it is cut.

    Args:
        picture: of any mode but floating point; of an animation the first frame.
        channels: 1 for grey, 3 for red, green and blue.
        cut: how it is cut and scaled.

    Raises:
        UnfitPictureError: its pixels are no integers from 0 to 65,535, or it is too small.
    """
    picture = _on_white(_of_bytes(ImageOps.exif_transpose(picture)))
    flat = cut.apply(picture.convert("L" if channels == GREY else "RGB"))
    pixels = np.asarray(flat, dtype=np.uint8)
    return pixels[None] if channels == GREY else pixels.transpose(2, 0, 1)


def named(reasons: Sequence[str], most: int = 50) -> str:
    """Return reasons, a line each, of which the first `most` are written out."""
    lines = list(reasons[:most])
    if len(reasons) > most:
        lines.append(f"and {len(reasons) - most} more")
    return "\n       ".join(lines)


def _of_bytes(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 bits as one of 8, others as they are; a transparent grey is white."""
    if picture.mode == "F":
        raise UnfitPictureError("has pixels in floating point, of which nobody knows the range")
    if picture.mode not in DEEP_MODES:
        return picture
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > LARGEST_OF_16_BITS:
        raise UnfitPictureError(f"has pixels from {values.min()} to {values.max()}")
    if "transparency" in picture.info:
        values[values == picture.info["transparency"]] = LARGEST_OF_16_BITS
    return Image.fromarray(np.rint(values * WHITE / LARGEST_OF_16_BITS).astype(np.uint8))


def _on_white(picture: Image.Image) -> Image.Image:
    if not has_alpha(picture):
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA"))


def _middle(picture: Image.Image, side: int) -> Image.Image:
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))
