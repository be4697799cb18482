"""How far a code moves when its image is changed a little."""

import torch
from torch import Tensor

from latentgrid.models import Encoder


def jacobian_norms(model: Encoder, images: Tensor) -> Tensor:
    """Return the Frobenius norm of ∂h/∂x of each image, (n, c, h, w) in [0, 1] → (n,).

    h is the code; the encoder must take each image by itself, as all do in evaluation mode.
    """
    images = images.detach().requires_grad_()
    squares = torch.zeros(len(images))
    for dimension in model.encode(images).unbind(dim=1):
        (gradient,) = torch.autograd.grad(dimension.sum(), images, retain_graph=True)
        squares += gradient.square().flatten(1).sum(dim=1)
    return squares.sqrt()
