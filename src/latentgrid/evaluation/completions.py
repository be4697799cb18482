"""Images that agree with the visible part of a damaged one: what it may have been."""

import numpy as np

from latentgrid.results.trained import Array

AT_ONCE = 100  # damaged images whose distances are computed at a time


def completions(damaged: Array, visible: Array, training: Array, k: int) -> Array:
    """Return for each damaged image the k training images that agree best with what is visible.

    They stand for k draws of p(x│x̃): the k nearest neighbours by the squared distance over the
    visible pixels, as k-nearest-neighbour regression takes them (Fix and Hodges 1951). The more
    training images there are, the nearer they agree and the better they stand for it.

    Args:
        damaged: uint8 (n, c, h, w).
        visible: whether a pixel of each was left as it was, (n, 1, h, w).
        training: uint8 (m, c, h, w).
        k: the number of training images; no more than m.

    Returns:
        Indices into `training`, (n, k), the nearest first.
    """
    known = _flat(training)
    squared = known**2
    seen = np.broadcast_to(visible, damaged.shape).reshape(len(damaged), -1).astype(np.float32)
    shown = _flat(damaged) * seen
    found = []
    for start in range(0, len(damaged), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        # Σ m·(x − t)² without Σ m·x², which is the same for all t; m is 1 where x is visible.
        away = seen[some] @ squared.T - 2 * shown[some] @ known.T
        nearest = np.argpartition(away, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(away, nearest, axis=1).argsort(axis=1, kind="stable")
        found.append(np.take_along_axis(nearest, order, axis=1))
    return np.concatenate(found)


def completed(damaged: Array, visible: Array, source: Array) -> Array:
    """Return damaged images with the pixels of `source` where they are not visible, in [0, 255].

    Args:
        damaged: (…, c, h, w).
        visible: (…, 1, h, w).
        source: (…, c, h, w), with as many or more axes before the last three.
    """
    return np.where(visible, damaged, source)


def _flat(images: Array) -> Array:
    flat: Array = images.reshape(len(images), -1).astype(np.float32) / 255
    return flat
