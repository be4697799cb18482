"""Normalizing flows: inverses, densities, log-determinants and the bookkeeping of bits."""

import math

import pytest
import torch
import zuko
from safetensors.torch import load, save
from torch.distributions import Normal

from latentgrid.data import Batch
from latentgrid.models.flow import ALPHA, dequantise, logit
from latentgrid.nets.flows import (
    CONTRACTION,
    LAYERS,
    ResidualLayer,
    solve,
    spectral_bound,
)
from latentgrid.randomness import random_generator
from networks import build

KINDS = tuple(LAYERS)
FAMILIES = {"coupling": zuko.flows.RealNVP, "autoregressive": zuko.flows.MAF}
PIXELS = (1, 1, 2)

each_kind = pytest.mark.parametrize("kind", KINDS)


def draws(seed=0):
    return random_generator(seed, "noise")


def images_of(n, shape):
    levels = torch.randint(256, (n, *shape), generator=random_generator(n, "images"))
    return levels / 255


def bent(kind, shape, dtype=torch.float32, **settings):
    """A flow whose transforms are far from the identity, as after training."""
    model = build("flow", shape=shape, kind=kind, **settings).to(dtype)
    random = draws(1)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.empty_like(parameter).normal_(generator=random)
            parameter.add_(noise, alpha=0.4 / math.sqrt(parameter.shape[-1]))
        model.mean.uniform_(-0.3, 0.3, generator=random)
        model.deviation.uniform_(0.7, 1.3, generator=random)
    return model


# Invertible


@each_kind
@torch.no_grad()
def test_the_inverse_is_an_inverse_both_ways(kind):
    model = bent(kind, (1, 4, 5), torch.float64, hidden=32)
    logits = 3 * torch.randn(50, 20, generator=draws(), dtype=torch.float64)
    noise, _ = model.to_noise(logits)
    assert (noise - logits).abs().mean() > 0.3
    torch.testing.assert_close(model.to_logits(noise), logits, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(
        model.to_noise(model.to_logits(logits))[0], logits, rtol=1e-6, atol=1e-8
    )


@torch.no_grad()
def test_stopping_early_gives_the_bits_of_all_passes():
    model = bent("autoregressive", (1, 6, 6), hidden=32)
    outputs = torch.randn(9, 36, generator=draws())
    for transform in model.flow().transforms:
        assert transform.passes == 36
        assert torch.equal(solve(transform, outputs), transform.inv(outputs))


@torch.no_grad()
def test_the_inverse_stops_early():
    model = build("flow")
    transform = model.flow().transforms[0]
    passes, meta = [], transform.meta
    transform.meta = lambda inputs: passes.append(1) or meta(inputs)
    solve(transform, torch.randn(4, 784, generator=draws()))
    assert len(passes) < 100


@pytest.mark.parametrize("hidden", [4, 16])  # fewer than the dimensions, and more
@each_kind
@torch.no_grad()
def test_the_jacobian_has_the_log_determinant_that_is_reported(kind, hidden):
    model = bent(kind, (1, 2, 3), torch.float64, hidden=hidden)
    for logits in torch.randn(4, 6, generator=draws(), dtype=torch.float64):
        jacobian = torch.autograd.functional.jacobian(
            lambda s: model.to_noise(s[None])[0][0], logits
        )
        _, reported = model.to_noise(logits[None])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, reported[0])


@torch.no_grad()
def test_an_autoregressive_flow_of_one_transform_has_a_triangular_jacobian():
    model = bent("autoregressive", (1, 2, 3), torch.float64, transforms=1, hidden=64)
    logits = torch.randn(6, generator=draws(), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda s: model.to_noise(s[None])[0][0], logits)
    assert jacobian.triu(1).count_nonzero() == 0
    assert jacobian.tril().count_nonzero() == 21


@pytest.mark.parametrize("kind", FAMILIES)
@torch.no_grad()
def test_the_transforms_are_those_of_zuko(kind):
    """Five transforms, each with weights of its own; zuko alternates between two orders."""
    model = bent(kind, (1, 3, 4), hidden=8)
    theirs = FAMILIES[kind](12, transforms=5, hidden_features=[8, 8])
    theirs.transform.load_state_dict(model.flow.state_dict())
    logits = torch.randn(6, 12, generator=draws())
    ours, log_determinant = model.flow().call_and_ladj(logits)
    noise, expected = theirs.transform().call_and_ladj(logits)
    assert torch.equal(ours, noise)
    assert torch.equal(log_determinant, expected)
    weights = [transform.hyper[0].weight for transform in model.flow.transforms]
    assert not any(torch.equal(weights[0], other) for other in weights[1:])
    fresh = FAMILIES[kind](12, transforms=5, hidden_features=[8, 8]).transform.state_dict()
    ours_state = model.flow.state_dict()
    assert all(
        torch.equal(ours_state[name], value)
        for name, value in fresh.items()
        if name.endswith(("mask", "order"))
    )


@torch.no_grad()
def test_linear_and_elementwise_flows_have_the_jacobians_that_give_them_their_names():
    for kind, entries in (("linear", 36), ("elementwise", 6)):
        model = bent(kind, (1, 2, 3), torch.float64)
        first, second = (
            torch.autograd.functional.jacobian(lambda s, m=model: m.to_noise(s[None])[0][0], at)
            for at in torch.randn(2, 6, generator=draws(), dtype=torch.float64)
        )
        assert first.count_nonzero() == entries
        assert torch.allclose(first, second) == (kind == "linear")


@pytest.mark.parametrize(("rows", "columns"), [(1, 9), (64, 5), (30, 300)])
def test_the_spectral_norm_is_bounded_closely_from_above(rows, columns):
    weight = torch.randn(rows, columns, generator=draws(), dtype=torch.float64)
    for scale in (1e-12, 1, 1e12):
        found, exact = spectral_bound(scale * weight), torch.linalg.matrix_norm(scale * weight, 2)
        assert 1 - 1e-12 <= found / exact <= min(rows, columns) ** (1 / 128) + 1e-12
    weight.requires_grad_()
    slope = torch.autograd.grad(spectral_bound(weight), weight)[0]
    assert torch.linalg.matrix_norm(slope, "nuc").item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("layers", [1, 3])
@torch.no_grad()
def test_a_residual_branch_is_a_contraction_however_large_its_weights(layers):
    layer = ResidualLayer(20, 8, layers).double()
    layer.initialise(draws())
    for part in layer.layers:
        part.weight.mul_(1e3)
    transform = layer()
    first, second = torch.randn(2, 500, 20, generator=draws(), dtype=torch.float64)
    moved = (transform.branch(first) - transform.branch(second)).norm(dim=1)
    ratio = moved / (first - second).norm(dim=1)
    assert 0.05 < ratio.max() < CONTRACTION
    torch.testing.assert_close(transform.inv(transform(first)), first, rtol=0, atol=1e-12)


@each_kind
def test_the_weights_of_every_kind_survive_a_file(kind):
    model, other = (build("flow", shape=(1, 3, 3), seed=s, kind=kind, hidden=8) for s in (0, 1))
    other.load_state_dict(load(save(model.state_dict())))
    logits = torch.randn(5, 9, generator=draws())
    assert all(
        torch.equal(*both)
        for both in zip(model.to_noise(logits), other.to_noise(logits), strict=True)
    )


# Densities


def all_images_of_two_pixels():
    levels = torch.arange(256, dtype=torch.float64) / 255
    return torch.cartesian_prod(levels, levels).reshape(-1, *PIXELS)


@torch.no_grad()
def probabilities(model, repeats=5):
    """Return the probability of every image of two pixels, (256, 256), from draws of u."""
    batch, random = Batch(all_images_of_two_pixels(), torch.zeros(256**2)), draws()
    losses = [model.losses(batch, random)["negative_log_likelihood"] for _ in range(repeats)]
    return torch.stack(losses).neg().exp().mean(dim=0).reshape(256, 256)


@each_kind
def test_the_probabilities_of_all_images_of_two_pixels_add_up_to_one(kind):
    probability = probabilities(bent(kind, PIXELS, torch.float64, hidden=16))
    assert probability.sum().item() == pytest.approx(1, abs=0.005)
    assert probability.max() > 1.5 / 256**2


@each_kind
@torch.no_grad()
def test_samples_are_as_frequent_as_their_probabilities_say(kind):
    model = bent(kind, PIXELS, torch.float64, hidden=16)
    n = 20_000
    noise = torch.randn(n, 2, generator=draws(5), dtype=torch.float64)
    bright = (model.to_images(noise) >= 128 / 255).flatten(1)
    probability = probabilities(model)
    for found, expected in (
        (bright[:, 0], probability[128:].sum()),
        (bright[:, 1], probability[:, 128:].sum()),
        (bright.all(dim=1), probability[128:, 128:].sum()),
    ):
        error = math.sqrt(expected * (1 - expected) / n)
        assert 0.05 < expected < 0.95
        assert found.double().mean().item() == pytest.approx(expected.item(), abs=4 * error)


@each_kind
@torch.no_grad()
def test_the_density_integrates_to_one_over_the_unit_square(kind):
    """With t = logit(v), dv = v(1 − v) dt, on a grid of t."""
    model = bent(kind, PIXELS, torch.float64, hidden=16)
    t, step = torch.linspace(-13, 13, 600, dtype=torch.float64), 26 / 599
    values = torch.cartesian_prod(t, t).sigmoid()
    mass = model.log_density(values).exp() * (values * (1 - values)).prod(dim=1) * step**2
    assert mass.sum().item() == pytest.approx(1, abs=1e-3)


# Bits


def test_an_even_density_costs_eight_bits_of_every_image(monkeypatch):
    """z = Φ⁻¹(sigmoid(s)) makes v even on [0, 1], but for what α leaves outside."""
    model, normal = build("flow", shape=(1, 4, 4)), Normal(0.0, 1.0)

    def even(logits):
        noise = normal.icdf(logits.sigmoid())
        slope = logits.sigmoid().log() + (-logits).sigmoid().log() - normal.log_prob(noise)
        return noise, slope.sum(dim=1)

    monkeypatch.setattr(model, "to_noise", even)
    images = images_of(50, (1, 4, 4)).double()
    losses = model.losses(Batch(images, torch.zeros(50)), draws())
    expected = torch.full((50,), 8 - math.log2(1 - 2 * ALPHA), dtype=torch.float64)
    torch.testing.assert_close(model.loss(losses), expected, rtol=1e-9, atol=0)
    nats = losses["negative_log_likelihood"]
    torch.testing.assert_close(nats, 16 * math.log(2) * expected, rtol=1e-9, atol=0)


def test_each_level_becomes_its_own_step_of_the_unit_interval():
    levels = torch.arange(256.0)
    values = torch.stack([dequantise(levels[None] / 255, draws(seed))[0] for seed in range(200)])
    steps = values * 256 - levels
    assert steps.min() >= 0
    assert steps.max() <= 1
    assert steps.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert steps.var().item() == pytest.approx(1 / 12, abs=0.003)


def test_the_slope_of_the_logit_is_its_derivative():
    values = torch.tensor([[0.0, 1e-7, 0.1, 0.5, 0.9, 1.0]], dtype=torch.float64)
    slopes = torch.autograd.functional.jacobian(lambda v: logit(v)[0][0], values)[:, 0].diag()
    torch.testing.assert_close(slopes.log().sum(), logit(values)[1][0])
    y = ALPHA + (1 - 2 * ALPHA) * values
    torch.testing.assert_close(logit(values)[0], torch.logit(y))


@torch.no_grad()
def test_an_image_is_found_again_from_its_noise():
    for kind in KINDS:
        model, images = bent(kind, (2, 3, 4), hidden=32), images_of(20, (2, 3, 4))
        noise, _ = model.to_noise(logit(dequantise(images, draws()))[0])
        assert torch.equal(model.to_images(noise), images)


# What is measured before training


@torch.no_grad()
def test_the_training_images_are_standardised_before_the_first_epoch_alone():
    model = build("flow", shape=(1, 5, 5))
    images = torch.randint(256, (400, 1, 5, 5), generator=draws()).to(torch.uint8)
    model.before_epoch(1, images, draws(1))
    values = (logit(dequantise(images / 255, draws(1)))[0] - model.mean) / model.deviation
    torch.testing.assert_close(values.mean(dim=0), torch.zeros(25), rtol=0, atol=1e-5)
    torch.testing.assert_close(values.std(dim=0, correction=0), torch.ones(25))
    before = model.mean.clone()
    model.before_epoch(2, 255 - images, draws(1))
    assert torch.equal(model.mean, before)


@each_kind
@torch.no_grad()
def test_a_new_flow_is_nearly_the_standardisation(kind):
    model = build("flow", shape=(1, 6, 6), kind=kind)
    logits = torch.randn(30, 36, generator=draws())
    noise, log_determinant = model.to_noise(logits)
    assert 0 < (noise - logits).abs().mean() < 0.1
    assert log_determinant.abs().max() < 2
