"""How sharp the edges of a model's samples are."""

from typing import Any

import numpy as np

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("sample_sharpness",)
SMALLEST = 2  # pixels of a side, below which there is no difference to take


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `sample_sharpness`: the gradient energy of samples over that of the test images.

    It is 1 for samples as sharp as the data and less for blurred ones; noise is sharper. The
    samples are those of the last snapshot. Source 000 (section 6.8.3) judges by eye.
    """
    samples = run.last("samples")
    if samples is None or min(test.images.shape[2:]) < SMALLEST:
        return {}
    real = gradient_energy(test.images)
    return {"sample_sharpness": gradient_energy(samples) / real} if real else {}


def gradient_energy(images: Array) -> float:
    """Return how much of the energy of images lies in their edges; 0 for black images.

    It is Σ‖∇x‖²/Σx² over all pixels of all images, uint8 (n, c, h, w), with differences between
    neighbours as the gradient: the energy of gradient by which a camera is focused (Subbarao, Choi
    and Nikzad 1993), divided by the brightness, as faint images are not blurred ones.
    """
    pixels = images.astype(np.float64) / 255
    energy = np.square(pixels).sum()
    edges = sum(np.square(np.diff(pixels, axis=axis)).sum() for axis in (2, 3))
    return float(edges / energy) if energy else 0.0
