"""A sample of the data set (source 000, figure 6.1)."""

import numpy as np

from latentgrid.figures.drawing import Drawing, listed
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.figures.style import short_name
from latentgrid.results.labels import percent

TITLE = "The data"
SECTION = "What is lost"
PLACE = 0.5
CAPTION = (
    "The first training images of each class, in the order in which the data set has them. Look "
    "for how much images of one class differ: a model has to explain that too."
)
CLAIM = (
    "Source 000 (section 6.2, figure 6.1) shows such a sample of MNIST, and calls its images well "
    "defined, centred and of one scale."
)
SHOWN = 20
CLASSES = 20  # the most that are shown


def draw(results: Results) -> Drawing:
    """Draw a row of training images for each class."""
    images, labels = results.training_images(None), results.training_labels()
    counts = np.bincount(labels)
    shown = min(SHOWN, int(counts.min()))
    names = [short_name(results.test.name_of(label)) for label in range(len(counts))]
    if len(names) == 1:
        names = ["training images"]
    rows = [
        Row(names[label], [images[labels == label][:shown]], str(counts[label]))
        for label in range(len(counts))[:CLASSES]
    ]
    return Drawing(draw_rows(rows, notes="images"), _described(results, counts))


def _described(results: Results, counts: np.ndarray) -> list[str]:
    images = results.training_images(None)
    _, channels, height, width = images.shape
    pixels = images / 255
    values = [("mean", float(pixels.mean())), ("standard deviation", float(pixels.std()))]
    black, white = (images == 0).mean(), (images == np.iinfo(np.uint8).max).mean()
    many = len(counts) - CLASSES
    kinds = f", in {len(counts)} classes of {counts.min():,} to {counts.max():,} training images"
    return [
        f"{len(images):,} images to train on and {len(results.test.images):,} to test on, of "
        f"{height}×{width} pixels with {channels} {'channel' if channels == 1 else 'channels'}"
        f"{kinds * (len(counts) > 1)}.",
        f"Pixels in [0, 1]: {listed(values)}; {percent(black)} of them are 0 and "
        f"{percent(white)} are 1.",
        *([f"{many} further classes are not shown."] if many > 0 else []),
    ]
