"""Every loss term against its closed form, and the architectures of source 000."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.models.bases.gaussian import kl_to_standard_normal
from latentgrid.models.mmd_vae import kernel, mmd
from latentgrid.randomness import random_generator
from networks import MNIST_SHAPE, build

OF_SOURCE_000 = ("vae", "conv_vae", "mmd_vae")
GAUSSIAN = ("vae", "conv_vae")


def random_images(n, shape=MNIST_SHAPE):
    return torch.rand(n, *shape, generator=random_generator(n, "images"))


def labelled(images):
    return Batch(images, torch.arange(len(images)) % 10)


def noise():
    return random_generator(7, "noise")


def gradients(model, loss):
    return torch.autograd.grad(loss, list(model.parameters()))


# The KL divergence


def random_posterior(n, d):
    draws = random_generator(d, "posterior")
    mean = 2 * torch.randn(n, d, generator=draws, dtype=torch.float64)
    return mean, torch.randn(n, d, generator=draws, dtype=torch.float64)


@pytest.mark.parametrize("d", [1, 2, 50])
def test_kl_agrees_with_torch_distributions(d):
    mean, log_variance = random_posterior(11, d)
    posterior = Normal(mean, (log_variance / 2).exp())
    expected = kl_divergence(posterior, Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected)


def test_kl_is_the_mean_log_ratio_of_draws():
    mean, log_variance = random_posterior(1, 4)
    posterior = Normal(mean, (log_variance / 2).exp())
    torch.manual_seed(0)
    codes = posterior.sample((200_000,))
    ratios = (posterior.log_prob(codes) - Normal(0.0, 1.0).log_prob(codes)).sum(dim=2).flatten()
    error = ratios.std().item() / math.sqrt(len(ratios))
    kl = kl_to_standard_normal(mean, log_variance).item()
    assert kl == pytest.approx(ratios.mean().item(), abs=4 * error)
    assert error < kl / 100


def test_kl_by_hand():
    mean = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, 0.0], [0.0, 0.0], [math.log(4), 0.0]])
    expected = torch.tensor([0.0, 4.5, (4 - 1 - math.log(4)) / 2])
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected)


# The batch loss of the variational models


@pytest.mark.parametrize("name", GAUSSIAN)
@pytest.mark.parametrize(("n", "d"), [(1, 2), (7, 20), (100, 50)])
def test_losses_and_batch_loss_are_the_published_formula(name, n, d):
    model = build(name, d)
    images = random_images(n)
    with torch.no_grad():
        losses = model.losses(labelled(images), noise())
        mean, log_variance = (part.numpy() for part in model.posterior(images))
        epsilon = torch.randn(n, d, generator=noise()).numpy()
        codes = mean + np.sqrt(np.exp(log_variance)) * epsilon
        output = model.decoder(torch.from_numpy(codes)).numpy()
    squares = ((images.numpy() - output).astype(np.float64) ** 2).reshape(n, -1)
    m, v = mean.astype(np.float64), log_variance.astype(np.float64)
    published = squares.sum() + (np.exp(v).sum() + (m**2).sum() - d - v.sum()) / 2
    np.testing.assert_allclose(losses["reconstruction"], squares.sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(
        losses["kl"], (np.exp(v) + m**2 - 1 - v).sum(axis=1) / 2, rtol=1e-4, atol=1e-5
    )
    assert model.batch_loss(losses).item() == pytest.approx(published, rel=1e-5)


@pytest.mark.parametrize("name", GAUSSIAN)
@pytest.mark.parametrize(("d", "constant"), [(2, 59_400), (20, 594_000), (50, 1_485_000)])
def test_an_epoch_of_600_batches_of_100_exceeds_the_bound_by_the_published_constant(
    name, d, constant
):
    model = build(name, d)
    zeros = {term: torch.zeros(100) for term in model.terms}
    assert 600 * model.batch_loss(zeros).item() == constant
    assert 600 * model.batch_surplus(100) == constant


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_subtracted_constant_moves_no_gradient(name):
    model = build(name)
    losses = model.losses(labelled(random_images(9)), noise())
    published = gradients(model, model.batch_loss(losses))
    losses = model.losses(labelled(random_images(9)), noise())
    bound = gradients(model, losses["reconstruction"].sum() + losses["kl"].sum())
    for ours, true in zip(published, bound, strict=True):
        torch.testing.assert_close(ours, true)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_a_code_is_the_posterior_mean(name):
    model = build(name)
    images = random_images(5)
    assert torch.equal(model.encode(images), model.posterior(images)[0])
    assert torch.equal(model.encode(images), model.encoder(images)[:, :3])
    assert torch.equal(model.posterior(images)[1], model.encoder(images)[:, 3:])


# The maximum mean discrepancy


def normals(n, d, shift=0.0, seed=0):
    draws = torch.randn(
        n, d, generator=random_generator(seed, f"normals {n} {d}"), dtype=torch.float64
    )
    return draws + shift


def test_kernel_by_hand():
    x = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    y = torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    expected = torch.exp(-torch.tensor([[1.0, 0.0, 0.5], [2.0, 5.0, 4.5]]) / 2)
    torch.testing.assert_close(kernel(x, y), expected)
    one = kernel(torch.zeros(1, 3), torch.tensor([[1.0, 2.0, 2.0]]))
    assert one.item() == pytest.approx(math.exp(-1))


def test_mmd_by_hand():
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0]])
    within = (2 + 2 * math.exp(-1)) / 4
    between = (math.exp(-4) + math.exp(-1)) / 2
    assert mmd(x, y).item() == pytest.approx(within + 1 - 2 * between)


def test_mmd_of_a_sample_with_itself_is_zero():
    x = normals(40, 5)
    assert mmd(x, x).item() == 0
    assert mmd(x, x.flip(0)).item() == pytest.approx(0, abs=1e-15)


def test_mmd_is_symmetric_and_never_negative():
    for seed in range(20):
        x, y = normals(10 + seed, 3, seed=seed), normals(10, 3, shift=seed / 10, seed=-seed - 1)
        assert mmd(x, y).item() == pytest.approx(mmd(y, x).item(), rel=1e-12)
        assert 0 < mmd(x, y).item() <= 2


@pytest.mark.parametrize("d", [2, 20])
def test_mmd_of_equal_distributions_falls_as_one_over_n(d):
    alike = (1 + 4 / d**2) ** (-d / 2)  # E k(x, x') of two draws from N(0, I)
    for n, repeats in ((10, 400), (80, 400)):
        pairs = [(normals(n, d, seed=s), normals(n, d, seed=-s - 1)) for s in range(repeats)]
        mean = np.mean([mmd(x, y).item() for x, y in pairs])
        assert mean == pytest.approx(2 * (1 - alike) / n, rel=0.12)


def test_mmd_of_shifted_normals_is_the_closed_form():
    d, n, shift = 2, 1000, 1.0
    population = 2 * (1 + 4 / d**2) ** (-d / 2) * (1 - math.exp(-d * shift**2 / (d**2 + 4)))
    assert mmd(normals(n, d), normals(n, d, shift, seed=1)).item() == pytest.approx(
        population, rel=0.1
    )


@pytest.mark.parametrize(("n", "d"), [(1, 2), (6, 20)])
def test_the_loss_of_mmd_vae_written_out(n, d):
    model = build("mmd_vae", d)
    images = random_images(n)
    with torch.no_grad():
        losses = model.losses(labelled(images), noise())
        codes = model.encode(images)
        output = model.decoder(codes).double().numpy()
    prior = torch.randn(n, d, generator=noise()).double().numpy()
    codes = codes.double().numpy()

    def mean_kernel(first, second):
        return np.mean([math.exp(-np.mean((x - y) ** 2) / d) for x in first for y in second])

    discrepancy = (
        mean_kernel(prior, prior) + mean_kernel(codes, codes) - 2 * mean_kernel(prior, codes)
    )
    squares = (images.double().numpy() - output) ** 2
    np.testing.assert_allclose(
        losses["reconstruction"], squares.reshape(n, -1).mean(axis=1), rtol=1e-5
    )
    np.testing.assert_allclose(losses["mmd"], np.full(n, discrepancy), rtol=1e-4)
    assert model.batch_loss(losses).item() == pytest.approx(squares.mean() + discrepancy, rel=1e-5)
    assert model.batch_surplus(n) == 0


# The architectures of source 000


@pytest.mark.parametrize(
    ("name", "d", "count"),
    [
        # 784·512 + 512 + 2(512² + 512) + 1026d  +  512d + 512 + 512² + 512 + 512·784 + 784
        ("vae", 2, 1_595_668),
        ("vae", 20, 1_623_352),
        ("vae", 50, 1_669_492),
        # 320 + 18496 + 4610d  +  1568d + 1568 + 18496 + 18464 + 289
        ("conv_vae", 2, 69_989),
        ("conv_vae", 20, 181_193),
        ("conv_vae", 50, 366_533),
        # 320 + 18496 + 2305d  +  1568d + 1568 + 18496 + 18464 + 289
        ("mmd_vae", 2, 65_379),
        ("mmd_vae", 20, 135_093),
        ("mmd_vae", 50, 251_283),
    ],
)
def test_parameter_counts(name, d, count):
    assert models.parameter_count(build(name, d)) == count


def shapes_of_layers(network, batch):
    shapes = []
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(
                lambda _, __, output: shapes.append(tuple(output.shape[1:]))
            )
    network(batch)
    return shapes


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"),
    [
        ("vae", [(512,), (512,), (512,), (40,)], [(512,), (512,), (784,)]),
        (
            "conv_vae",
            [(32, 13, 13), (64, 6, 6), (40,)],
            [(1568,), (64, 14, 14), (32, 28, 28), (1, 28, 28)],
        ),
        (
            "mmd_vae",
            [(32, 13, 13), (64, 6, 6), (20,)],
            [(1568,), (64, 14, 14), (32, 28, 28), (1, 28, 28)],
        ),
    ],
)
def test_outputs_of_the_layers_at_20_latent_dimensions(name, encoder, decoder):
    model = build(name, 20)
    assert shapes_of_layers(model.encoder, random_images(2)) == encoder
    assert shapes_of_layers(model.decoder, torch.zeros(2, 20)) == decoder


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"), [("vae", 3, 3), ("conv_vae", 2, 3), ("mmd_vae", 2, 3)]
)
def test_relus(name, encoder, decoder):
    def relus(network):
        return sum(isinstance(layer, nn.ReLU) for layer in network.modules())

    model = build(name)
    assert (relus(model.encoder), relus(model.decoder)) == (encoder, decoder)


def raw_output(name):
    return build(name).decoder(200 * torch.randn(20, 3, generator=noise()))


def test_vae_has_a_relu_on_its_output():
    output = raw_output("vae")
    assert output.min() == 0
    assert output.max() > 1


def test_conv_vae_has_no_activation_on_its_output():
    output = raw_output("conv_vae")
    assert output.min() < 0
    assert output.max() > 1


def test_mmd_vae_has_a_sigmoid_on_its_output():
    model = build("mmd_vae")
    codes = torch.randn(20, 3, generator=noise())
    assert isinstance(model.decoder[-1], nn.Sigmoid)
    assert torch.equal(model.decoder(codes), torch.sigmoid(model.decoder[:-1](codes)))


@pytest.mark.parametrize("name", OF_SOURCE_000)
def test_encoders_end_without_an_activation(name):
    output = build(name).encoder(random_images(20))
    assert output.min() < 0 < output.max()


# What they can do; the contract of every model is tested in test_contracts.py


@pytest.mark.parametrize("name", OF_SOURCE_000)
def test_losses_of_source_000_draw_noise(name):
    model, images = build(name), random_images(4)
    first = model.losses(labelled(images), noise())
    other = model.losses(labelled(images), random_generator(8, "noise"))
    assert any(not torch.equal(first[term], other[term]) for term in first)


@pytest.mark.parametrize("name", OF_SOURCE_000)
def test_models_of_source_000_encode_decode_and_sample(name):
    model = build(name)
    for ability in (models.Encoder, models.Decoder, models.Sampler):
        assert isinstance(model, ability)


@pytest.mark.parametrize(
    "name",
    ["vae", "conv_vae", "vae_bce", "beta_vae", "conv5_vae", "gmvae", "gmvae_2016", "vamp_vae"],
)
def test_a_gaussian_posterior_has_a_density(name):
    assert isinstance(build(name), models.LatentVariableModel)


@pytest.mark.parametrize("name", ["aae", "mmd_vae", "flow", "ae", "dae", "pca", "gan"])
def test_without_a_posterior_there_is_no_density(name):
    assert not isinstance(build(name), models.LatentVariableModel)


@torch.no_grad()
def test_codes_are_proposed_by_the_posterior_with_its_density():
    model, images = build("vae_bce"), random_images(2)
    codes, log_posterior = model.propose(images, 20_000, noise())
    mean, log_variance = model.posterior(images)
    posterior = Normal(mean, (log_variance / 2).exp())
    expected = posterior.log_prob(codes).sum(dim=-1)
    torch.testing.assert_close(log_posterior, expected, rtol=1e-5, atol=1e-4)
    error = posterior.stddev / len(codes) ** 0.5
    assert ((codes.mean(dim=0) - mean).abs() < 4 * error).all()
    assert (codes.std(dim=0) / posterior.stddev - 1).abs().max() < 4 / (2 * len(codes)) ** 0.5
    prior = Normal(0, 1).log_prob(codes).sum(dim=-1)
    torch.testing.assert_close(model.log_prior(codes), prior, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", OF_SOURCE_000)
def test_samples_are_decoded_draws_from_the_prior(name):
    model = build(name)
    assert torch.equal(model.sample(4, noise()), model.decode(torch.randn(4, 3, generator=noise())))
