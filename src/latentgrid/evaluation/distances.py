"""Distances between images, and between codes of different epochs."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentgrid.results.trained import Array

MEASURED = 500  # the number of images over which a distance is averaged
REAL = 10_000  # the most training images among which the nearest is searched, the first ones


def distance_to_nearest(images: Array, among: Array) -> float:
    """Return the mean distance from images to the nearest of others, uint8 (n, c, h, w) both.

    It is the squared difference per pixel, pixels in [0, 1]. A large distance means that the images
    look like none of the others. A small one says little, as blurred images are near many others.
    """
    points = _points(images)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_points(among))
    distances, _ = neighbours.kneighbors(points)
    return float(np.mean(distances**2) / points.shape[1])


def difference(images: Array, others: Array) -> float:
    """Return the mean squared difference per pixel, in [0, 1], of pairs of images."""
    return float(np.mean((_points(images) - _points(others)) ** 2))


def movement(codes: dict[int, Array], start: int, end: int) -> float:
    """Return the mean distance by which codes moved between two epochs, relative to their spread.

    The spread is the root mean squared distance of the last epoch's codes from their mean. The
    result is 0 if the spread is 0.

    Args:
        codes: codes (n, d) by epoch, at least for `start` and `end`.
        start, end: the two epochs.
    """
    last = codes[max(codes)]
    spread = np.sqrt(np.square(last - last.mean(axis=0)).sum(axis=1).mean())
    distance = np.linalg.norm(codes[end] - codes[start], axis=1).mean()
    return float(distance / spread) if spread > 0 else 0.0


def _points(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32) / 255
