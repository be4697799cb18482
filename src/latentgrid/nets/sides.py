"""The sides of images that convolutions of stride 2 can halve twice and double again."""

from latentgrid.errors import UserError


def quarter(image_shape: tuple[int, int, int], smallest: int = 8) -> tuple[int, int]:
    """Return height and width after they were halved twice.

    Raises:
        UserError: they are no multiples of 4, so that no decoder could give them back, or smaller
            than `smallest`.
    """
    _, height, width = image_shape
    if height % 4 or width % 4 or min(height, width) < smallest:
        raise UserError(
            f"images of {height}×{width} pixels do not fit this network; "
            f"allowed: multiples of 4, {smallest} or more"
        )
    return height // 4, width // 4
