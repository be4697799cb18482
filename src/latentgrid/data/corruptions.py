"""Ways to damage images: the four of source 003, and the noise and the inpainting of source 004.

Each maps images (n, c, h, w) in [0, 1] to new ones of the same shape and range. All draws come
from the generator, which lives on the images' device. A pixel that is removed is black (0) in all
its channels; what is not removed stays as it was.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Corruption = Callable[[Tensor, torch.Generator], Tensor]

BLUR_SIGMA = 4.0
BLUR_REACH = 3  # standard deviations at which the kernel is cut
BLOCK, MNIST_SIDE = 16, 28
NOISE_SIGMA = 0.5


def pixels_50(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove each pixel with probability 0.5 (source 003, "Eliminar pixels")."""
    return _without_pixels(images, 0.5, generator)


def pixels_90(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove each pixel with probability 0.9 (source 003, "Eliminar pixels")."""
    return _without_pixels(images, 0.9, generator)


def blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur with a Gaussian of σ = 4 pixels (source 003, "Desenfoque"); nothing is drawn.

    The kernel reaches 3σ = 12 pixels, or as far as an image of fewer than 13 pixels a side can be
    mirrored at its edge.
    """
    from torchvision.transforms.functional import gaussian_blur  # seconds to import

    height, width = images.shape[2:]
    reach = round(BLUR_REACH * BLUR_SIGMA)
    kernel = [2 * min(reach, side - 1) + 1 for side in (width, height)]
    blurred: Tensor = gaussian_blur(images, kernel, [BLUR_SIGMA, BLUR_SIGMA])
    return blurred.clamp(0, 1)


def block(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove a square of 16×16 pixels anywhere in the image (source 003, "Máscara de bloqueo").

    Of images smaller than MNIST's the square takes the same share of the shorter side, 16/28.
    """
    n, _, height, width = images.shape
    side = min(BLOCK, BLOCK * min(height, width) // MNIST_SIDE)
    rows = _one_of(height - side + 1, n, generator) + torch.arange(side, device=images.device)
    columns = _one_of(width - side + 1, n, generator) + torch.arange(side, device=images.device)
    inside = _marked(rows, height)[:, :, None] & _marked(columns, width)[:, None, :]
    return images.masked_fill(inside[:, None], 0)


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of σ = 0.5 and cut to [0, 1].

    Source 004 gives no σ; 0.5 is that of the denoising example in Keras's blog (Chollet 2016,
    "Building autoencoders in Keras").
    """
    drawn = torch.empty_like(images).normal_(0, NOISE_SIGMA, generator=generator)
    return (images + drawn).clamp(0, 1)


def inpainting(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove one half: upper, lower, left or right, each with probability 1/4.

    Source 004 does not say which part is missing. Half an image is what the completions of van den
    Oord et al. (2016, "Pixel recurrent neural networks", figure 1) start from.
    """
    n, _, height, width = images.shape
    which = _one_of(4, n, generator)[:, :, None]
    row = torch.arange(height, device=images.device)[None, :, None]
    column = torch.arange(width, device=images.device)[None, None, :]
    upper, left = row < height // 2, column < width // 2
    half = torch.where(which < 2, upper ^ (which == 1), left ^ (which == 3))  # noqa: PLR2004
    return images.masked_fill(half[:, None], 0)


CORRUPTIONS: dict[str, Corruption] = {
    function.__name__: function
    for function in (pixels_50, pixels_90, blur, block, noise, inpainting)
}


def _without_pixels(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    draws = torch.rand(images[:, :1].shape, generator=generator, device=images.device)
    return images.masked_fill(draws < share, 0)


def _one_of(choices: int, n: int, generator: torch.Generator) -> Tensor:
    """Return n draws from 0, …, choices − 1 as a column (n, 1)."""
    return torch.randint(choices, (n, 1), generator=generator, device=generator.device)


def _marked(places: Tensor, length: int) -> Tensor:
    """Return which of `length` places are named in each row, (n, k) → (n, length)."""
    return (torch.arange(length, device=places.device) == places[:, :, None]).any(dim=1)
