"""The convolutional encoder and decoder of source 000 (sections 6.3.2 and 6.3.3)."""

from torch import Tensor, nn

from latentgrid.nets.sides import quarter

KERNEL = 3
NARROW, WIDE = 32, 64


class HalfTurn(nn.Module):
    """Turns images by 180 degrees."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, c, h, w) to the same shape."""
        return images.flip(2, 3)


def same_conv_transpose(channels_in: int, channels_out: int, stride: int) -> nn.ConvTranspose2d:
    """Return a transposed 3×3 convolution whose output is `stride` times as large."""
    return nn.ConvTranspose2d(
        channels_in, channels_out, KERNEL, stride, padding=1, output_padding=stride - 1
    )


def conv_encoder(image_shape: tuple[int, int, int], outputs: int) -> nn.Sequential:
    """Two valid 3×3 convolutions of stride 2 with 32 and 64 channels and ReLU, then a dense layer.

    Maps images (n, c, h, w) to (n, outputs).
    """
    channels, height, width = image_shape
    quarter(image_shape)  # refuses here already a shape that the decoder would refuse
    after = [((side - KERNEL) // 2 + 1 - KERNEL) // 2 + 1 for side in (height, width)]
    return nn.Sequential(
        nn.Conv2d(channels, NARROW, KERNEL, stride=2),
        nn.ReLU(),
        nn.Conv2d(NARROW, WIDE, KERNEL, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(WIDE * after[0] * after[1], outputs),
    )


def conv_decoder(
    image_shape: tuple[int, int, int], latent_dim: int, output: nn.Module | None = None
) -> nn.Sequential:
    """A dense layer and three "same" 3×3 transposed convolutions: 64 and 32 with stride 2, then 1.

    Maps codes (n, latent_dim) to images (n, c, h, w); sides are multiples of 4, 8 or more.

    Stride 2 makes one row and one column too many: TensorFlow's "same" cuts the last ones and
    PyTorch's padding the first ones. So these layers are TensorFlow's turned by 180 degrees, with
    their weights, and the image is turned back at the end.
    """
    channels, low = image_shape[0], quarter(image_shape)
    return nn.Sequential(
        nn.Linear(latent_dim, NARROW * low[0] * low[1]),
        nn.ReLU(),
        nn.Unflatten(1, (NARROW, *low)),
        same_conv_transpose(NARROW, WIDE, stride=2),
        nn.ReLU(),
        same_conv_transpose(WIDE, NARROW, stride=2),
        nn.ReLU(),
        same_conv_transpose(NARROW, channels, stride=1),
        HalfTurn(),
        output or nn.Identity(),
    )
