"""Bias and variance of Monte Carlo and of variational inference (source 000, section 3.1.2).

The model is z ~ N(0, I) in the plane and x|z ~ N(z_1 + z_2, S²), with x = `X` seen. Its evidence
p(x) and posterior are known. Both methods estimate p(x) from n draws:

- Monte Carlo: the mean of p(x|z) over draws of the prior;
- variational inference: exp of the mean of log p(x, z) − log q(z) over draws of the q that is
  nearest to the posterior, KL(q ‖ p(z|x)), of all with independent dimensions: it has the
  posterior's mean, and the variances 1/Λ_ii of its precision Λ (Bishop 2006, section 10.1.2).

Λ = I + 11ᵀ/S². With ρ = Λ_12/√(Λ_11·Λ_22) the logarithm that is averaged is the bound
ELBO = log p(x) + ½·log(1 − ρ²), less ρ·ε_1·ε_2. As the mean of exp(t·ε_1·ε_2) is (1 − t²)^(−1/2)
for |t| < 1 and infinite beyond, that of the estimate to the power k, with t = k·ρ/n for each of n
draws, is exp(k·ELBO)·(1 − (k·ρ/n)²)^(−n/2), which gives its bias and its variance. With one draw it
is unbiased, as it is p(x, z)/q(z) then; with many it comes to exp(ELBO).
"""

import math

import torch
from torch import Tensor

from latentgrid.randomness import random_generator

X, S = 1.0, 0.3
DRAWS = tuple(4**k for k in range(7))
REPEATS = 1000

PRECISION = torch.eye(2, dtype=torch.float64) + 1 / S**2
RHO = float(PRECISION[0, 1] / PRECISION[0, 0])
LOG_EVIDENCE = -(X**2) / (2 * (2 + S**2)) - math.log(2 * math.pi * (2 + S**2)) / 2
ELBO = LOG_EVIDENCE + math.log(1 - RHO**2) / 2


def run() -> dict[str, Tensor]:
    """Estimate p(x) from each number of draws, `REPEATS` times, by both methods.

    Returns:
        draws (k,), the n; monte_carlo and variational (k, REPEATS), estimates over the true p(x);
        monte_carlo_variance, variational_bias (k,) and variational_variance (k − 1,), theirs in
        closed form, the last from two draws on, as it is infinite with one;
        enough, scalar, the number of draws from which on the mean squared error of `monte_carlo` is
        the smaller one (with one draw it is too); log_evidence and elbo, scalars, nats; mean (2,),
        covariance (2, 2) and independent (2,), the posterior's and the variances of q.
    """
    prior = random_generator(0, "experiment monte_carlo_and_variational prior")
    posterior = random_generator(0, "experiment monte_carlo_and_variational posterior")
    size = (REPEATS, DRAWS[-1], 2)
    likelihoods = likelihood(torch.randn(size, generator=prior, dtype=torch.float64))
    logs = ELBO - RHO * torch.randn(size, generator=posterior, dtype=torch.float64).prod(dim=2)
    evidence = math.exp(LOG_EVIDENCE)
    covariance = torch.linalg.inv(PRECISION)
    return {
        "draws": torch.tensor(DRAWS),
        "monte_carlo": torch.stack([likelihoods[:, :n].mean(dim=1) for n in DRAWS]) / evidence,
        "variational": torch.stack([logs[:, :n].mean(dim=1).exp() for n in DRAWS]) / evidence,
        "monte_carlo_variance": torch.tensor([relative_variance() / n for n in DRAWS]),
        "variational_variance": torch.tensor([variational_variance(n) for n in DRAWS[1:]]),
        "variational_bias": torch.tensor([variational_moment(1, n) - 1 for n in DRAWS]),
        "enough": torch.tensor(enough()),
        "log_evidence": torch.tensor(LOG_EVIDENCE),
        "elbo": torch.tensor(ELBO),
        "mean": covariance.sum(dim=1) * X / S**2,
        "covariance": covariance,
        "independent": 1 / PRECISION.diagonal(),
    }


def likelihood(codes: Tensor) -> Tensor:
    """Return p(x|z) of codes (…, 2), (…)."""
    squares = (X - codes.sum(dim=-1)) ** 2 / S**2
    return torch.exp(-squares / 2) / math.sqrt(2 * math.pi * S**2)


def relative_variance() -> float:
    """Return the variance of p(x|z) over z ~ N(0, I), divided by p(x)².

    p(x|z)² is N(x; z_1 + z_2, S²/2)/√(4π·S²), whose mean is N(x; 0, 2 + S²/2)/√(4π·S²).
    """
    spread = 2 + S**2 / 2
    log_square = -(X**2) / (2 * spread) - math.log(2 * math.pi * spread) / 2
    log_square -= math.log(4 * math.pi * S**2) / 2
    return math.exp(log_square - 2 * LOG_EVIDENCE) - 1


def variational_moment(k: int, n: int) -> float:
    """Return the mean of the variational estimate from n draws to the power k, over p(x)^k."""
    t = k * RHO / n
    if t >= 1:
        return math.inf
    return math.exp(k * (ELBO - LOG_EVIDENCE) - n * math.log1p(-(t**2)) / 2)


def variational_variance(n: int) -> float:
    """Return the variance of the variational estimate from n draws, over p(x)²."""
    return variational_moment(2, n) - variational_moment(1, n) ** 2


def enough() -> int:
    """Return from how many draws on the mean squared error of Monte Carlo is the smaller one."""
    worse = [n for n in range(1, DRAWS[-1]) if relative_variance() / n >= variational_error(n)]
    return worse[-1] + 1


def variational_error(n: int) -> float:
    """Return the mean squared error of the variational estimate from n draws, over p(x)²."""
    return variational_moment(2, n) - 2 * variational_moment(1, n) + 1
