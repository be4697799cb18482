"""How far images are from one another, and codes from where they were."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentgrid.results.trained import Array

MEASURED = 500  # images over which a distance is averaged
REAL = 10_000  # training images among which the nearest is sought


def distance_to_nearest(images: Array, among: Array) -> float:
    """Return how far images are from the nearest of others, uint8 (n, c, h, w) both.

    The squared difference per pixel in [0, 1], averaged over the images. Blurred images are near
    many others, so that this tells images that look like none from those that look like some, and
    not the better of two that do.
    """
    points = _points(images)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_points(among))
    distances, _ = neighbours.kneighbors(points)
    return float(np.mean(distances**2) / points.shape[1])


def difference(images: Array, others: Array) -> float:
    """Return the squared difference per pixel in [0, 1] of images with others, in pairs."""
    return float(np.mean((_points(images) - _points(others)) ** 2))


def movement(codes: dict[int, Array], start: int, end: int) -> float:
    """Return how far codes (n, d) lie from where they were, over the spread of the last ones.

    Args:
        codes: by epoch, at least those of `start` and `end`.
        start, end: the two epochs.

    The spread is the root of their mean squared distance from their mean; 0 where there is none.
    """
    last = codes[max(codes)]
    spread = np.sqrt(np.square(last - last.mean(axis=0)).sum(axis=1).mean())
    distance = np.linalg.norm(codes[end] - codes[start], axis=1).mean()
    return float(distance / spread) if spread > 0 else 0.0


def _points(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32) / 255
