"""Controls of distances between images and between codes: what figures say of samples."""

from collections.abc import Iterator
from math import exp, log, sqrt

import numpy as np
import torch

from latentgrid.evaluation import distances, fitted, intervals, prior
from latentgrid.evaluation.controls import (
    ROUNDING,
    SPREAD,
    Control,
    Material,
    around,
    exactly,
)
from latentgrid.models.aae import AAE
from latentgrid.models.bases.priors import PRIORS
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel
from latentgrid.results.trained import Array

NEAREST = "distance_to_nearest"
NOISE_VARIANCE = float((np.arange(256) / 255).var())  # of a pixel with 256 equally likely levels
CODES = 1000
AWAY = 2.0
SHARE = 0.95
TRIPLES = 10_000


def controls(material: Material) -> Iterator[Control]:
    """Yield images that were trained on and noise, codes at known distances, and draws."""
    yield from _nearest(material)
    yield from _pairs()
    yield from _codes()
    yield _fitted()
    yield _coverage()


def _nearest(material: Material) -> Iterator[Control]:
    training = material.training
    test = material.test.images[: distances.MEASURED]
    pixels = training[0].size
    copies = training[: distances.MEASURED]
    yield Control(
        NEAREST,
        "draws that are training images, among these",
        *exactly(0),
        distances.distance_to_nearest(copies, training),
        "the nearest is the image itself: so memorised images are found",
    )
    yield Control(
        NEAREST,
        "test images among training images: the floor of good draws",
        0.0,
        _average(test, training),
        distances.distance_to_nearest(test, training),
        "the nearest is no farther than the average, which is the sum of both variances and the "
        "squared difference of the means",
    )
    draws = random_generator(0, "controls noise")
    noise = torch.randint(256, test.shape, generator=draws).to(torch.uint8).numpy()
    least = float(_from_noise(training).min())
    error = 1 / (2 * sqrt(pixels))
    yield Control(
        NEAREST,
        "uniform noise among training images: the ceiling",
        least - error * sqrt(2 * log(len(training))) - SPREAD * error / sqrt(len(noise)),
        least + SPREAD * error / sqrt(len(noise)),
        distances.distance_to_nearest(noise, training),
        "the least over the images x of the mean of 1/12 + (½ − x)², and what the least of n "
        "means over pixels may lie below it (subgaussian, by Hoeffding's lemma)",
    )


def _average(images: Array, others: Array) -> float:
    """Return the mean squared difference per pixel of all pairs, from means and variances."""
    first, second = (part.reshape(len(part), -1) / 255 for part in (images, others))
    apart = (first.mean(axis=0) - second.mean(axis=0)) ** 2
    return float((first.var(axis=0) + second.var(axis=0) + apart).mean())


def _from_noise(images: Array) -> Array:
    """Return the expected squared difference per pixel of each image (n, …) from noise, (n,)."""
    pixels = images.reshape(len(images), -1) / 255
    expected: Array = NOISE_VARIANCE + ((0.5 - pixels) ** 2).mean(axis=1)
    return expected


def _pairs() -> Iterator[Control]:
    black = np.zeros((3, 1, 2, 2), np.uint8)
    white = np.full_like(black, 255)
    grey = np.full_like(black, 51)
    for case, one, expected in (("white and black images", white, 1.0), ("grey 0.2", grey, 0.04)):
        value = distances.difference(one, black)
        yield Control("difference", case, *exactly(expected), value, "by hand")


def _codes() -> Iterator[Control]:
    draws = _draws("codes")
    spread = float(np.sqrt(((draws - draws.mean(axis=0)) ** 2).sum(axis=1).mean()))
    moved = {0: draws - np.array([spread, 0]), 1: draws}
    case = "codes that move by their spread"
    value = distances.movement(moved, 0, 1)
    yield Control("movement", case, *exactly(1), value, "by definition")
    for name, drawn_by in PRIORS.items():
        known = AAE((1, 1, 1), latent_dim=2, hidden=1, prior=name)
        codes = drawn_by(2).draw(CODES, random_generator(0, f"controls {name}")).numpy()
        yield Control(
            "share_within",
            f"draws of the prior {name} within the region of {SHARE}",
            *around(SHARE, sqrt(SHARE * (1 - SHARE) / CODES)),
            prior.densest_regions(LoadedModel(known), [SHARE]).share(codes, 0),
            "binomial",
        )
    at_zero, away = np.zeros((CODES, 2), np.float32), np.zeros((CODES, 2), np.float32)
    away[:, 0] = AWAY
    other = _draws("other codes")
    most = (1 + SPREAD * sqrt(8 / 3)) / CODES
    apart = 2 - 2 * exp(-(AWAY**2) / 4)
    for case, first, second, expected, why in (
        ("the same codes twice", draws, draws, exactly(0), "by definition"),
        ("all at 0 and all at distance 2", at_zero, away, exactly(apart), "2 − 2·exp(−2²/4)"),
        (
            "two samples of N(0, I)",
            draws,
            other,
            (0.0, most),
            "never negative; n times it has the mean 1 and a deviation of √(8/3) at most, from "
            "E k = 1/2 and E k² = 1/3 (Gretton et al. 2012, theorem 12)",
        ),
    ):
        value = prior.discrepancy(first, second)
        yield Control("discrepancy", case, *expected, value, why)


def _fitted() -> Control:
    """Return how far draws of the fitted Gaussian are from the codes in mean and covariance."""
    codes = _draws("fitted") @ np.array([[2.0, 0.5], [0.0, 0.3]]) + np.array([3.0, -1.0])
    draws = _draws("whitened").astype(np.float64)
    draws -= draws.mean(axis=0)
    draws = np.linalg.solve(np.linalg.cholesky(np.cov(draws, rowvar=False)), draws.T).T
    made = fitted.fitted(codes, draws)
    apart = (np.cov(made, rowvar=False) - np.cov(codes, rowvar=False), made.mean(0) - codes.mean(0))
    value = max(float(np.abs(part).max()) for part in apart)
    why = "draws of mean 0 and covariance I get the codes' mean and covariance, but for the jitter"
    return Control("fitted", "the largest difference of moments", 0.0, ROUNDING, value, why)


def _coverage() -> Control:
    """Return how often the interval of the mean of three normal values holds the true mean."""
    values = torch.randn(TRIPLES, 3, generator=random_generator(0, "controls seeds")).numpy()
    half = intervals.half_width(values.std(axis=1, ddof=1), 3)
    value = float((np.abs(values.mean(axis=1)) <= half).mean())
    level = intervals.LEVEL
    expected = around(level, sqrt(level * (1 - level) / TRIPLES))
    case = f"95 % intervals from {TRIPLES:,} times three normal values"
    return Control("half_width", case, *expected, value, "binomial: they hold the mean in 95 %")


def _draws(purpose: str) -> Array:
    rng = random_generator(0, f"controls {purpose}")
    return np.asarray(torch.randn(CODES, 2, generator=rng))
