"""The variational models with cross entropy: estimators, β, the convolutions of source 002."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal
from torch.nn import functional as F

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.models.bases.bernoulli import log_ratio_to_standard_normal
from latentgrid.models.bases.gaussian import kl_to_standard_normal
from latentgrid.models.bases.reconstruction import cross_entropy
from latentgrid.nets.conv5 import conv5_decoder, conv5_encoder
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from networks import MNIST_SHAPE, build

SMALL = (1, 8, 8)


def random_images(n, shape=MNIST_SHAPE):
    return torch.rand(n, *shape, generator=random_generator(n, "images"))


def labelled(images):
    return Batch(images, torch.arange(len(images)) % 10)


def noise(seed=7):
    return random_generator(seed, "noise")


def filled(network, scale=0.3, seed=0):
    """Give every weight and bias a value, so that none goes untested."""
    draws = random_generator(seed, "fill")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, scale, generator=draws)
    return network


def one_image_many_times(n, shape=SMALL):
    return labelled(random_images(1, shape).repeat(n, 1, 1, 1))


def mean_and_error(values):
    return values.mean().item(), (values.std() / len(values) ** 0.5).item()


# The loss


@pytest.mark.parametrize("name", ["vae_bce", "conv5_vae"])
@torch.no_grad()
def test_the_loss_is_the_negative_elbo_of_a_bernoulli_decoder(name):
    model = build(name)
    images = random_images(5).round()  # black and white, as Bernoulli draws are
    losses = model.losses(labelled(images), noise())
    mean, log_variance = model.posterior(images)
    codes = mean + (log_variance / 2).exp() * torch.randn(5, 3, generator=noise())
    likelihood = Bernoulli(model.decoder(codes)).log_prob(images).flatten(1).sum(dim=1)
    kl = kl_to_standard_normal(mean, log_variance)
    torch.testing.assert_close(losses["reconstruction"], -likelihood, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(losses["kl"], kl)
    torch.testing.assert_close(
        model.batch_loss(losses), (kl - likelihood).mean(), rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize(("layers", "hidden"), [(1, 500), (2, 500), (3, 40)])
def test_hidden_layers_are_of_equal_width(layers, hidden):
    model = build("vae_bce", 20, hidden=hidden, hidden_layers=layers)
    between = (layers - 1) * (hidden * hidden + hidden)
    encoder = 784 * hidden + hidden + between + 40 * hidden + 40
    decoder = 20 * hidden + hidden + between + hidden * 784 + 784
    assert models.parameter_count(model) == encoder + decoder
    slopes = [m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.3] * (2 * layers)
    assert not any(isinstance(m, nn.ReLU) for m in model.modules())


# The two estimators of source 004


@torch.no_grad()
def test_the_sampled_divergence_is_the_log_ratio_of_the_densities():
    draws = noise()
    mean, log_variance, epsilon = (torch.randn(6, 4, generator=draws).double() for _ in range(3))
    deviation = (log_variance / 2).exp()
    codes = mean + deviation * epsilon
    ratio = Normal(mean, deviation).log_prob(codes) - Normal(0.0, 1.0).log_prob(codes)
    torch.testing.assert_close(
        log_ratio_to_standard_normal(codes, epsilon, log_variance), ratio.sum(dim=1)
    )


@pytest.mark.parametrize("samples", [1, 4])
@torch.no_grad()
def test_both_estimators_have_the_same_mean(samples):
    """Over many draws of one image's posterior, within 4 standard errors of the difference."""
    batch = one_image_many_times(20_000)
    found = {}
    for estimator in ("analytic", "sampled"):
        model = build("vae_bce", 5, SMALL, hidden=20, estimator=estimator, samples=samples)
        found[estimator] = filled(model).losses(batch, noise())
    analytic, sampled = found["analytic"], found["sampled"]
    assert torch.equal(analytic["reconstruction"], sampled["reconstruction"])
    mean, error = mean_and_error(sampled["kl"])
    kl = analytic["kl"][0].item()
    assert abs(mean - kl) < 4 * error
    assert 0 < error < kl / 50
    assert sampled["kl"].std() > 0.1 > analytic["kl"].std()


@pytest.mark.parametrize(("estimator", "term"), [("sampled", "kl"), ("analytic", "reconstruction")])
@torch.no_grad()
def test_the_variance_falls_with_the_number_of_draws(estimator, term):
    batch = one_image_many_times(4_000)
    variances, means = {}, {}
    for samples in (1, 16):
        model = build("vae_bce", 5, SMALL, hidden=20, estimator=estimator, samples=samples)
        values = filled(model).losses(batch, noise())[term]
        means[samples] = mean_and_error(values)
        variances[samples] = values.var().item()
    assert variances[1] / variances[16] == pytest.approx(16, rel=0.2)
    (few, error), (many, smaller_error) = means.values()
    assert abs(few - many) < 4 * (error + smaller_error)


@torch.no_grad()
def test_several_draws_are_averaged_within_each_image():
    model = filled(build("vae_bce", 3, SMALL, samples=3, estimator="sampled"))
    images = random_images(4, SMALL)
    losses = model.losses(labelled(images), noise())
    mean, log_variance = model.posterior(images)
    epsilon = torch.randn(3, 4, 3, generator=noise())
    each = []
    for draw in epsilon:
        codes = mean + (log_variance / 2).exp() * draw
        crossed = F.binary_cross_entropy(model.decoder(codes), images, reduction="none")
        each.append(crossed.flatten(1).sum(dim=1))
    torch.testing.assert_close(losses["reconstruction"], torch.stack(each).mean(dim=0))
    singles = [
        log_ratio_to_standard_normal(mean + (log_variance / 2).exp() * draw, draw, log_variance)
        for draw in epsilon
    ]
    torch.testing.assert_close(losses["kl"], torch.stack(singles).mean(dim=0))


def test_both_estimators_train_alike(few_images):
    """By different gradients, to similar losses."""
    ends = {}
    for estimator in ("analytic", "sampled"):
        rows = fit(build("vae_bce", hidden=50, estimator=estimator), few_images, epochs=10)
        assert rows[-1]["train_loss"] < 0.75 * rows[0]["train_loss"]
        ends[estimator] = rows[-1]["test_loss"]
    assert ends["analytic"] != ends["sampled"]
    assert ends["analytic"] == pytest.approx(ends["sampled"], rel=0.1)


# β


def fit(model, data, epochs=2):
    rows = []
    settings = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "batch_size": 20,
        "precision": "float32",
        "seed": 0,
    }
    Training(model, data, settings | {"epochs": epochs}).run(rows.append)
    return rows


@pytest.mark.parametrize(("estimator", "samples"), [("analytic", 1), ("sampled", 2)])
def test_beta_1_is_vae_bce_bit_for_bit(few_images, estimator, samples):
    settings = {"hidden": 50, "estimator": estimator, "samples": samples}
    plain, weighted = build("vae_bce", **settings), build("beta_vae", beta=1.0, **settings)
    assert fit(plain, few_images) == fit(weighted, few_images)
    pairs = zip(plain.state_dict().values(), weighted.state_dict().values(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize("name", ["beta_vae", "conv5_vae"])
def test_beta_weighs_the_divergence_and_leaves_the_terms_as_they_are(name):
    batch = labelled(random_images(4))
    one, four = build(name, beta=1.0), build(name, beta=4.0)
    losses, same = one.losses(batch, noise()), four.losses(batch, noise())
    assert all(torch.equal(losses[term], same[term]) for term in losses)
    assert torch.equal(four.loss(losses), losses["reconstruction"] + 4 * losses["kl"])
    assert torch.equal(one.loss(losses), losses["reconstruction"] + losses["kl"])


def test_a_larger_beta_leaves_a_smaller_divergence(few_images):
    ends = [
        fit(build("beta_vae", hidden=50, beta=beta), few_images, 6)[-1] for beta in (0.1, 1, 10)
    ]
    for weaker, stronger in itertools.pairwise(ends):
        assert stronger["train_kl"] < weaker["train_kl"]
        assert stronger["train_reconstruction"] > weaker["train_reconstruction"]


# The convolutions of source 002, against what Keras makes of its listings


def keras_same_conv(images, weight, bias, stride):
    """Pad by max((⌈n/s⌉ − 1)·s + 5 − n, 0) in all, of which the smaller half comes before."""
    pads = []
    for side in (images.shape[3], images.shape[2]):
        total = max((-(-side // stride) - 1) * stride + 5 - side, 0)
        pads += [total // 2, total - total // 2]
    return F.conv2d(F.pad(images, pads), weight, bias, stride)


def keras_same_conv_transpose(images, weight, bias, stride):
    """The gradient of that convolution: what it padded is cut off."""
    before = (5 - stride) // 2
    full = F.conv_transpose2d(images, weight, bias, stride)
    height, width = images.shape[2] * stride, images.shape[3] * stride
    return full[:, :, before : before + height, before : before + width]


def test_the_transposed_reference_is_the_gradient_of_the_reference():
    weight = torch.randn(2, 3, 5, 5, generator=random_generator(0, "w"), dtype=torch.float64)
    images = torch.randn(1, 3, 8, 12, generator=random_generator(0, "x"), dtype=torch.float64)
    images.requires_grad_()
    for stride in (1, 2):
        after = keras_same_conv(images, weight, None, stride)
        assert after.shape == (1, 2, 8 // stride, 12 // stride)
        above = torch.randn(after.shape, generator=random_generator(0, "g"), dtype=torch.float64)
        (gradient,) = torch.autograd.grad(after, images, above)
        torch.testing.assert_close(gradient, keras_same_conv_transpose(above, weight, None, stride))


def layers_of(network):
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    return [layer for layer in network if isinstance(layer, kinds)]


@pytest.mark.parametrize("image_shape", [(1, 28, 28), (2, 8, 12)])
@torch.no_grad()
def test_the_encoder_is_that_of_keras_with_its_kernels_turned(image_shape):
    encoder = filled(conv5_encoder(image_shape, outputs=6), scale=0.1).double()
    *same, valid, last = layers_of(encoder)
    images = random_images(3, image_shape).double()
    maps = images
    for layer, stride in zip(same, (1, 2, 1, 2), strict=True):
        maps = keras_same_conv(maps, layer.weight.flip(2, 3), layer.bias, stride)
        maps = F.leaky_relu(maps, 0.3)
    maps = F.leaky_relu(F.conv2d(maps, valid.weight.flip(2, 3), valid.bias), 0.3)
    assert maps.shape == (3, 128, 1, 1)
    torch.testing.assert_close(encoder(images), maps.flatten(1) @ last.weight.T + last.bias)


@pytest.mark.parametrize("image_shape", [(1, 28, 28), (2, 8, 12)])
@torch.no_grad()
def test_the_decoder_is_that_of_keras_with_its_kernels_turned(image_shape):
    decoder = filled(conv5_decoder(image_shape, latent_dim=5), scale=0.1).double()
    codes = torch.randn(3, 5, generator=random_generator(0, "codes"), dtype=torch.float64)
    valid, *same, last = layers_of(decoder)
    maps = F.conv_transpose2d(codes[:, :, None, None], valid.weight.flip(2, 3), valid.bias)
    maps = F.leaky_relu(maps, 0.3)
    for layer, stride in zip(same, (1, 2, 1, 2, 1), strict=True):
        maps = keras_same_conv_transpose(maps, layer.weight.flip(2, 3), layer.bias, stride)
        maps = F.leaky_relu(maps, 0.3)
    images = torch.sigmoid(keras_same_conv(maps, last.weight.flip(2, 3), last.bias, stride=1))
    assert images.shape == (3, *image_shape)
    torch.testing.assert_close(decoder(codes), images)


def shapes_of_layers(network, batch):
    shapes = []
    for layer in layers_of(network):
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    network(batch)
    return shapes


def test_outputs_of_the_layers():
    model = build("conv5_vae", 20)
    assert shapes_of_layers(model.encoder, random_images(2)) == [
        (32, 28, 28),
        (32, 14, 14),
        (64, 14, 14),
        (64, 7, 7),
        (128, 1, 1),
        (40,),
    ]
    assert shapes_of_layers(model.decoder, torch.zeros(2, 20)) == [
        (64, 7, 7),
        (64, 7, 7),
        (64, 14, 14),
        (32, 14, 14),
        (32, 28, 28),
        (32, 28, 28),
        (1, 28, 28),
    ]


def dense_pair_counts(d, hidden):
    return 784 * hidden + hidden + 2 * d * (hidden + 1), (d + 1) * hidden + 784 * (hidden + 1)


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("encoder", ["conv", "dense"])
@pytest.mark.parametrize("decoder", ["conv", "dense"])
def test_parameter_counts_are_those_that_keras_counts(d, encoder, decoder):
    """(k·k·in + 1)·out for each convolution either way, two dense layers of d on 128 features."""

    def conv(kernel, inputs, outputs):
        return (kernel * kernel * inputs + 1) * outputs

    encoders = {
        "conv": conv(5, 1, 32)
        + conv(5, 32, 32)
        + conv(5, 32, 64)
        + conv(5, 64, 64)
        + conv(7, 64, 128)
        + 2 * (128 + 1) * d
    }
    decoders = {
        "conv": conv(7, d, 64)
        + 2 * conv(5, 64, 64)
        + conv(5, 64, 32)
        + 2 * conv(5, 32, 32)
        + conv(5, 32, 1)
    }
    encoders["dense"], decoders["dense"] = dense_pair_counts(d, 100)
    model = build("conv5_vae", d, encoder=encoder, decoder=decoder, hidden=100)
    assert models.parameter_count(model.encoder) == encoders[encoder]
    assert models.parameter_count(model.decoder) == decoders[decoder]
    assert encoders["conv"] == 581_728 + 258 * d
    assert decoders["conv"] == 308_289 + 3_136 * d


@torch.no_grad()
def test_mixed_pairs_share_their_halves_with_the_pure_ones():
    conv, dense = build("conv5_vae"), build("conv5_vae", encoder="dense", decoder="dense")
    mixed = build("conv5_vae", encoder="conv", decoder="dense")
    mixed.encoder.load_state_dict(conv.encoder.state_dict())
    mixed.decoder.load_state_dict(dense.decoder.state_dict())
    images = random_images(3)
    assert torch.equal(mixed.encode(images), conv.encode(images))
    assert torch.equal(mixed.decode(mixed.encode(images)), dense.decode(conv.encode(images)))


@torch.no_grad()
def test_a_dense_pair_is_vae_bce():
    dense = build("conv5_vae", encoder="dense", decoder="dense", hidden=30)
    plain = build("vae_bce", hidden=30)
    batch = labelled(random_images(3))
    first, second = dense.losses(batch, noise()), plain.losses(batch, noise())
    assert all(torch.equal(first[term], second[term]) for term in first)


@pytest.mark.parametrize("shape", [(1, 30, 28), (1, 28, 30), (3, 27, 27)])
def test_sides_that_are_no_multiples_of_4_are_refused(shape):
    for settings in ({}, {"encoder": "dense"}, {"decoder": "dense"}):
        with pytest.raises(UserError, match=rf"{shape[1]}×{shape[2]}.*multiples of 4"):
            build("conv5_vae", shape=shape, **settings)
    build("conv5_vae", shape=shape, encoder="dense", decoder="dense")


def test_cross_entropy_is_finite_where_the_sigmoid_is_0_or_1():
    model = build("vae_bce", shape=SMALL)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(1e4)
    losses = model.losses(labelled(random_images(5, SMALL)), noise())
    slopes = torch.autograd.grad(model.batch_loss(losses), list(model.parameters()))
    assert losses["reconstruction"].isfinite().all()
    assert all(slope.isfinite().all() for slope in slopes)


def test_pixels_that_are_no_numbers_make_a_loss_that_is_none():
    """binary_cross_entropy alone would end the run with an error and not as diverged."""
    images = torch.full((2, 1, 2, 2), 0.5)
    decoded = images.clone().requires_grad_()
    whole = cross_entropy(decoded, images)
    torch.testing.assert_close(whole, torch.full((2,), 4 * math.log(2)))
    (gradient,) = torch.autograd.grad(whole.sum(), decoded)
    assert gradient.abs().max() < 1e-6
    broken = decoded.detach().clone()
    broken[1, 0, 0, 0] = math.nan
    first, second = cross_entropy(broken, images)
    assert first == whole[0]
    assert second.isnan()
