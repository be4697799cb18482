"""The convolutional encoder and decoder of source 002 (listings 4.3 and 4.4).

Where a "same" convolution of stride 2 needs an odd number of rows around the image, TensorFlow puts
the extra row after it and PyTorch's padding before it. So these networks are TensorFlow's turned by
180 degrees, with their weights: images are turned before the encoder and after the decoder.
"""

from torch import nn

from latentgrid.nets.conv import HalfTurn
from latentgrid.nets.dense import keras_leaky_relu
from latentgrid.nets.sides import quarter

KERNEL, PADDING = 5, 2
NARROW, WIDE, FEATURES = 32, 64, 128
MIN_SIDE = 4


def conv5_encoder(image_shape: tuple[int, int, int], outputs: int) -> nn.Sequential:
    """Four "same" 5×5 convolutions, a valid one over the whole quarter-size map, a dense layer.

    32 channels, 32 with stride 2, 64, 64 with stride 2, then 128 over what is left (7×7 for images
    of 28×28); LeakyReLU after each. Maps images (n, c, h, w) to (n, outputs).
    """
    channels = image_shape[0]
    return nn.Sequential(
        HalfTurn(),
        *_same_conv(channels, NARROW, stride=1),
        *_same_conv(NARROW, NARROW, stride=2),
        *_same_conv(NARROW, WIDE, stride=1),
        *_same_conv(WIDE, WIDE, stride=2),
        nn.Conv2d(WIDE, FEATURES, quarter(image_shape, MIN_SIDE)),
        keras_leaky_relu(),
        nn.Flatten(),
        nn.Linear(FEATURES, outputs),
    )


def conv5_decoder(image_shape: tuple[int, int, int], latent_dim: int) -> nn.Sequential:
    """Six transposed convolutions and a last convolution with a sigmoid.

    64 channels, valid, from one point to the quarter-size map; then "same" 5×5: 64, 64 with stride
    2, 32, 32 with stride 2, 32; LeakyReLU after each. Maps codes (n, latent_dim) to images
    (n, c, h, w) in [0, 1].
    """
    channels = image_shape[0]
    return nn.Sequential(
        nn.Unflatten(1, (latent_dim, 1, 1)),
        nn.ConvTranspose2d(latent_dim, WIDE, quarter(image_shape, MIN_SIDE)),
        keras_leaky_relu(),
        *_same_conv_transpose(WIDE, WIDE, stride=1),
        *_same_conv_transpose(WIDE, WIDE, stride=2),
        *_same_conv_transpose(WIDE, NARROW, stride=1),
        *_same_conv_transpose(NARROW, NARROW, stride=2),
        *_same_conv_transpose(NARROW, NARROW, stride=1),
        nn.Conv2d(NARROW, channels, KERNEL, padding=PADDING),
        nn.Sigmoid(),
        HalfTurn(),
    )


def _same_conv(channels_in: int, channels_out: int, stride: int) -> tuple[nn.Module, nn.Module]:
    """Return a 5×5 convolution, which divides the sides by `stride`, and its activation."""
    return nn.Conv2d(channels_in, channels_out, KERNEL, stride, PADDING), keras_leaky_relu()


def _same_conv_transpose(
    channels_in: int, channels_out: int, stride: int
) -> tuple[nn.Module, nn.Module]:
    """Return a 5×5 transposed convolution, which multiplies the sides by `stride`, activated."""
    return (
        nn.ConvTranspose2d(channels_in, channels_out, KERNEL, stride, PADDING, stride - 1),
        keras_leaky_relu(),
    )
