"""Priors that are no Gaussian: the VampPrior, and the mixture of Dilokthanakul et al. (2016)."""

import math

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.evaluation import bounds
from latentgrid.models.bases.bernoulli import BernoulliVAE
from latentgrid.randomness import random_generator
from networks import build

SMALL = (1, 2, 2)
LINE = torch.linspace(-8, 8, 201)


def noise(seed=7):
    return random_generator(seed, "noise")


def batch(n):
    images = torch.rand(n, *SMALL, generator=random_generator(n, "images"))
    return Batch(images, torch.zeros(n))


def vamp(latent_dim=3, pseudo_inputs=5):
    """A model whose posteriors are far from one another."""
    model = build("vamp_vae", latent_dim, SMALL, pseudo_inputs=pseudo_inputs, hidden=8)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(3)
    return model


def mixture_of(model):
    means, log_variances = model.posterior(model.pseudo_inputs)
    each = Independent(Normal(means, (log_variances / 2).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(means))), each)


def gm(latent_dim=3, noise_dim=2, components=4):
    """A model whose clusters are apart and not Gaussian."""
    model = build("gmvae_2016", latent_dim, SMALL, noise_dim=noise_dim, components=components)
    with torch.no_grad():
        model.prior[-2].weight.mul_(4)
    return model


# The VampPrior


@torch.no_grad()
def test_the_vamp_prior_is_the_mean_of_the_posteriors_of_its_pseudo_inputs():
    model = vamp()
    codes = 3 * torch.randn(4, 6, 3, generator=noise())
    torch.testing.assert_close(model.log_prior(codes), mixture_of(model).log_prob(codes))


@torch.no_grad()
def test_its_losses_are_those_of_the_mixture_at_the_draw():
    model, data = vamp(), batch(6)
    losses = model.losses(data, noise())
    mean, log_variance = model.posterior(data.images)
    posterior = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    codes = mean + (log_variance / 2).exp() * torch.randn(6, 3, generator=noise())
    kl = posterior.log_prob(codes) - mixture_of(model).log_prob(codes)
    torch.testing.assert_close(losses["kl"], kl, rtol=1e-4, atol=1e-5)
    errors = -Bernoulli(model.decode(codes), validate_args=False).log_prob(data.images)
    torch.testing.assert_close(losses["reconstruction"], errors.flatten(1).sum(dim=1))


@torch.no_grad()
def test_an_image_that_is_the_only_pseudo_input_costs_no_divergence():
    model, data = vamp(pseudo_inputs=1), batch(1)
    model.pseudo_inputs.copy_(data.images)
    torch.testing.assert_close(model.losses(data, noise())["kl"], torch.zeros(1))


@torch.no_grad()
def test_samples_are_decoded_draws_of_the_vamp_prior(monkeypatch):
    model, n = vamp(latent_dim=1, pseudo_inputs=3), 20_000
    monkeypatch.setattr(model, "decode", lambda codes: codes)
    codes, prior = model.sample(n, noise()).flatten().sort().values, mixture_of(model)
    masses = prior.log_prob(LINE[:, None]).exp().cumsum(0) * (LINE[1] - LINE[0])
    found = torch.searchsorted(codes, LINE + (LINE[1] - LINE[0]) / 2) / n
    assert (found - masses).abs().max() < 1.95 / n**0.5  # Kolmogorov's bound of one in a thousand


@torch.no_grad()
def test_pseudo_inputs_begin_as_different_training_images_and_are_set_once():
    model = vamp()
    images = (torch.arange(40, dtype=torch.uint8)[:, None] + 40 * torch.arange(4)).to(torch.uint8)
    images = images.reshape(40, *SMALL)
    model.before_epoch(1, images, noise())
    rows = {tuple(row) for row in (model.pseudo_inputs * 255).round().int().flatten(1).tolist()}
    assert len(rows) == 5
    assert rows <= {tuple(row) for row in images.flatten(1).tolist()}
    before = model.pseudo_inputs.clone()
    model.before_epoch(2, images, noise())
    assert torch.equal(model.pseudo_inputs, before)
    model.require(1, 5)
    with pytest.raises(UserError, match="pseudo_inputs is 5, with 4 training images"):
        model.require(1, 4)


# The mixture of Dilokthanakul et al.


@torch.no_grad()
def test_each_term_agrees_with_torch_distributions():
    model, data = gm(), batch(6)
    losses = model.losses(data, noise())
    mean, log_variance = model.posterior(data.images)
    q = Normal(mean, (log_variance / 2).exp())
    z, w = (mean + q.stddev * torch.randn(6, 5, generator=noise())).tensor_split([3], dim=1)
    means, log_variances = model.mixture(w)
    components = Independent(Normal(means, (log_variances / 2).exp()), 1)
    gamma = components.log_prob(z[:, None]).softmax(dim=1)
    assert 0.2 < gamma.max(dim=1).values.min() < 0.999
    of_z = Independent(Normal(q.mean[:, None, :3], q.stddev[:, None, :3]), 1)
    of_w = Normal(q.mean[:, 3:], q.stddev[:, 3:])
    expected = {
        "kl": (gamma * kl_divergence(of_z, components)).sum(dim=1),
        "noise_kl": kl_divergence(of_w, Normal(0.0, 1.0)).sum(dim=1),
        "cluster_kl": kl_divergence(Categorical(gamma), Categorical(torch.ones(4))),
    }
    for term, values in expected.items():
        torch.testing.assert_close(losses[term], values, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_one_component_that_does_not_look_at_its_noise_is_the_plain_vae():
    model, data = gm(components=1), batch(5)
    model.prior[-2].weight.zero_()
    losses = model.losses(data, noise())
    mean, log_variance = model.posterior(data.images)
    plain = BernoulliVAE(3, model.encoder, model.decoder)
    plain.posterior = lambda images: (mean[:, :3], log_variance[:, :3])
    torch.testing.assert_close(losses["kl"], plain.losses(data, noise())["kl"])
    torch.testing.assert_close(losses["cluster_kl"], torch.zeros(5))


@torch.no_grad()
def test_the_prior_of_code_and_noise_integrates_to_one():
    plane = torch.cartesian_prod(LINE, LINE)
    masses = gm(latent_dim=1, noise_dim=1).log_prior(plane).exp() * (LINE[1] - LINE[0]) ** 2
    assert masses.sum().item() == pytest.approx(1, abs=1e-3)


@torch.no_grad()
def test_samples_are_decoded_draws_of_the_components(monkeypatch):
    model, n = gm(latent_dim=1, noise_dim=1), 20_000
    monkeypatch.setattr(model, "decode", lambda codes: codes)
    codes = model.sample(n, noise()).flatten().sort().values
    plane = torch.cartesian_prod(LINE, LINE)
    step = LINE[1] - LINE[0]
    masses = model.log_prior(plane).exp().reshape(201, 201).sum(dim=1).cumsum(0) * step**2
    found = torch.searchsorted(codes, LINE + step / 2) / n
    assert (found - masses).abs().max() < 1.95 / n**0.5


# Likelihoods


UNBENT = build("vamp_vae", 1, SMALL, pseudo_inputs=5, hidden=8)


@pytest.mark.parametrize("model", [UNBENT, gm(latent_dim=1, noise_dim=1)])
@torch.no_grad()
def test_the_importance_bound_comes_to_the_likelihood_by_quadrature(model):
    image = torch.tensor([1.0, 0, 0, 1]).reshape(1, *SMALL)
    dimensions = model.propose(image, 1, noise())[0].shape[-1]
    grid = torch.cartesian_prod(*[LINE] * dimensions).reshape(-1, dimensions)
    step = (LINE[1] - LINE[0]) ** dimensions
    means = model.decode(grid).clamp(bounds.EPSILON, 1 - bounds.EPSILON)
    log_likelihood = Bernoulli(means).log_prob(image).flatten(1).sum(dim=1)
    exact = (model.log_prior(grid) + log_likelihood).double().logsumexp(dim=0) + math.log(step)
    found = bounds.of_each(model, image, 20_000, noise())
    assert found["importance_bound"].item() == pytest.approx(exact.item(), abs=0.03)
    assert found["elbo"] < exact
