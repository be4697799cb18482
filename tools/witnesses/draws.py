"""What both sides of a comparison draw and sum up in the same way, with NumPy alone.

The scripts beside this file import it in the environment of the framework that they ask, and
`tests/test_witnesses.py` in the project's. `RandomState` draws the same numbers in all versions of
NumPy. Tensors have the layout of the framework, whose shapes stand in its file.
"""

import json
import sys

import numpy as np

SIDE = 28
BATCH = 10
STEPS = 5
DIMENSIONS = (2, 20)
DEVIATION = 0.05


def weights(shapes):
    """Draw weights and biases with which no layer's values grow or vanish."""
    draw = np.random.RandomState(1)
    return [draw.normal(scale=DEVIATION, size=shape) for shape in shapes]


def batches(latent_dim):
    """Draw for each step images (n, SIDE, SIDE) in [0, 1] and noise N(0, I), (n, d)."""
    draw = np.random.RandomState(2)
    return [
        (draw.uniform(size=(BATCH, SIDE, SIDE)), draw.normal(size=(BATCH, latent_dim)))
        for _ in range(STEPS)
    ]


def directions(shapes):
    """Draw for each tensor a direction, onto which `summaries` projects it."""
    draw = np.random.RandomState(3)
    return [draw.normal(size=shape) for shape in shapes]


def summaries(tensors, along):
    """Return each tensor's norm, and its projection onto its direction, of about the same size."""
    return [
        [float(np.sqrt(np.square(tensor).sum())), float((tensor * direction).sum())]
        for tensor, direction in zip(tensors, along, strict=True)
    ]


def write(versions, **witness):
    """Print what was witnessed, with the versions of the framework, as JSON."""
    json.dump({"versions": versions, **witness}, sys.stdout)
    print()
