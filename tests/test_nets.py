"""Networks against the layers that TensorFlow has, and the weights they start from."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from latentgrid.nets.conv import conv_decoder, conv_encoder, same_conv_transpose
from latentgrid.nets.dense import dense
from latentgrid.nets.initialise import glorot_uniform
from latentgrid.randomness import random_generator


def filled(network, seed=0):
    """Give every weight and bias a value, so that no bias goes untested."""
    draws = random_generator(seed, "fill")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=draws)
    return network.double()


def tensorflow_conv_transpose(images, weight, bias, stride):
    """conv2d_transpose with padding "same": the gradient of a convolution padded by total t.

    t = 3 − stride, of which TensorFlow puts ⌊t/2⌋ before and the rest after (nn.convolution in
    its API documentation); so of the full transposed convolution that much is cut off.
    """
    before = (3 - stride) // 2
    full = F.conv_transpose2d(images, weight, bias, stride)
    height, width = images.shape[2] * stride, images.shape[3] * stride
    return full[:, :, before : before + height, before : before + width]


def test_the_reference_is_the_gradient_of_tensorflows_convolution():
    """Stride 2 on an even side pads nothing before and one after: x₂ᵢ, x₂ᵢ₊₁, x₂ᵢ₊₂ make yᵢ."""
    weight = torch.randn(2, 3, 3, 3, generator=random_generator(0, "w"), dtype=torch.float64)
    images = torch.randn(1, 3, 8, 6, generator=random_generator(0, "x"), dtype=torch.float64)
    images.requires_grad_()
    after = F.conv2d(F.pad(images, (0, 1, 0, 1)), weight, stride=2)
    above = torch.randn(after.shape, generator=random_generator(0, "g"), dtype=torch.float64)
    (gradient,) = torch.autograd.grad(after, images, above)
    torch.testing.assert_close(gradient, tensorflow_conv_transpose(above, weight, None, stride=2))


@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 16, 24)])
def test_conv_decoder_is_tensorflows_turned_by_180_degrees(image_shape):
    channels, height, width = image_shape
    decoder = filled(conv_decoder(image_shape, latent_dim=5))
    codes = torch.randn(4, 5, generator=random_generator(0, "codes"), dtype=torch.float64)
    start, first, second, third = (
        layer for layer in decoder if isinstance(layer, nn.Linear | nn.ConvTranspose2d)
    )
    images = F.relu(start(codes)).reshape(4, 32, height // 4, width // 4).flip(2, 3)
    for layer, stride in ((first, 2), (second, 2), (third, 1)):
        turned = layer.weight.flip(2, 3)
        images = tensorflow_conv_transpose(images, turned, layer.bias, stride)
        images = images if layer is third else F.relu(images)
    assert images.shape == (4, channels, height, width)
    torch.testing.assert_close(decoder(codes), images)


@pytest.mark.parametrize("stride", [1, 2])
def test_same_conv_transpose_multiplies_the_side_by_its_stride(stride):
    layer = same_conv_transpose(2, 5, stride)
    assert layer(torch.zeros(1, 2, 7, 6)).shape == (1, 5, 7 * stride, 6 * stride)


def test_conv_encoder_is_two_valid_convolutions_and_a_dense_layer():
    encoder = filled(conv_encoder((1, 28, 28), outputs=4))
    images = torch.rand(3, 1, 28, 28, generator=random_generator(0, "x"), dtype=torch.float64)
    first, second, last = (layer for layer in encoder if isinstance(layer, nn.Linear | nn.Conv2d))
    hidden = F.relu(F.conv2d(images, first.weight, first.bias, stride=2))
    hidden = F.relu(F.conv2d(hidden, second.weight, second.bias, stride=2))
    expected = hidden.reshape(3, -1) @ last.weight.T + last.bias
    torch.testing.assert_close(encoder(images), expected)


@pytest.mark.parametrize(("output", "last"), [(None, lambda x: x), (nn.Sigmoid(), torch.sigmoid)])
def test_dense_is_matrices_with_relu_between(output, last):
    network = filled(dense([6, 5, 4, 3], output))
    first, second, third = (layer for layer in network if isinstance(layer, nn.Linear))
    x = torch.randn(7, 2, 3, generator=random_generator(0, "x"), dtype=torch.float64)
    hidden = torch.clamp(x.reshape(7, 6) @ first.weight.T + first.bias, min=0)
    hidden = torch.clamp(hidden @ second.weight.T + second.bias, min=0)
    torch.testing.assert_close(network(x), last(hidden @ third.weight.T + third.bias))


@pytest.mark.parametrize(
    ("layer", "fans"),
    [
        (nn.Linear(784, 512), 784 + 512),
        (nn.Conv2d(32, 64, 3), 9 * 32 + 9 * 64),
        (nn.ConvTranspose2d(64, 32, 3), 9 * 64 + 9 * 32),
    ],
)
def test_weights_start_glorot_uniform_and_biases_at_zero(layer, fans):
    glorot_uniform(layer, random_generator(0, "weights"))
    bound = math.sqrt(6 / fans)
    assert layer.weight.abs().max() <= bound
    assert layer.weight.abs().max() > 0.99 * bound
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.03 * bound)
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert not layer.bias.any()


def test_every_layer_of_a_network_is_initialised_from_the_generator():
    networks = [
        nn.Sequential(conv_encoder((1, 8, 8), 4), conv_decoder((1, 8, 8), 4)) for _ in range(3)
    ]
    for network, seed in zip(networks, (0, 0, 1), strict=True):
        glorot_uniform(network, random_generator(seed, "weights"))
    first, again, other = (dict(network.named_parameters()) for network in networks)
    for name, values in first.items():
        assert torch.equal(values, again[name])
        assert values.any() != name.endswith("bias")
        assert torch.equal(values, other[name]) == name.endswith("bias")
