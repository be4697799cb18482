"""The U-Net of source 001 as a denoiser, on the corruptions of source 003."""

from torch import Tensor

from latentgrid.grid.hyperparameters import Corruption, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.denoiser import Denoiser
from latentgrid.nets.sides import quarter
from latentgrid.nets.unet import unet


class UNet(Denoiser):
    """A U-Net that sees damaged images and is trained to give back the clean ones.

    Ronneberger, Fischer and Brox (2015): two 3×3 convolutions with ReLU at each size, 2×2 maximum
    pooling, transposed convolutions, skip connections by concatenation. Theirs halves 572×572
    pixels four times, to 32×32 with 64 to 1,024 channels; this one halves 28×28 pixels twice, to
    7×7 with 32 to 128 channels, and pads with zeros. There is no code. The loss sees its linear
    outputs, which are then cut to [0, 1]; behind a sigmoid they ended in images all black.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        corruption: Corruption = "pixels_50",
        channels: PositiveInteger = 32,
    ) -> None:
        super().__init__()
        quarter(image_shape)
        self.network = unet(image_shape[0], channels, 2, image_shape[0])
        self.corruption = corruption

    def denoise(self, images: Tensor) -> Tensor:
        """Return the images without their damage, (n, c, h, w), not cut to [0, 1]."""
        restored: Tensor = self.network(images)
        return restored

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the images without their damage, (n, c, h, w) in [0, 1]."""
        return self.denoise(images).clamp(0, 1)
