"""Two points on which the ELBO grows without bound (source 000, section 4.8.2).

The data are −1 and 1. The decoder p(x|z) = N(±1, σ²) has the sign of z, the prior p(z) is N(0, 1)
and the encoder q(z|x) = N(±c, λ²) has the sign of x. By symmetry both points have the same ELBO, so
everything is computed for x = 1, in nats and in double precision. It is computed from logarithms,
because q's mass below zero soon becomes smaller than any double.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LOG_2PI = math.log(2 * math.pi)
RATE = 0.005
# Longer gradients are cut to this length: those of `matched` would soon overflow.
MAX_GRADIENT = 1.0
STEPS = {"free": 10_000, "matched": 1_000}
RECORDED = 120
Parameters = Mapping[str, Tensor]


def run() -> dict[str, Tensor]:
    """Maximise the ELBO by gradient ascent from σ = c = λ = 1, in two ways.

    `free` changes log σ, log c and log λ; `matched` changes log c and log λ, and sets σ to the best
    value for them. Each has the tensors step, elbo, kl, sigma, c and lambda, all (recorded,) and
    float64.
    """
    free = ascend(dict, ("sigma", "c", "lambda"), STEPS["free"])
    matched = ascend(with_best_sigma, ("c", "lambda"), STEPS["matched"])
    return {
        f"{name}/{key}": values
        for name, recorded in (("free", free), ("matched", matched))
        for key, values in recorded.items()
    }


def ascend(
    complete: Callable[[Parameters], Parameters], names: tuple[str, ...], steps: int
) -> dict[str, Tensor]:
    """Follow the gradient of the ELBO from 1 in the named parameters, and record the way.

    Args:
        complete: adds to the logarithms of these parameters those of the others.
        names: the parameters that change.
        steps: the number of steps.
    """
    moving = {n: torch.zeros((), dtype=torch.float64, requires_grad=True) for n in names}
    spaced = np.geomspace(1, steps, RECORDED).round().astype(int)
    when = {0, *spaced.tolist()}
    rows = []
    for step in range(steps + 1):
        logs = complete(moving)
        bound = elbo(logs)
        if step in when:
            numbers = {
                "step": torch.tensor(float(step)),
                "elbo": bound,
                "kl": kl_to_posterior(logs),
            }
            numbers |= {name: log.exp() for name, log in logs.items()}
            rows.append({name: number.detach() for name, number in numbers.items()})
        gradients = torch.autograd.grad(bound, list(moving.values()))
        length = math.sqrt(sum(gradient.item() ** 2 for gradient in gradients))
        rate = RATE * min(1.0, MAX_GRADIENT / length)
        with torch.no_grad():
            for parameter, gradient in zip(moving.values(), gradients, strict=True):
                parameter.add_(rate * gradient)
    return {name: torch.stack([row[name] for row in rows]).double() for name in rows[0]}


def with_best_sigma(logs: Parameters) -> Parameters:
    """Add σ = 2·√(q(z < 0 | x = 1)), where the ELBO is largest for given c and λ (eq. 4.8.3)."""
    return {**logs, "sigma": math.log(2) + log_tail(logs) / 2}


def elbo(logs: Parameters) -> Tensor:
    """Return the ELBO of x = 1 (eqs. 4.8.2 and 4.8.6)."""
    return log_likelihood(logs) - kl_to_prior(logs)


def log_likelihood(logs: Parameters) -> Tensor:
    """Return the mean of log p(x = 1 | z) under q(z | x = 1)."""
    return -logs["sigma"] - _lost(logs) - LOG_2PI / 2


def kl_to_prior(logs: Parameters) -> Tensor:
    """Return KL(q(z | x = 1) ‖ N(0, 1))."""
    return ((2 * logs["lambda"]).exp() + (2 * logs["c"]).exp() - 1) / 2 - logs["lambda"]


def kl_to_posterior(logs: Parameters) -> Tensor:
    """Return KL(q(z | x = 1) ‖ p(z | x = 1)) = log p(x = 1) − ELBO, without terms that cancel."""
    log_other_sign = functional.softplus(-2 * (-2 * logs["sigma"]).exp())
    return kl_to_prior(logs) - math.log(2) + log_other_sign + _lost(logs)


def log_tail(logs: Parameters) -> Tensor:
    """Return log q(z < 0 | x = 1) = log Φ(−c/λ)."""
    tail: Tensor = torch.special.log_ndtr(-(logs["c"] - logs["lambda"]).exp())
    return tail


def _lost(logs: Parameters) -> Tensor:
    """Return 2·q(z < 0 | x = 1)/σ²: the nats lost to codes with the wrong sign."""
    return 2 * (log_tail(logs) - 2 * logs["sigma"]).exp()
