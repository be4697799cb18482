"""Generators and discriminators, dense or convolutional in the manner of Radford et al. (2016)."""

from collections.abc import Callable
from math import prod

from torch import nn

from latentgrid.nets.dense import dense, dense_decoder, radford_leaky_relu
from latentgrid.nets.sides import quarter

ImageShape = tuple[int, int, int]


def dense_generator(image_shape: ImageShape, inputs: int, hidden: int) -> nn.Sequential:
    """Two hidden layers with ReLU and a sigmoid: (n, inputs) to images (n, c, h, w) in [0, 1]."""
    return dense_decoder(image_shape, [inputs, hidden, hidden], output=nn.Sigmoid())


def dense_discriminator(image_shape: ImageShape, hidden: int) -> nn.Sequential:
    """Two hidden layers with LeakyReLU: images (n, c, h, w) to one value each, (n, 1)."""
    layers = dense([prod(image_shape), hidden, hidden], radford_leaky_relu(), radford_leaky_relu)
    return nn.Sequential(*layers, last_layer(hidden))


def conv_generator(
    image_shape: ImageShape, inputs: int, channels: int, hidden: int | None = None
) -> nn.Sequential:
    """A dense layer and two transposed 4×4 convolutions of stride 2, batch norm and ReLU between.

    Maps (n, inputs), perhaps to hidden units first, to 2·channels, then to channels, then to images
    (n, c, h, w), whose height and width must be multiples of 4. As pixels are in [0, 1], a sigmoid
    stands for Radford's tanh.
    """
    wide, low = 2 * channels, quarter(image_shape)
    first = [nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU()] if hidden else []
    return nn.Sequential(
        *first,
        nn.Linear(hidden or inputs, wide * low[0] * low[1]),
        nn.Unflatten(1, (wide, *low)),
        nn.BatchNorm2d(wide),
        nn.ReLU(),
        nn.ConvTranspose2d(wide, channels, kernel_size=4, stride=2, padding=1),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, image_shape[0], kernel_size=4, stride=2, padding=1),
        nn.Sigmoid(),
    )


def conv_discriminator(
    image_shape: ImageShape, channels: int, hidden: int | None = None
) -> nn.Sequential:
    """`conv_critic` with batch norm before each LeakyReLU but the first (Radford et al. 2016).

    Without it and with weights that small it stays near chance, and the generator learns noise.
    """
    return _convolutional(image_shape, channels, hidden, nn.BatchNorm2d, nn.BatchNorm1d)


def conv_critic(image_shape: ImageShape, channels: int, hidden: int | None = None) -> nn.Sequential:
    """Two 4×4 convolutions of stride 2 with LeakyReLU: images (n, c, h, w) to (n, 1).

    They have `channels` and twice as many; height and width must be multiples of 4. Without hidden
    units behind them, the value is a sum over places that see 10×10 pixels each. There is no batch
    norm, with which the value of an image would depend on the others in its batch, and the
    gradient that is penalised too (Gulrajani et al. 2017, section 4).
    """
    return _convolutional(image_shape, channels, hidden, nn.Identity, nn.Identity)


def _convolutional(
    image_shape: ImageShape,
    channels: int,
    hidden: int | None,
    norm_of_channels: Callable[[int], nn.Module],
    norm_of_units: Callable[[int], nn.Module],
) -> nn.Sequential:
    height, width = quarter(image_shape)
    wide = 2 * channels
    features = wide * height * width
    last = (
        [nn.Linear(features, hidden), norm_of_units(hidden), radford_leaky_relu()] if hidden else []
    )
    return nn.Sequential(
        nn.Conv2d(image_shape[0], channels, kernel_size=4, stride=2, padding=1),
        radford_leaky_relu(),
        nn.Conv2d(channels, wide, kernel_size=4, stride=2, padding=1),
        norm_of_channels(wide),
        radford_leaky_relu(),
        nn.Flatten(),
        *last,
        last_layer(hidden or features),
    )


def last_layer(inputs: int) -> nn.Module:
    """Return a dense layer to one value, without a bias: a Wasserstein critic cannot learn one."""
    return nn.Linear(inputs, 1, bias=False)
