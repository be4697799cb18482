"""The convolutional encoder and decoder of source 000 (sections 6.3.2 and 6.3.3)."""

from torch import Tensor, nn

KERNEL = 3
NARROW, WIDE = 32, 64


class SameConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution whose output is `stride` times as large, padded as TensorFlow does.

    TensorFlow's "same" cuts the surplus of kernel − stride rows from the end first, which
    `padding` and `output_padding` of PyTorch, cutting from the start, cannot say.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel, stride)
        self.surplus = kernel - stride

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (n, c, h, w) to (n, c', stride·h, stride·w)."""
        full = super().forward(x, output_size)
        before = self.surplus // 2
        height, width = (size * self.stride[0] for size in x.shape[-2:])
        return full[..., before : before + height, before : before + width]


def conv_encoder(image_shape: tuple[int, int, int], outputs: int) -> nn.Sequential:
    """Two valid 3×3 convolutions of stride 2 with 32 and 64 channels and ReLU, then a dense layer.

    Maps images (n, c, h, w) to (n, outputs).
    """
    channels, height, width = image_shape
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

    Maps codes (n, latent_dim) to images (n, c, h, w); height and width must be multiples of 4.
    """
    channels, height, width = image_shape
    low = (height // 4, width // 4)
    return nn.Sequential(
        nn.Linear(latent_dim, NARROW * low[0] * low[1]),
        nn.ReLU(),
        nn.Unflatten(1, (NARROW, *low)),
        SameConvTranspose2d(NARROW, WIDE, KERNEL, stride=2),
        nn.ReLU(),
        SameConvTranspose2d(WIDE, NARROW, KERNEL, stride=2),
        nn.ReLU(),
        SameConvTranspose2d(NARROW, channels, KERNEL, stride=1),
        output or nn.Identity(),
    )
