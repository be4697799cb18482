"""Which sides of an image can be halved twice and doubled back."""

from latentgrid.errors import UserError


def quarter(image_shape: tuple[int, int, int], smallest: int = 8) -> tuple[int, int]:
    """Return a quarter of the height and of the width.

    Raises:
        UserError: one is no multiple of 4, so that a decoder could not restore it, or is smaller
            than `smallest`.
    """
    _, height, width = image_shape
    if height % 4 or width % 4 or min(height, width) < smallest:
        raise UserError(
            f"images of {height}×{width} pixels do not fit this network; "
            f"allowed: multiples of 4, {smallest} or more"
        )
    return height // 4, width // 4
