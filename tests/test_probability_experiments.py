"""Experiments on probability: their closed forms against integrals, tables and measured values."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from latentgrid.experiments import (
    curse_of_dimension,
    estimator_variance,
    flow_toy,
    monte_carlo_and_variational,
)
from latentgrid.nets import flows
from latentgrid.randomness import random_generator

# Table 4.2 of Silverman (1986), printed to three digits from d = 6 on.
SILVERMAN = [4, 19, 67, 223, 768, 2790, 10_700, 43_700, 187_000, 842_000]


def line(reach, n):
    return torch.linspace(-reach, reach, n, dtype=torch.float64)


# Flows of the plane


def test_the_density_of_the_half_circles_integrates_to_one_and_is_that_of_the_points():
    side = line(3, 301).float()
    grid = torch.cartesian_prod(side, side)
    mass = flow_toy.log_density(grid).double().exp().reshape(301, 301) * 0.02**2
    assert mass.sum().item() == pytest.approx(1, abs=1e-4)
    points = flow_toy.draw_points(20_000, random_generator(0, "test"))
    above = mass[:, 151:].sum() + mass[:, 150].sum() / 2  # the second coordinate is positive
    corner = mass[151:, 151:].sum() + mass[150, 151:].sum() / 2 + mass[151:, 150].sum() / 2
    positive = points > 0
    assert positive[:, 1].double().mean().item() == pytest.approx(above.item(), abs=0.015)
    assert positive.all(dim=1).double().mean().item() == pytest.approx(corner.item(), abs=0.015)


def test_no_flow_is_better_than_the_truth_and_a_linear_one_comes_to_the_best_gaussian(monkeypatch):
    monkeypatch.setattr(flow_toy, "STEPS", 150)
    points = flow_toy.draw_points(10_000, random_generator(0, "test"))
    floor = -flow_toy.log_density(points).mean()
    centred = points.T @ points / len(points)
    gaussian = -MultivariateNormal(torch.zeros(2), centred).log_prob(points).mean()
    found = {kind: flow_toy.nats(flow_toy.train(kind), points).mean() for kind in flows.LAYERS}
    assert found["linear"].item() == pytest.approx(gaussian.item(), abs=0.02)
    assert all(floor + 0.01 < nats < gaussian + 0.02 for nats in found.values())
    assert max(found["coupling"], found["autoregressive"]) < found["elementwise"]


# The curse of dimension


def test_the_points_that_a_kernel_needs_at_the_origin_are_those_of_silvermans_table():
    found = [curse_of_dimension.needed(curse_of_dimension.kernel_at_zero, d) for d in range(1, 11)]
    for n, printed in zip(found[:5], SILVERMAN[:5], strict=True):
        assert printed - 1 < n <= printed
    assert found[5:] == pytest.approx(SILVERMAN[5:], rel=0.003)


@pytest.mark.parametrize("name", curse_of_dimension.ESTIMATES)
def test_the_closed_error_of_an_estimate_is_the_mean_over_samples(name, monkeypatch):
    monkeypatch.setattr(curse_of_dimension, "POINTS", 60)
    mise, error = curse_of_dimension.ESTIMATES[name]
    for d, h in ((1, 0.5), (3, 0.8)):
        errors = torch.tensor([error(curse_of_dimension.draw(d, r), h) for r in range(400)])
        deviation = errors.std() / len(errors) ** 0.5
        assert abs(errors.mean() - mise(h, 60, d)) < 4 * deviation
        assert deviation < errors.mean() / 20


def test_the_error_of_one_sample_is_the_integral():
    sample, h, x = torch.tensor([[-0.4], [0.1], [1.3]]).double(), 0.5, line(9, 200_001)
    truth = Normal(0, 1).log_prob(x).exp()
    kernel = Normal(sample, h).log_prob(x).exp().mean(dim=0)
    histogram = ((sample / h).floor() == (x / h).floor()).double().mean(dim=0) / h
    estimates = {"kernel": kernel, "histogram": histogram}
    for name, (_, error) in curse_of_dimension.ESTIMATES.items():
        integral = torch.trapezoid((estimates[name] - truth) ** 2, x)
        expected = integral / torch.trapezoid(truth**2, x)
        assert error(sample, h) == pytest.approx(expected.item(), rel=1e-3)


# The estimators of a bound


@pytest.mark.parametrize("q", estimator_variance.POSTERIORS)
def test_all_estimators_have_the_bound_and_its_slopes_as_their_mean(q):
    mean, deviation = (
        torch.tensor(v, dtype=torch.float64) for v in estimator_variance.POSTERIORS[q]
    )
    log_deviation = deviation.log().requires_grad_()
    mean.requires_grad_()
    x, w, s = estimator_variance.X, estimator_variance.W, estimator_variance.S
    posterior = Normal(mean, log_deviation.exp())
    kl = kl_divergence(posterior, Normal(0.0, 1.0))
    squares = (x - w * mean) ** 2 + w**2 * posterior.variance
    bound = -squares / (2 * s**2) - math.log(2 * math.pi * s**2) / 2 - kl
    slopes = torch.autograd.grad(bound, (mean, log_deviation))
    expected = {"value": estimator_variance.DIMENSIONS * bound.item()}
    expected |= {"mean": slopes[0].item(), "log_deviation": slopes[1].item()}
    for estimator in estimator_variance.ESTIMATORS:
        found = estimator_variance.exact(estimator, q)
        for quantity, value in expected.items():
            assert found[quantity][0] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("estimator", ["a", "b"])
def test_the_slopes_through_the_draws_are_those_that_torch_finds(estimator):
    noise = torch.randn(50, generator=random_generator(0, "test"), dtype=torch.float64)
    mean, deviation = estimator_variance.POSTERIORS["start"]
    at = torch.tensor([mean + 0.3, math.log(deviation) - 0.2], dtype=torch.float64)

    def value(m, log_s):
        posterior, prior = Normal(m, log_s.exp()), Normal(0.0, 1.0)
        z = m + log_s.exp() * noise
        likelihood = Normal(estimator_variance.W * z, estimator_variance.S)
        log_likelihood = likelihood.log_prob(torch.tensor(estimator_variance.X).double())
        if estimator == "b":
            return log_likelihood - kl_divergence(posterior, prior)
        return log_likelihood + prior.log_prob(z) - posterior.log_prob(z)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator_variance.POSTERIORS, "test", (float(at[0]), float(at[1].exp())))
        found = estimator_variance.terms(estimator, "test", noise)
    torch.testing.assert_close(found["value"], value(*at))
    slopes = torch.autograd.functional.jacobian(value, tuple(at))
    torch.testing.assert_close(found["mean"], slopes[0])
    torch.testing.assert_close(found["log_deviation"], slopes[1])


def test_measured_variances_are_the_exact_ones(monkeypatch):
    monkeypatch.setattr(estimator_variance, "DRAWS", (1, 4))
    found = estimator_variance.run()
    variances = [name for name in found if name.endswith("/variance")]
    assert len(variances) == 18
    for name in variances:
        exact = found[name.replace("variance", "exact_variance")]
        torch.testing.assert_close(found[name], exact, rtol=0.35, atol=1e-9)


# Monte Carlo and variational inference


def test_evidence_bound_and_variance_are_their_integrals():
    of, side = monte_carlo_and_variational, line(8, 801)
    grid = torch.cartesian_prod(side, side)
    prior = Normal(0.0, 1.0).log_prob(grid).sum(dim=1)
    likelihood, area = of.likelihood(grid), (16 / 800) ** 2
    evidence = (prior.exp() * likelihood).sum().item() * area
    square = (prior.exp() * likelihood**2).sum().item() * area
    assert pytest.approx(math.log(evidence), abs=1e-6) == of.LOG_EVIDENCE
    assert of.relative_variance() == pytest.approx(square / evidence**2 - 1, rel=1e-6)
    mean = torch.linalg.inv(of.PRECISION).sum(dim=1) * of.X / of.S**2
    q = Normal(mean, of.PRECISION.diagonal().rsqrt()).log_prob(grid).sum(dim=1)
    logs = prior + likelihood.clamp_min(1e-300).log() - q
    elbo = (q.exp() * logs).sum().item() * area
    assert pytest.approx(elbo, abs=1e-6) == of.ELBO
    variance = (q.exp() * (logs - elbo) ** 2).sum().item() * area
    assert variance == pytest.approx(of.RHO**2, rel=1e-4)


def test_monte_carlo_is_unbiased_and_the_bound_is_not():
    found = monte_carlo_and_variational.run()
    variances, bias = found["monte_carlo_variance"], found["variational_bias"]
    for variance, of in zip(variances.tolist(), found["monte_carlo"], strict=True):
        assert abs(of.mean().item() - 1) < 4 * (variance / len(of)) ** 0.5
    limit = math.exp(found["elbo"] - found["log_evidence"]) - 1
    assert bias[0].item() == pytest.approx(0, abs=1e-12), "one draw of p(x, z)/q(z) is unbiased"
    assert bias[-1].item() == pytest.approx(limit, abs=1e-3)
    assert bias.diff().max() < 0
    assert found["variational"][-1].mean().item() - 1 == pytest.approx(limit, abs=1e-3)


def test_bias_and_variance_of_the_variational_estimate_are_those_of_many():
    of = monte_carlo_and_variational
    draws = random_generator(0, "test")
    for n in (6, 16, 64):
        products = torch.randn(200_000, n, 2, generator=draws).prod(dim=2).double()
        found = (of.ELBO - of.LOG_EVIDENCE - of.RHO * products.mean(dim=1)).exp()
        spread = found.std().item() / len(found) ** 0.5
        assert abs(found.mean().item() - of.variational_moment(1, n)) < 4 * spread
        assert found.var().item() == pytest.approx(of.variational_variance(n), rel=0.06)
        error = (found - 1).square().mean().item()
        assert error == pytest.approx(of.variational_error(n), rel=0.01)


def test_the_variance_of_the_variational_estimate_is_infinite_for_few_draws():
    """Over one ε_1, what is left is Gaussian in it, with a precision of 1 − (2ρ/n)²."""
    of = monte_carlo_and_variational
    for n in (1, 2):
        t, e = 2 * of.RHO / n, line(30, 60_001)
        of_one = torch.exp((t**2 - 1) * e**2 / 2) / math.sqrt(2 * math.pi)
        mean = torch.trapezoid(of_one, e).item() ** n * math.exp(2 * (of.ELBO - of.LOG_EVIDENCE))
        if t > 1:
            assert mean > 1e100
            assert of.variational_variance(n) == math.inf
        else:
            assert of.variational_moment(2, n) == pytest.approx(mean, rel=1e-6)


def test_monte_carlo_has_the_smaller_error_from_enough_draws_on():
    of = monte_carlo_and_variational
    first = of.enough()
    smaller = [of.relative_variance() / n < of.variational_error(n) for n in range(1, 200)]
    assert smaller[0], "the error of the other is infinite"
    assert not any(smaller[1 : first - 1])
    assert all(smaller[first - 1 :])
