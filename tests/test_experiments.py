"""The small experiments: their closed forms against quadrature, and what they come to."""

import math

import pytest
import torch
from torch.distributions import Normal

from latentgrid.experiments import denoising_toy, gan_toy, two_points
from latentgrid.grid import catalogue, components
from latentgrid.randomness import random_generator
from latentgrid.stamps.code import code_of

LINE = torch.linspace(-30, 30, 600_001, dtype=torch.float64)  # 0 is on it


def logs(sigma, c, spread):
    values = {"sigma": sigma, "c": c, "lambda": spread}
    return {name: number(value).log() for name, value in values.items()}


def number(value):
    return torch.tensor(value, dtype=torch.float64)


def integral(values):
    return torch.trapezoid(values, LINE).item()


SETTINGS = [(1.0, 1.0, 1.0), (0.5, 2.0, 0.7), (2.0, 0.3, 1.5), (0.8, 1.2, 0.2)]


# Two points


@pytest.mark.parametrize(("sigma", "c", "spread"), SETTINGS)
def test_the_terms_of_the_two_points_are_their_integrals(sigma, c, spread):
    at = logs(sigma, c, spread)
    prior, posterior = (
        Normal(number(mean), number(scale)) for mean, scale in ((0, 1), (c, spread))
    )
    q = posterior.log_prob(LINE).exp()
    likelihood = Normal(torch.where(LINE >= 0, 1.0, -1.0).double(), number(sigma)).log_prob(
        torch.ones_like(LINE)
    )
    assert two_points.log_likelihood(at).item() == pytest.approx(integral(q * likelihood), abs=2e-3)
    to_prior = integral(q * (posterior.log_prob(LINE) - prior.log_prob(LINE)))
    assert two_points.kl_to_prior(at).item() == pytest.approx(to_prior, abs=1e-8)
    joint = prior.log_prob(LINE) + likelihood
    evidence = math.log(integral(joint.exp()))
    to_truth = integral(q * (posterior.log_prob(LINE) - joint + evidence))
    assert two_points.kl_to_posterior(at).item() == pytest.approx(to_truth, abs=2e-3)
    gap = evidence - two_points.elbo(at).item()
    assert two_points.kl_to_posterior(at).item() == pytest.approx(gap, abs=2e-3)


@pytest.mark.parametrize(("c", "spread"), [(1.0, 1.0), (2.0, 0.5), (0.1, 3.0)])
def test_no_other_sigma_has_a_larger_elbo(c, spread):
    at = logs(1.0, c, spread)
    best = two_points.with_best_sigma(at)
    largest = two_points.elbo(best)
    for factor in (0.5, 0.99, 1.01, 2.0):
        other = best | {"sigma": best["sigma"] + math.log(factor)}
        assert two_points.elbo(other) < largest
    tail = Normal(number(c), number(spread)).cdf(number(0.0)).item()
    assert best["sigma"].exp().item() == pytest.approx(2 * math.sqrt(tail), rel=1e-5)
    # Eq. 4.8.4, with the constant that it leaves open.
    constant = -math.log(2) - 0.5 - math.log(2 * math.pi) / 2
    expected = constant - math.log(tail) / 2
    assert two_points.log_likelihood(best).item() == pytest.approx(expected, rel=1e-5)


def test_a_tail_beyond_double_precision_has_finite_gradients():
    at = {name: value.requires_grad_() for name, value in logs(1e-300, 5.0, 0.01).items()}
    bound = two_points.elbo(at)
    assert bound.isfinite()
    assert bound > 600
    assert all(slope.isfinite() for slope in torch.autograd.grad(bound, list(at.values())))


def test_the_ascent_raises_the_elbo_and_both_divergences(monkeypatch):
    monkeypatch.setattr(two_points, "STEPS", {"free": 2_000, "matched": 400})
    found = two_points.run()
    for name in ("free", "matched"):
        elbo, kl = found[f"{name}/elbo"], found[f"{name}/kl"]
        assert (elbo.diff() > 0).all()
        assert elbo[-1] > 3
        assert kl[-1] > kl[0] + 0.5
        assert found[f"{name}/lambda"][-1] < 0.4
        assert found[f"{name}/step"][0] == 0


# Denoising


def test_the_best_answer_for_two_points_is_a_hyperbolic_tangent():
    pair = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    noisy = torch.randn(50, 2, generator=random_generator(0, "test"))
    expected = torch.tanh(noisy[:, 0] / 0.6**2)
    best = denoising_toy.posterior_mean(noisy, pair, 0.6)
    torch.testing.assert_close(best[:, 0], expected)
    torch.testing.assert_close(best[:, 1], torch.zeros(50))


def test_the_spirals_points_are_evenly_spaced_in_the_square_of_the_angle():
    """The radius is a share of the last angle, so its squares are evenly spaced too."""
    squares = denoising_toy.spiral().square().sum(dim=1)
    torch.testing.assert_close(squares, torch.linspace(0.05, 1, 500))


def test_the_network_learns_the_mean_and_not_a_point():
    found = denoising_toy.run()
    for name in ("spiral", "pair"):
        clean, best = found[f"{name}/clean"], found[f"{name}/best"]
        assert error(found[f"{name}/restored"], best) < 0.1 * error(best, clean)
        assert error(found[f"{name}/noisy"], best) > 0.5 * error(best, clean)
    middle = found["pair/grid"].norm(dim=1).argmin()
    assert found["pair/grid_restored"][middle].norm() < 0.15


def error(first, second):
    return (first - second).square().sum(dim=1).mean()


# The GAN


def test_what_experiments_train_with_is_imported_and_not_named():
    """The workflow knows the code of a job by its imports."""
    for name in components.names("experiments"):
        module = components.module_of("experiments", name)
        text = components.file_of("experiments", name).read_text(encoding="utf-8")
        assert "turns_of" not in text and "optimizers.load" not in text, name
        if "models.build" in text:
            assert "latentgrid.models.gan" in code_of(module).sources, name


def test_the_gan_draws_nearer_to_the_gaussian():
    found = gan_toy.run()
    mean, deviation = found["mean"].item(), found["deviation"].item()
    means, deviations = found["samples"].mean(dim=1), found["samples"].std(dim=1)
    assert abs(means[0].item() - mean) > deviation
    assert means[-1].item() == pytest.approx(mean, abs=0.05)
    assert deviations[-1].item() == pytest.approx(deviation, rel=0.3)
    assert found["discriminator"].shape == (len(found["step"]), len(found["x"]))


# All


@pytest.mark.parametrize("name", ["two_points"])
def test_an_experiment_has_the_same_bits_each_time(name, monkeypatch):
    monkeypatch.setattr(two_points, "STEPS", {"free": 50, "matched": 50})
    first, second = two_points.run(), two_points.run()
    assert name in catalogue.experiments()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
