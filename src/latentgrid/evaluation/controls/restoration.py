"""Controls of whether restored images are means of what they could be."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import Control, KnownRun, Material, balanced, exactly, measured
from latentgrid.evaluation.measures import restoration
from latentgrid.results.trained import Array, TestSet

DARK, BRIGHT, MIDDLE = 50, 150, 100


def controls(material: Material) -> Iterator[Control]:
    """Yield images of two grey levels that damage hides: their mean, and one of them at random.

    Each of the four pairs of what is and what is answered comes once; a second pixel is seen.
    """
    shown = np.array([[DARK, DARK], [DARK, BRIGHT], [BRIGHT, DARK], [BRIGHT, BRIGHT]])
    seen = np.array([DARK, BRIGHT, DARK, BRIGHT])
    clean = np.stack([shown[:, 0], seen], axis=1)
    answers = {
        "the mean of two images": (np.stack([np.full(4, MIDDLE), seen], axis=1), 0.5, 1.0),
        "one of two images, at random": (np.stack([shown[:, 1], seen], axis=1), 1.0, 0.5),
    }
    for case, (restored, spread, slope) in answers.items():
        test = TestSet(_images(clean), balanced(len(clean)))
        run = KnownRun("dae", {"reconstructions": _images(restored)})
        for name, expected in (("restored_spread", spread), ("restored_slope", slope)):
            value = measured(restoration.measure, run, test, name)
            yield Control(name, case, *exactly(expected), value, "by hand")


def _images(levels: Array) -> Array:
    """Return levels (n, 2) as images (n, 1, 1, 2), uint8."""
    return levels.astype(np.uint8)[:, None, None]
