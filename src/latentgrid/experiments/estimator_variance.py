"""How far three estimators of a bound and its gradient scatter (source 004, section 1.3).

The model has closed forms: independent dimensions z ~ N(0, 1), x|z ~ N(w·z, s²) and
q(z|x) = N(μ, σ²), all x being `X`. With f(z) = log p(x, z) − log q(z|x), the bound E_q f and its
gradient are estimated from L draws z_l = μ + σ·ε_l:

- `a`: L^A, the mean of f(z_l) (Kingma and Welling 2014, eq. 6), differentiated through z_l;
- `b`: L^B, −KL(q ‖ p(z)) + the mean of log p(x|z_l) (eq. 7), differentiated through z_l;
- `score`: the naive gradient, the mean of f(z_l)·∇ log q(z_l|x) at z_l (section 2.2); its value is
  that of L^A.

All is in nats and in double precision.
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from latentgrid.randomness import random_generator

DIMENSIONS = 10
X, W, S = 1.5, 1.0, 0.5
PRECISION = 1 + W**2 / S**2  # of the true posterior
# q as training begins, the prior, and where it ends, the true posterior: μ and σ.
POSTERIORS = {"start": (0.0, 1.0), "end": (X * W / S**2 / PRECISION, PRECISION**-0.5)}
ESTIMATORS = ("a", "b", "score")
QUANTITIES = ("value", "mean", "log_deviation")  # the bound, and its slopes by one μ and one log σ
DRAWS = tuple(2**k for k in range(9))
REPEATS = 2000
NODES = 40  # of Gauss and Hermite's quadrature, which is exact here: all integrands are polynomials


def run() -> dict[str, Tensor]:
    """Return means and variances over `REPEATS` estimates from each number of draws.

    Returns:
        draws (l,), the L. For each q, quantity and estimator, as "start/mean/a/…": mean and
        variance (l,), measured; exact and exact_variance (l,), in closed form.
    """
    recorded = {"draws": torch.tensor(DRAWS)}
    for q, estimator in product(POSTERIORS, ESTIMATORS):
        draws = random_generator(0, f"experiment estimator_variance {q}")
        measured = [estimates(estimator, q, n, draws) for n in DRAWS]
        for quantity in QUANTITIES:
            of = torch.stack([one[quantity] for one in measured])
            mean, variance = exact(estimator, q)[quantity]
            recorded |= {
                f"{q}/{quantity}/{estimator}/mean": of.mean(dim=1),
                f"{q}/{quantity}/{estimator}/variance": of.var(dim=1),
                f"{q}/{quantity}/{estimator}/exact": torch.full((len(DRAWS),), mean).double(),
                f"{q}/{quantity}/{estimator}/exact_variance": variance / recorded["draws"].double(),
            }
    return recorded


def estimates(estimator: str, q: str, n: int, draws: torch.Generator) -> dict[str, Tensor]:
    """Return `REPEATS` estimates of each quantity from n draws each, (REPEATS,)."""
    noise = torch.randn(REPEATS, n, DIMENSIONS, generator=draws, dtype=torch.float64)
    of_dimension = terms(estimator, q, noise)
    value = of_dimension["value"].sum(dim=2)
    first = {name: values[:, :, 0] for name, values in of_dimension.items()}
    weight = value if estimator == "score" else torch.ones_like(value)
    return {
        "value": value.mean(dim=1),
        "mean": (weight * first["mean"]).mean(dim=1),
        "log_deviation": (weight * first["log_deviation"]).mean(dim=1),
    }


def terms(estimator: str, q: str, noise: Tensor) -> dict[str, Tensor]:
    """Return what one draw ε of one dimension adds to the value, and its slopes, each like ε.

    The slopes of `score` are those of log q at a fixed z, still to be weighted by the value of all
    dimensions.
    """
    mean, deviation = POSTERIORS[q]
    z = mean + deviation * noise
    log_likelihood = -((X - W * z) ** 2) / (2 * S**2) - math.log(2 * math.pi * S**2) / 2
    by_z = W * (X - W * z) / S**2
    if estimator == "b":
        kl = (deviation**2 + mean**2 - 1) / 2 - math.log(deviation)
        return {
            "value": log_likelihood - kl,
            "mean": by_z - mean,
            "log_deviation": by_z * deviation * noise - deviation**2 + 1,
        }
    value = log_likelihood - z**2 / 2 + noise**2 / 2 + math.log(deviation)
    if estimator == "score":
        return {"value": value, "mean": noise / deviation, "log_deviation": noise**2 - 1}
    return {
        "value": value,
        "mean": by_z - z,
        "log_deviation": (by_z - z) * deviation * noise + 1,
    }


def exact(estimator: str, q: str) -> dict[str, tuple[float, float]]:
    """Return mean and variance of each quantity from one draw, by quadrature over one dimension."""
    nodes, weights = (torch.from_numpy(x) for x in np.polynomial.hermite_e.hermegauss(NODES))
    shares = weights / weights.sum()
    found = terms(estimator, q, nodes)
    value, expected = found["value"], _expectation(shares)
    mean, square = expected(value), expected(value**2)
    others = DIMENSIONS - 1
    result = {"value": (DIMENSIONS * mean, DIMENSIONS * (square - mean**2))}
    for name in QUANTITIES[1:]:
        slope = found[name]
        if estimator != "score":
            result[name] = (expected(slope), expected(slope**2) - expected(slope) ** 2)
            continue
        # The weight of a slope is the value of its own dimension and that of the others.
        rest = others * (square - mean**2) + (others * mean) ** 2
        at = expected(slope * value) + others * mean * expected(slope)
        second = expected(slope**2 * (value**2 + 2 * others * mean * value + rest))
        result[name] = (at, second - at**2)
    return result


def _expectation(shares: Tensor) -> Callable[[Tensor], float]:
    return lambda values: float(shares @ values)
