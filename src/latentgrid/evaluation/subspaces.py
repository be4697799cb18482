"""How far directions lie from a linear subspace."""

import numpy as np

from latentgrid.results.trained import Array


def projected(vectors: Array, spanning: Array) -> Array:
    """Project vectors (n, p) orthogonally onto the span of rows (d, p), d ≤ p."""
    basis = np.linalg.qr(spanning.T.astype(float)).Q
    nearest: Array = vectors @ basis @ basis.T
    return nearest


def angles_to(vectors: Array, spanning: Array) -> Array:
    """Return the angle between each vector, (n, p), and the span of rows (d, p): (n,), degrees.

    It is computed from the sine, which is exact where angles are small.
    """
    away = np.linalg.norm(vectors - projected(vectors, spanning), axis=1)
    sines = away / np.linalg.norm(vectors, axis=1)
    angles: Array = np.degrees(np.arcsin(np.clip(sines, 0, 1)))
    return angles
