"""The Gaussian-mixture prior: its bound by brute force, its start, and the clusters it finds."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from latentgrid.data import Batch, Images, load_images, to_unit_interval
from latentgrid.evaluation.measures.clustering import agreement
from latentgrid.evaluation.measures.silhouette import silhouette
from latentgrid.models.bases.bernoulli import BernoulliVAE
from latentgrid.models.bases.gaussian import kl_to_standard_normal
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from latentgrid.training.steps import turns_of
from networks import build

SMALL = (1, 8, 8)
PRIOR = ("logits", "means", "log_variances")


def random_images(n):
    return torch.rand(n, *SMALL, generator=random_generator(n, "images"))


def labelled(images):
    return Batch(images, torch.arange(len(images)) % 10)


def noise(seed=7):
    return random_generator(seed, "noise")


def with_random_prior(components=4, latent_dim=3, spread=1.0):
    """A model whose prior has unequal weights, means and variances."""
    model = build("gmvae", latent_dim, SMALL, components=components)
    draws = noise(components)
    with torch.no_grad():
        model.logits.normal_(generator=draws)
        model.means.normal_(0, spread, generator=draws)
        model.log_variances.normal_(0, 0.5, generator=draws)
    return model


def components_of(model):
    deviations = (model.log_variances / 2).exp()
    return Independent(Normal(model.means, deviations), 1)


def mixture_of(model):
    return MixtureSameFamily(Categorical(logits=model.logits), components_of(model))


# The bound


@torch.no_grad()
def test_each_term_agrees_with_torch_distributions():
    model, images = with_random_prior(), random_images(6)
    losses = model.losses(labelled(images), noise())
    mean, log_variance = model.posterior(images)
    posterior = Normal(mean, (log_variance / 2).exp())
    codes = mean + posterior.stddev * torch.randn(6, 3, generator=noise())
    joint = components_of(model).log_prob(codes[:, None]) + model.logits.log_softmax(0)
    gamma = (joint - mixture_of(model).log_prob(codes)[:, None]).exp()
    each = Independent(Normal(mean[:, None], posterior.stddev[:, None]), 1)
    kl = (gamma * kl_divergence(each, components_of(model))).sum(dim=1)
    cluster_kl = kl_divergence(Categorical(gamma), Categorical(logits=model.logits))
    torch.testing.assert_close(losses["kl"], kl, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["cluster_kl"], cluster_kl, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_both_divergences_are_the_mean_log_ratio_of_draws_of_code_and_cluster():
    """E log q(z│x) q(c│x) − log p(c) p(z│c), by brute force for responsibilities as they came."""
    model, image, n = with_random_prior(), random_images(1), 200_000
    losses = model.losses(labelled(image), noise())
    mean, log_variance = model.posterior(image)
    posterior = Independent(Normal(mean[0], (log_variance[0] / 2).exp()), 1)
    code = mean + (log_variance / 2).exp() * torch.randn(1, 3, generator=noise())
    gamma = Categorical(logits=model.log_joint(code)[0])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codes, clusters = posterior.sample((n,)), gamma.sample((n,))
    joint = model.log_joint(codes).gather(1, clusters[:, None])[:, 0]
    ratios = posterior.log_prob(codes) + gamma.log_prob(clusters) - joint
    error = ratios.std().item() / math.sqrt(n)
    found = (losses["kl"] + losses["cluster_kl"]).item()
    assert abs(found - ratios.mean().item()) < 4 * error
    assert error < found / 100


@torch.no_grad()
def test_the_divergences_bound_that_to_the_mixture():
    """KL(q(z│x) ‖ Σ p(c) p(z│c)) is less than the sum of both terms, for every image and draw."""
    model, images = with_random_prior(spread=2.0), random_images(50)
    mean, log_variance = model.posterior(images)
    deviation = (log_variance / 2).exp()
    codes = mean + deviation * torch.randn(20_000, 1, 3, generator=noise())
    posterior = Independent(Normal(mean, deviation), 1)
    ratios = posterior.log_prob(codes) - mixture_of(model).log_prob(codes)
    error = ratios.std(dim=0) / math.sqrt(len(codes))
    losses = model.losses(labelled(images), noise())
    assert (losses["kl"] + losses["cluster_kl"] > ratios.mean(dim=0) - 4 * error).all()


@torch.no_grad()
def test_one_standard_normal_component_is_the_plain_vae():
    model = build("gmvae", 3, SMALL, components=1)
    model.means.zero_()
    batch = labelled(random_images(5))
    losses = model.losses(batch, noise())
    plain = BernoulliVAE(3, model.encoder, model.decoder).losses(batch, noise())
    assert not losses["cluster_kl"].any()
    torch.testing.assert_close(losses["kl"], plain["kl"])
    torch.testing.assert_close(losses["reconstruction"], plain["reconstruction"])


@torch.no_grad()
def test_equal_components_are_one():
    model = with_random_prior(components=6)
    model.means.zero_()
    model.log_variances.zero_()
    images = random_images(5)
    losses = model.losses(labelled(images), noise())
    torch.testing.assert_close(losses["kl"], kl_to_standard_normal(*model.posterior(images)))
    torch.testing.assert_close(losses["cluster_kl"], torch.zeros(5), rtol=0, atol=1e-6)
    weights = model.logits.softmax(0).expand(5, -1)
    torch.testing.assert_close(model.cluster(images), weights)


@torch.no_grad()
def test_a_code_at_a_far_component_belongs_to_it_and_pays_the_logarithm_of_its_weight():
    model = with_random_prior(components=4, spread=50.0)
    gamma = model.log_joint(model.means).softmax(dim=1)
    torch.testing.assert_close(gamma, torch.eye(4))
    far = model.encoder[-2]  # the posterior mean is the third component's whatever the image is
    far.weight.zero_()
    far.bias.copy_(torch.cat([model.means[2], torch.full((3,), -5.0)]))
    losses = model.losses(labelled(random_images(3)), noise())
    cost = -model.logits.log_softmax(0)[2]
    torch.testing.assert_close(losses["cluster_kl"], cost.expand(3))


# The density


@torch.no_grad()
def test_the_prior_is_the_mixture():
    model = with_random_prior(spread=2.0)
    codes = 3 * torch.randn(5, 7, 3, generator=noise())
    torch.testing.assert_close(model.log_prior(codes), mixture_of(model).log_prob(codes))


@torch.no_grad()
def test_the_prior_integrates_to_one():
    model = with_random_prior(latent_dim=2, spread=2.0)
    line = torch.linspace(-20, 20, 801)
    plane = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)
    masses = model.log_prior(plane).exp() * (line[1] - line[0]) ** 2
    assert masses.sum().item() == pytest.approx(1, abs=1e-4)


# Sampling


@torch.no_grad()
def test_samples_are_decoded_draws_from_the_mixture(monkeypatch):
    model, n = with_random_prior(spread=20.0), 40_000
    monkeypatch.setattr(model, "decode", lambda codes: codes)
    codes = model.sample(n, noise())
    nearest = torch.cdist(codes, model.means).argmin(dim=1)
    shares = torch.bincount(nearest, minlength=4) / n
    weights = model.logits.softmax(0)
    deviation = (weights * (1 - weights) / n).sqrt()
    assert ((shares - weights).abs() < 4 * deviation).all()
    for component in range(4):
        own = codes[nearest == component]
        spread = (model.log_variances[component] / 2).exp()
        assert ((own.mean(0) - model.means[component]).abs() < 4 * spread / len(own) ** 0.5).all()
        assert (own.std(0) / spread - 1).abs().max() < 4 / (2 * len(own)) ** 0.5


# The start: pretraining, then a mixture fitted to the codes


def blobs(n, weights, seed=0):
    """Codes around three far points, and the points."""
    draws = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 30.0]])
    chosen = draws.choice(3, n, p=weights)
    return torch.from_numpy(centres[chosen] + draws.normal(size=(n, 2))).float(), centres


@pytest.mark.parametrize("start", ["full", "diag"])
@torch.no_grad()
def test_the_prior_becomes_the_mixture_that_the_codes_were_drawn_from(start):
    model = build("gmvae", 2, SMALL, components=3, start=start)
    weights = np.array([0.5, 0.3, 0.2])
    codes, centres = blobs(3_000, weights)
    model.fit_prior(codes, noise())
    order = [int(np.linalg.norm(model.means.numpy() - c, axis=1).argmin()) for c in centres]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(model.means[order], centres, atol=0.15)
    np.testing.assert_allclose(model.logits.softmax(0)[order], weights, atol=0.04)
    np.testing.assert_allclose(model.log_variances.exp(), np.ones((3, 2)), atol=0.2)


@torch.no_grad()
def test_a_full_start_finds_correlated_clusters_that_a_diagonal_one_does_not():
    """Two long parallel clusters, drawn out along the diagonal; either prior has diagonals only."""
    draws = np.random.default_rng(0)
    along, across = draws.normal(0, 4, 2_000), draws.normal(0, 1, 2_000)
    labels = np.arange(2_000) % 2
    across += 7 * labels
    codes = torch.from_numpy(np.stack([along + across, along - across], axis=1)).float()
    found = {}
    for start in ("full", "diag"):
        model = build("gmvae", 2, SMALL, components=2, start=start)
        model.fit_prior(codes, noise())
        expected = np.array([codes[labels == c].mean(0).numpy() for c in (0, 1)])
        gaps = np.linalg.norm(model.means.numpy()[:, None] - expected, axis=2)
        found[start] = gaps.min(axis=0).max()
    assert found["full"] < 0.5
    assert found["diag"] > 2


@torch.no_grad()
def test_the_fit_draws_from_the_generator_alone():
    codes = torch.randn(300, 3, generator=noise())
    fitted = []
    for seed, elsewhere in ((7, 1), (7, 2), (8, 1)):
        model = build("gmvae", 3, SMALL)
        np.random.seed(elsewhere)
        before = np.random.get_state()[1].tolist()
        model.fit_prior(codes, noise(seed))
        assert np.random.get_state()[1].tolist() == before
        fitted.append(model.means.clone())
    assert torch.equal(fitted[0], fitted[1])
    assert not torch.equal(fitted[0], fitted[2])


def test_while_pretraining_a_step_moves_neither_prior_nor_variances():
    model = build("gmvae", 3, SMALL, pretraining=2)
    model.before_epoch(2, torch.zeros(0), noise())
    batch = labelled(random_images(20))
    losses = model.losses(batch, noise())
    with torch.no_grad():
        of_means = model.decoder(model.encode(batch.images))
        crossed = torch.nn.functional.binary_cross_entropy(of_means, batch.images)
    assert model.batch_loss(losses).item() == pytest.approx(64 * crossed.item(), rel=1e-5)
    assert model.loss(losses).mean() > model.batch_loss(losses)
    settings = {"optimizer": "adam", "learning_rate": 0.01, "precision": "float32"}
    (turn,) = turns_of(model, settings)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    turn.take(batch, noise())
    after, last = model.state_dict(), "encoder.7"
    assert all(torch.equal(before[name], after[name]) for name in PRIOR)
    assert torch.equal(before[f"{last}.weight"][3:], after[f"{last}.weight"][3:])
    assert not torch.equal(before[f"{last}.weight"][:3], after[f"{last}.weight"][:3])


@torch.no_grad()
def test_the_prior_is_fitted_once_when_pretraining_is_over():
    images = (random_images(60) * 255).to(torch.uint8)
    model, again = (build("gmvae", 3, SMALL, pretraining=2) for _ in range(2))
    start = model.means.clone()
    for epoch in (1, 2):
        model.before_epoch(epoch, images, noise())
        assert model.pretrains
        assert torch.equal(model.means, start)
    model.before_epoch(3, images, noise())
    again.fit_prior(again.encode(to_unit_interval(images)), noise())
    assert not model.pretrains
    assert all(torch.equal(getattr(model, name), getattr(again, name)) for name in PRIOR)
    model.before_epoch(4, images, noise(8))
    assert torch.equal(model.means, again.means)


def toy(n, seed):
    """Four kinds of 8×8 images, each a bright quarter, with noise."""
    draws = random_generator(seed, "toy")
    labels = torch.arange(n) % 4
    images = 60 * torch.rand(n, *SMALL, generator=draws)
    for label in range(4):
        top, left = 4 * (label // 2), 4 * (label % 2)
        images[labels == label, :, top : top + 4, left : left + 4] += 180
    return images.to(torch.uint8), labels.to(torch.uint8)


def trained(data, seed=0, **settings):
    hyperparameters = {k: settings.pop(k) for k in ("components", "pretraining") if k in settings}
    model = build("gmvae", 5, data.shape, seed, **hyperparameters)
    rows = []
    chosen = {"optimizer": "adam", "learning_rate": 1e-3, "precision": "float32", "seed": seed}
    settings = chosen | settings
    outcome = Training(model, data, settings).run(rows.append)
    assert not outcome.diverged
    return model.eval(), rows


@torch.no_grad()
def found_in(model, data):
    images, labels = to_unit_interval(data.test_images), data.test_labels.numpy()
    clusters = model.cluster(images).argmax(dim=1).numpy()
    return agreement(clusters, labels) | silhouette(model.encode(images).numpy(), labels)


def test_four_kinds_of_images_are_found():
    data = Images(*toy(400, 0), *toy(100, 1))
    settings = {
        "components": 4,
        "pretraining": 3,
        "epochs": 6,
        "batch_size": 25,
        "precision": "float32",
    }
    model, rows = trained(data, **settings)
    found = found_in(model, data)
    assert found["clustering_accuracy"] == 1
    assert found["silhouette"] > 0.5
    assert rows[-1]["test_loss"] < rows[3]["test_loss"]
    again, same_rows = trained(data, **settings)
    assert rows == same_rows
    assert all(torch.equal(getattr(model, name), getattr(again, name)) for name in PRIOR)


@pytest.mark.slow
def test_digits_are_told_apart_without_a_label(digits_file):
    """One in ten by chance; the mixture finds most, and its codes stand apart by digit."""
    data = load_images(digits_file)
    model, _ = trained(data, pretraining=8, epochs=12, batch_size=50)
    found = found_in(model, data)
    assert found["clustering_accuracy"] > 0.6
    assert found["clustering_nmi"] > 0.5
    assert found["silhouette"] > 0.15
