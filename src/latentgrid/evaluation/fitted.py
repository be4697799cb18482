"""A Gaussian fitted to codes, as a prior for models that have none."""

import numpy as np

from latentgrid.results.trained import Array

# This share of the mean variance is added to each variance: the covariance of codes that do not use
# all their dimensions has no Cholesky root.
JITTER = 1e-6
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
