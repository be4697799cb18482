"""Images as elements of a page."""

import base64
from io import BytesIO

import numpy as np
from htmltools import Tag, tags
from PIL import Image

from latentgrid.api.images import Array

GAP = 1  # pixels between images, through which the page is seen


def picture(images: Array, alt: str, columns: int, css: str = "picture") -> Tag:
    """Return images in rows as one picture.

    Args:
        images: uint8, or float in [0, 1], (n, c, h, w), of one or three channels.
        alt: what they show, for those who do not see them.
        columns: the number of images in a row.
        css: the class of the element.
    """
    return tags.img(src=data_uri(images, columns), alt=alt, class_=css)


def data_uri(images: Array, columns: int) -> str:
    """Return images (n, c, h, w) in rows as the data URI of one PNG."""
    sheet = _sheet(_as_bytes(images), columns)
    written = BytesIO()
    Image.fromarray(sheet).save(written, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def _as_bytes(images: Array) -> Array:
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _sheet(images: Array, columns: int) -> Array:
    """Lay images out in rows, with transparent gaps: uint8, (height, width, 4)."""
    n, _, height, width = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height + GAP, width + GAP, 4), np.uint8)
    cells[:n, :height, :width, :3] = images.transpose(0, 2, 3, 1)
    cells[:n, :height, :width, 3] = 255
    laid = cells.reshape(rows, columns, height + GAP, width + GAP, 4).swapaxes(1, 2)
    return laid.reshape(rows * (height + GAP), columns * (width + GAP), 4)[:-GAP, :-GAP]
