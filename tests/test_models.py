"""Every loss term against its closed form, the architectures of source 000, and the contract."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributions import Normal, kl_divergence

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.grid import catalogue
from latentgrid.models._gaussian import kl_to_standard_normal
from latentgrid.models.mmd_vae import kernel, mmd
from latentgrid.randomness import generator
from networks import MNIST_SHAPE, build

OF_SOURCE_000 = ("vae", "conv_vae", "mmd_vae")
GAUSSIAN = ("vae", "conv_vae")
SHAPES = (MNIST_SHAPE, (3, 32, 32), (2, 8, 12))

every_model = pytest.mark.parametrize("name", catalogue.models())


def random_images(n, shape=MNIST_SHAPE):
    return torch.rand(n, *shape, generator=generator(n, "images"))


def labelled(images):
    return Batch(images, torch.arange(len(images)) % 10)


def noise():
    return generator(7, "noise")


def gradients(model, loss):
    return torch.autograd.grad(loss, list(model.parameters()))


# The KL divergence


def random_posterior(n, d):
    draws = generator(d, "posterior")
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
    draws = torch.randn(n, d, generator=generator(seed, f"normals {n} {d}"), dtype=torch.float64)
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


# The contract, for every model there is


@every_model
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 6])
def test_losses_are_finite_values_per_image(name, shape, n):
    images = random_images(n, shape)
    before = images.clone()
    model = build(name, shape=shape).eval()
    losses = model.losses(labelled(images), noise())
    assert losses.keys() == model.terms.keys()
    for values in losses.values():
        assert values.shape == (n,)
        assert values.isfinite().all()
    assert model.batch_loss(losses).shape == ()
    assert torch.equal(images, before)


@every_model
@pytest.mark.parametrize("shape", SHAPES)
def test_each_players_objective_has_a_gradient_for_each_of_its_parameters(name, shape):
    model = build(name, shape=shape)
    names = {parameter: name for name, parameter in model.named_parameters()}
    moved = set()
    for player in model.players():
        losses = player.losses(labelled(random_images(6, shape)), noise())
        assert losses.keys() <= model.terms.keys()
        slopes = torch.autograd.grad(player.objective(losses), player.parameters)
        for parameter, gradient in zip(player.parameters, slopes, strict=True):
            assert gradient.isfinite().all(), names[parameter]
            assert gradient.any(), names[parameter]
        moved |= set(player.parameters)
    assert moved == set(model.parameters())


@every_model
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_batch_loss_sums_or_averages_the_loss(name, n):
    model = build(name)
    losses = model.losses(labelled(random_images(n)), noise())
    total = model.loss(losses).sum().item()
    assert model.batch_total
    assert model.batch_loss(losses).item() - model.batch_surplus(n) in (
        pytest.approx(total, rel=1e-5),
        pytest.approx(total / n, rel=1e-5),
    )


@every_model
def test_the_loss_is_affine_in_its_terms(name):
    """An epoch's loss is taken of the means of the terms."""
    model = build(name)
    losses = model.losses(labelled(random_images(5)), noise())
    means = {term: values.mean() for term, values in losses.items()}
    torch.testing.assert_close(model.loss(means), model.loss(losses).mean())


@every_model
def test_losses_depend_on_the_generator_alone(name):
    model, images = build(name), random_images(4)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = model.losses(labelled(images), noise())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = model.losses(labelled(images), noise())
    other = model.losses(labelled(images), generator(8, "noise"))
    assert all(torch.equal(first[term], again[term]) for term in first)
    if name in OF_SOURCE_000:
        assert any(not torch.equal(first[term], other[term]) for term in first)


@every_model
def test_the_seed_alone_sets_the_weights(name):
    torch.manual_seed(1)
    first = build(name).state_dict()
    torch.manual_seed(2)
    again, other = build(name).state_dict(), build(name, seed=1).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    if not models.load(name).closed_form:
        assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", OF_SOURCE_000)
def test_models_of_source_000_encode_decode_and_sample(name):
    model = build(name)
    for ability in (models.Encoder, models.Decoder, models.Sampler):
        assert isinstance(model, ability)


@every_model
@torch.no_grad()
def test_abilities_are_known_without_importing_the_model(name):
    model = build(name).eval()
    told = catalogue.abilities(name)
    for method in (
        "encode",
        "decode",
        "sample",
        "quantile",
        "corrupt",
        "classify",
        "cluster",
        "propose",
        "log_prior",
    ):
        assert (method in told) == hasattr(model, method)
    assert (told >= catalogue.DENSITIES) == isinstance(model, models.LatentVariableModel)
    again = models.reconstruct(model, torch.rand(2, *MNIST_SHAPE))
    assert ("reconstruct" in told) == (again is not None)


@every_model
@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_abilities_give_what_they_promise(name, shape):
    model = build(name, shape=shape).eval()
    images = random_images(6, shape)
    if isinstance(model, models.Encoder):
        codes = model.encode(images)
        assert codes.shape == (6, model.latent_dim)
        assert codes.isfinite().all()
        assert torch.equal(codes, model.encode(images))
        torch.testing.assert_close(codes[2:3], model.encode(images[2:3]))
    if isinstance(model, models.Decoder):
        decoded = model.decode(100 * torch.randn(5, model.latent_dim, generator=noise()))
        assert decoded.shape == (5, *shape)
        assert decoded.min() >= 0
        assert decoded.max() <= 1
    if isinstance(model, models.Sampler):
        samples = model.sample(4, noise())
        assert samples.shape == (4, *shape)
        assert samples.min() >= 0
        assert samples.max() <= 1
        assert torch.equal(samples, model.sample(4, noise()))
        assert not torch.equal(samples, model.sample(4, generator(8, "noise")))
    if isinstance(model, models.LatentVariableModel):
        codes, log_posterior = model.propose(images, 4, noise())
        assert codes.shape == (4, 6, model.latent_dim)
        assert log_posterior.shape == model.log_prior(codes).shape == (4, 6)
        assert torch.equal(codes, model.propose(images, 4, noise())[0])
    if isinstance(model, models.Corrupter):
        before = images.clone()
        damaged = model.corrupt(images, noise())
        assert damaged.shape == images.shape
        assert damaged.min() >= 0
        assert damaged.max() <= 1
        assert not torch.equal(damaged, images)
        assert torch.equal(images, before)
        assert torch.equal(damaged, model.corrupt(images, noise()))
    reconstructed = models.reconstruct(model, images)
    if reconstructed is not None:
        assert reconstructed.shape == images.shape
        assert reconstructed.min() >= 0
        assert reconstructed.max() <= 1
    for ability, method in ((models.Classifier, "classify"), (models.Clusterer, "cluster")):
        if isinstance(model, ability):
            scores = getattr(model, method)(images)
            probabilities = scores.exp() if ability is models.Classifier else scores
            torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(6))


@pytest.mark.parametrize("name", ["vae", "conv_vae", "vae_bce", "beta_vae", "conv5_vae", "gmvae"])
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


@every_model
def test_weights_survive_a_file(name, tmp_path):
    model, other, images = build(name), build(name, seed=1), random_images(4)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    first, second = model.losses(labelled(images), noise()), other.losses(labelled(images), noise())
    assert all(torch.equal(first[term], second[term]) for term in first)


@every_model
def test_a_model_says_what_its_losses_mean(name):
    model = models.load(name)
    assert model.terms
    assert all(unit for unit in model.terms.values())
    assert model.total
