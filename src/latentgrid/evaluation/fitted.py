"""A Gaussian fitted to codes, from which a model without a prior can be made to draw."""

import numpy as np

from latentgrid.results.trained import Array

JITTER = 1e-6  # of the mean variance, so that codes that do not fill their dimensions have a root
MIN_JITTER = 1e-12


def fitted(codes: Array, draws: Array) -> Array:
    """Map draws (m, d) of N(0, I) to draws of N(μ̂, Σ̂), the mean and covariance of codes (n, d).

    Source 003, "Generación".
    """
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    least = JITTER * covariance.diagonal().mean() + MIN_JITTER
    root = np.linalg.cholesky(covariance + least * np.eye(len(covariance)))
    samples: Array = codes.mean(axis=0) + draws @ root.T
    return samples
