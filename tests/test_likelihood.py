"""Bounds on the likelihood: where it is known, what they depend on, and how they are stored."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.integrate import quad
from torch import nn
from torch.distributions import Bernoulli

from latentgrid.evaluation import bounds
from latentgrid.evaluation.measures import likelihood
from latentgrid.files.atomic import read_json, write_json
from latentgrid.models.bases.bernoulli import BernoulliVAE
from latentgrid.models.bases.gaussian import kl_to_standard_normal
from latentgrid.randomness import random_generator
from latentgrid.results.trained import TrainedRun
from latentgrid.steps.likelihood import write_bounds
from networks import build
from tiny import LAYOUT, a_run, seal, tiny_results

SMALL = (1, 4, 4)


def noise(seed=7):
    return random_generator(seed, "noise")


def binary(n, shape=SMALL):
    return torch.rand(n, *shape, generator=random_generator(n, "images")).round()


class Always(nn.Module):
    """A network whose output is the same whatever it is given."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, given):
        return self.output.expand(len(given), *self.output.shape)


def deaf(mean, log_variance, image):
    """A model whose posterior does not look at the image and whose decoder not at the code."""
    outputs = torch.tensor([*mean, *log_variance])
    return BernoulliVAE(len(mean), Always(outputs), Always(image))


# Where the likelihood is known


def test_without_a_word_from_the_code_every_bound_is_the_likelihood():
    means, images = torch.rand(SMALL, generator=noise()), binary(5)
    found = bounds.of_each(deaf([0.0, 0.0], [0.0, 0.0], means), images, 30, noise())
    exact = Bernoulli(means).log_prob(images).flatten(1).sum(dim=1).double()
    for name, expected in (
        ("elbo", exact),
        ("importance_bound", exact),
        ("rate", torch.zeros(5)),
        ("distortion", -exact),
    ):
        torch.testing.assert_close(found[name], expected.double(), rtol=1e-5, atol=1e-5)


def test_a_posterior_off_the_prior_costs_its_divergence_and_no_likelihood():
    mean, log_variance, means = [0.5, -1.0], [-0.4, 0.2], torch.rand(SMALL, generator=noise())
    images, draws = binary(1), 100_000
    found = bounds.of_each(deaf(mean, log_variance, means), images, draws, noise())
    exact = Bernoulli(means).log_prob(images).sum().item()
    kl = kl_to_standard_normal(torch.tensor([mean]), torch.tensor([log_variance])).item()
    assert found["rate"].item() == pytest.approx(kl, abs=0.02)
    assert found["distortion"].item() == pytest.approx(-exact, abs=1e-4)
    assert found["elbo"].item() == pytest.approx(exact - kl, abs=0.02)
    assert found["importance_bound"].item() == pytest.approx(exact, abs=0.05)


def along_a_line(posterior_mean):
    """A model of one dimension that each pixel depends on, and a posterior that is far off."""
    model = BernoulliVAE(1, Always(torch.tensor([posterior_mean, 0.0])), nn.Identity())
    slopes = torch.randn(16, 1, generator=noise(3))
    linear = nn.Linear(1, 16)
    with torch.no_grad():
        linear.weight.copy_(slopes)
        linear.bias.fill_(0.3)
    model.decoder = nn.Sequential(linear, nn.Sigmoid(), nn.Unflatten(1, SMALL))
    return model


@torch.no_grad()
def integrated(model, image):
    """Log p(x) of an image (1, c, h, w) by quadrature over the code."""

    def joint(code):
        decoded = model.decode(torch.tensor([[code]], dtype=torch.float32))
        likelihood = Bernoulli(decoded).log_prob(image).sum().item()
        return math.exp(likelihood - code**2 / 2) / math.sqrt(2 * math.pi)

    return math.log(quad(joint, -8, 8, limit=200, epsabs=0, epsrel=1e-6)[0])


def test_the_importance_bound_rises_from_the_elbo_to_the_likelihood_with_the_draws():
    model, image = along_a_line(posterior_mean=0.8), binary(1)
    exact = integrated(model, image)
    repeated = image.repeat(400, 1, 1, 1)
    found = {k: bounds.of_each(model, repeated, k, noise()) for k in (1, 10, 300)}
    means = {k: of_k["importance_bound"].mean().item() for k, of_k in found.items()}
    assert torch.equal(found[1]["importance_bound"], found[1]["elbo"])
    elbo = found[300]["elbo"]
    assert abs(means[1] - elbo.mean()) < 4 * found[1]["elbo"].std() / 400**0.5
    assert means[1] + 0.1 < means[10] < means[300]
    assert means[300] == pytest.approx(exact, abs=0.02)
    assert means[1] < exact - 0.3


@pytest.mark.parametrize("name", ["vae", "vae_bce", "gmvae", "gmvae_2016", "vamp_vae"])
def test_no_elbo_exceeds_its_importance_bound_or_parts_from_rate_and_distortion(name):
    model = build(name, shape=(1, 8, 8)).eval()
    found = bounds.of_each(model, binary(6, (1, 8, 8)), 20, noise())
    assert (found["elbo"] <= found["importance_bound"]).all()
    torch.testing.assert_close(found["elbo"], -found["rate"] - found["distortion"])
    assert all(values.dtype == torch.float64 for values in found.values())


@torch.no_grad()
def test_the_rate_is_the_mean_of_the_divergence():
    model, images = build("vae_bce", shape=SMALL).eval(), binary(4)
    found = bounds.of_each(model, images, 50_000, noise())["rate"]
    kl = kl_to_standard_normal(*model.posterior(images)).double()
    torch.testing.assert_close(found, kl, rtol=0.02, atol=0.02)


def test_a_pixel_that_cannot_be_costs_the_logarithm_of_the_cut():
    model = deaf([0.0], [0.0], torch.zeros(SMALL))
    found = bounds.of_each(model, torch.ones(1, *SMALL), 3, noise())
    assert found["distortion"].item() == pytest.approx(-16 * math.log(1e-4), rel=1e-5)


# What the result depends on


def test_how_many_codes_are_decoded_at_once_changes_nothing(monkeypatch):
    model, images = build("gmvae", shape=SMALL).eval(), binary(3)
    at_once = bounds.of_each(model, images, 50, noise())
    monkeypatch.setattr(bounds, "CODES_AT_ONCE", 7)
    in_parts = bounds.of_each(model, images, 50, noise())
    for name, values in at_once.items():
        torch.testing.assert_close(in_parts[name], values, rtol=1e-6, atol=1e-5)


def test_further_images_change_nothing_about_the_first():
    model, images = build("vae_bce", shape=SMALL).eval(), binary(5)
    of_all, of_two = (bounds.of_each(model, some, 9, noise()) for some in (images, images[:2]))
    assert all(torch.equal(of_all[name][:2], of_two[name]) for name in of_two)


def test_binarised_images_are_draws_of_their_pixels_and_always_the_same():
    grey = np.full((500, 1, 8, 8), 51, dtype=np.uint8)
    grey[:, :, 0], grey[:, :, 1] = 0, 255
    images = bounds.binarised(grey)
    assert torch.equal(images, bounds.binarised(grey))
    assert set(images.unique().tolist()) == {0, 1}
    assert not images[:, :, 0].any()
    assert images[:, :, 1].all()
    drawn = images[:, :, 2:]
    assert abs(drawn.mean().item() - 0.2) < 4 * 0.4 / drawn.numel() ** 0.5


def test_the_error_of_a_mean_is_that_of_its_images():
    found = bounds.over_images({"elbo": torch.tensor([1.0, 2.0, 3.0, 6.0])})
    assert found["elbo"] == 3
    assert found["elbo_se"] == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 2)


# What is stored and measured


NAMES = ["vae_bce/0", "vae_bce/1"]


@pytest.fixture
def results(few_images, tmp_path, monkeypatch):
    """Two runs of an entry, the second of which diverged, and one of another entry."""
    monkeypatch.chdir(tmp_path)
    small = {"latent_dim": 2, "hidden": 4}
    runs = [
        a_run("vae_bce", **small),
        a_run("vae_bce", seed=1, **small),
        a_run("vae_bce", entry="other", **small),
    ]
    tiny_results(few_images, runs)
    ended = {"vae_bce/0": "finished", "vae_bce/1": "diverged", "other/2": "finished"}
    for name, status in ended.items():
        outcome = {"status": status, "reason": "", "epochs": 1}
        write_json(LAYOUT.run(name).outcome, outcome)
        seal(LAYOUT.run(name))


def test_every_named_run_has_a_file_and_a_diverged_one_nothing_in_it(results):
    for name in NAMES:
        write_bounds(LAYOUT, name, images=4, draws=3, device="cpu")
    found = read_json(LAYOUT.run("vae_bce/0").likelihood)
    four = {"elbo", "importance_bound", "rate", "distortion"}
    errors = {f"{name}_se" for name in four}
    assert found.keys() == four | errors | {"likelihood_images", "likelihood_draws"}
    assert (found["likelihood_images"], found["likelihood_draws"]) == (4, 3)
    assert read_json(LAYOUT.run("vae_bce/1").likelihood) == {}
    assert not LAYOUT.run("other/2").likelihood.exists()


def test_the_same_call_gives_the_same_file_and_few_test_images_are_all_there_are(results):
    file = LAYOUT.run("vae_bce/0").likelihood
    write_bounds(LAYOUT, "vae_bce/0", images=30, draws=3, device="cpu")
    first = file.read_bytes()
    write_bounds(LAYOUT, "vae_bce/0", images=1000, draws=3, device="cpu")
    assert file.read_bytes() == first
    assert read_json(file)["likelihood_images"] == 30


def test_a_variance_that_overflows_gives_no_bound(results):
    files = LAYOUT.run("vae_bce/0")
    weights = load_file(files.weights)
    weights["encoder.3.bias"].fill_(300)
    save_file(weights, files.weights)
    seal(files)
    write_bounds(LAYOUT, "vae_bce/0", images=3, draws=3, device="cpu")
    assert read_json(files.likelihood) == {"likelihood_images": 3, "likelihood_draws": 3}


def test_a_file_of_an_earlier_configuration_is_not_read(results):
    files = LAYOUT.run("vae_bce/0")
    write_json(files.likelihood, {"elbo": -1.0})
    assert likelihood.measure(TrainedRun(files, frozenset({"likelihood"})), None) == {"elbo": -1.0}
    assert likelihood.measure(TrainedRun(files, frozenset({"judged"})), None) == {}
