"""Pictures inside a page, as data URIs."""

import base64
from io import BytesIO

from PIL import Image


def as_webp(picture: Image.Image) -> str:
    """Return a picture as a data URI: a WebP of the same pixels, half the size of a PNG."""
    written = BytesIO()
    picture.convert("RGB").save(written, "WEBP", lossless=True, method=1, quality=50)
    return webp_address(written.getvalue())


def webp_address(webp: bytes) -> str:
    """Return a WebP as a data URI."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()
