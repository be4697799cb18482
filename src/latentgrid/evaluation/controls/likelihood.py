"""Controls of the bounds on likelihoods, and of a flow's exact likelihood."""

from collections.abc import Iterator
from math import exp, log, pi, sqrt

import torch
from scipy.stats import norm
from torch import Tensor

from latentgrid.evaluation import bounds
from latentgrid.evaluation.controls import (
    ALARMS,
    SPREAD,
    Control,
    KnownRun,
    Material,
    Range,
    around,
    balanced,
    labelled,
    measured,
)
from latentgrid.evaluation.measures import likelihood
from latentgrid.models.flow import ALPHA, Flow, logit
from latentgrid.nets.initialise import glorot_uniform
from latentgrid.randomness import random_generator, seed_of

IMAGES = 100
FEW, MANY = 10, 1000
STEP, EDGE = 0.05, 12.0  # of the grid over which a flow's density is integrated
QUADRATURE = 0.01  # what the kinks of its networks may cost on that grid


class TwoImages:
    """A latent-variable model whose likelihood is known: it decodes one of two images.

    z ~ N(0, 1); each pixel is 1 with probability `ON` where z > 0, and with 1 − `ON` elsewhere. So
    for an image of `PIXELS` ones, p(x) = ½·a + ½·b with a = ON^PIXELS and b = (1 − ON)^PIXELS. The
    posterior that it proposes, q(z│x) = N(1, 1), is not the right one. With w = p(z)·p(x│z)/q(z│x)
    and Φ, φ of N(0, 1):

        E log w   = Φ(1)·log a + Φ(−1)·log b − ½
        Var log w = 1 + Δ²·Φ(1)·Φ(−1) − 2Δ·φ(1),  Δ = log a − log b
        E w²      = e·(Φ(−1)·a² + Φ(1)·b²)
    """

    ON, PIXELS = 0.8, 4
    RATE = 0.5  # KL(N(1, 1) ‖ N(0, 1))
    INSIDE = float(norm.cdf(1))

    def __init__(self) -> None:
        self.log_a = self.PIXELS * log(self.ON)
        self.log_b = self.PIXELS * log(1 - self.ON)
        self.log_likelihood = log(exp(self.log_a) / 2 + exp(self.log_b) / 2)
        self.distortion = -self.INSIDE * self.log_a - (1 - self.INSIDE) * self.log_b
        step = self.log_a - self.log_b
        self.distortion_sd = step * sqrt(self.INSIDE * (1 - self.INSIDE))
        self.elbo_sd = sqrt(1 + self.distortion_sd**2 - 2 * step * float(norm.pdf(1)))
        squares = (1 - self.INSIDE) * exp(2 * self.log_a) + self.INSIDE * exp(2 * self.log_b)
        self.weights_variance = exp(1) * squares / exp(2 * self.log_likelihood) - 1

    def propose(self, images: Tensor, draws: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw codes (draws, n, 1) of N(1, 1), and return them with log q(z│x), (draws, n)."""
        noise = torch.randn(draws, len(images), 1, generator=rng)
        return 1 + noise, -(noise.square() + log(2 * pi)).sum(dim=-1) / 2

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z), codes (…, 1) → (…)."""
        return -(codes.square() + log(2 * pi)).sum(dim=-1) / 2

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, 1) to images (n, 1, 1, PIXELS)."""
        means = torch.where(codes > 0, self.ON, 1 - self.ON)
        return means[:, None, None].expand(-1, 1, 1, self.PIXELS)


def controls(material: Material) -> Iterator[Control]:
    """Yield the bounds of a model whose likelihood is known, and the integral of two flows."""
    model = TwoImages()
    yield from _bounds(model, MANY)
    yield _important(model, FEW)
    for kind in ("coupling", "autoregressive"):
        yield Control(
            "flow",
            f"integral of the density of a flow on two pixels, {kind}",
            1 - QUADRATURE,
            1 + QUADRATURE,
            _integral(kind),
            "a density integrates to 1; 1 % is left to the quadrature at the kinks of its ReLUs",
        )


def _bounds(model: TwoImages, draws: int) -> Iterator[Control]:
    found, n = _measure(model, draws), sqrt(draws * IMAGES)
    elbo = -model.RATE - model.distortion
    error = model.elbo_sd / n
    exact: dict[str, tuple[Range, str]] = {
        "elbo": (around(elbo, error), "closed form: Φ(1)·log a + Φ(−1)·log b − ½"),
        "rate": (around(model.RATE, 1 / n), "closed form: KL(N(1, 1) ‖ N(0, 1)) = ½"),
        "distortion": (
            around(model.distortion, model.distortion_sd / n),
            "closed form: −Φ(1)·log a − Φ(−1)·log b",
        ),
        "elbo_se": (
            around(error, error / sqrt(2 * (IMAGES - 1))),
            "closed form: the deviation of log w over √(draws · images)",
        ),
        "importance_bound": (
            (
                model.log_likelihood
                - model.weights_variance / draws
                - SPREAD * sqrt(model.weights_variance) / n,
                _most(model),
            ),
            "log p(x) = log(½a + ½b): not above it by Markov's inequality; below it by Var w/2K at "
            "first order, twice of which is allowed",
        ),
    }
    for name, (expected, why) in exact.items():
        yield Control(name, _case(draws), *expected, found[name], why)


def _important(model: TwoImages, draws: int) -> Control:
    elbo = -model.RATE - model.distortion
    return Control(
        "importance_bound",
        _case(draws),
        elbo + SPREAD * model.elbo_sd / sqrt(IMAGES * draws),
        _most(model),
        _measure(model, draws)["importance_bound"],
        "above the ELBO, as log is concave, and not above log p(x), by Markov's inequality",
    )


def _most(model: TwoImages) -> float:
    """Return what the mean of n importance bounds exceeds in one case of a million at most.

    E w = p(x), so E exp(Σ log ŵ) = p(x)ⁿ over n independent images (Markov's inequality).
    """
    return model.log_likelihood - log(ALARMS) / IMAGES


def _case(draws: int) -> str:
    return f"a model that decodes one of two images, {draws} draws for {IMAGES} images"


def _measure(model: TwoImages, draws: int) -> dict[str, float]:
    images = torch.ones(IMAGES, 1, 1, model.PIXELS)
    noise = random_generator(0, f"controls bounds {draws}")
    given = bounds.over_images(bounds.of_each(model, images, draws, noise))
    run, none = KnownRun(likelihood=given), labelled(balanced(1))
    return {name: measured(likelihood.measure, run, none, name) for name in given}


@torch.no_grad()
def _integral(kind: str) -> float:
    """Integrate the density of a flow with random weights over the unit square of two pixels.

    With s = logit(v), dv = v·(1 − v) ds, on a grid of s in [−EDGE, EDGE]².
    """
    with torch.random.fork_rng(devices=[]):  # a constructor draws from PyTorch's own generator
        torch.manual_seed(seed_of(0, f"controls {kind}"))
        flow = Flow((1, 1, 2), kind=kind, transforms=2, hidden=16)  # type: ignore[arg-type]
    glorot_uniform(flow, random_generator(0, f"controls {kind}"))
    ticks = torch.arange(-EDGE, EDGE + STEP, STEP, dtype=torch.float64)
    values = (torch.sigmoid(torch.cartesian_prod(ticks, ticks)) - ALPHA) / (1 - 2 * ALPHA)
    _, log_slope = logit(values)
    return float((flow.double().log_density(values) - log_slope).exp().sum()) * STEP**2
