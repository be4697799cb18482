"""Images out of focus."""

import torch
from torch import Tensor

BLUR_SIGMA = 4.0
BLUR_REACH = 3  # the kernel is cut at so many standard deviations


def corrupt(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur with a Gaussian of σ = 4 pixels (source 003, "Desenfoque"); nothing is drawn.

    The kernel reaches 3σ = 12 pixels. An image with a side of less than 13 pixels cannot be
    mirrored that far at its edge: there the kernel reaches the side less one pixel.
    """
    from torchvision.transforms.functional import gaussian_blur  # seconds to import

    height, width = images.shape[2:]
    reach = round(BLUR_REACH * BLUR_SIGMA)
    kernel = [2 * min(reach, side - 1) + 1 for side in (width, height)]
    blurred: Tensor = gaussian_blur(images, kernel, [BLUR_SIGMA, BLUR_SIGMA])
    return blurred.clamp(0, 1)
