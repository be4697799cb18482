"""One dimension of the code changed at a time (source 003, applications of VAEs)."""

import numpy as np
import pandas as pd

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.figures.style import short_name
from latentgrid.results.trained import Array, TestSet
from latentgrid.text import signed

TITLE = "Traversals"
SECTION = "What is drawn"
PLACE = 8
CAPTION = (
    "What each variational model decodes where one dimension of the code goes from −2 to 2, two "
    "standard deviations of the prior on either side, and the others stay those of a test image. "
    "A row for each of the dimensions whose posterior mean varies most over the test images, with "
    "that variance, at the latent dimension that most models share; two images. Look for a "
    "dimension that changes one thing alone, such as slant or width, in both images; one with a "
    "variance near 0 is used for nothing and changes nothing."
)
CLAIM = (
    "Source 003 names factors of variation among the applications of variational autoencoders: a "
    "larger weight β on the divergence (Higgins et al. 2017) parts what varies into dimensions of "
    "its own. It measures nothing."
)
NEEDS = ("encode", "decode", "propose", "quantile")
DIMENSIONS = 4  # of each model, or all where it has fewer
STEPS = 7
REACH = 2.0
IMAGES = 2


def draw(results: Results) -> Drawing:
    """Draw a row for each of the most varied dimensions of each model's code."""
    _, runs = results.of_common_dimension()
    if not runs:
        return nothing("No variational autoencoder with a normal prior has finished.")
    rows, seen = [], []
    for run in runs:
        model = results.loaded(run)
        codes = model.encode(results.test.images)
        variances = codes.var(axis=0)
        order = np.argsort(-variances, kind="stable")[:DIMENSIONS]
        for dimension in order:
            strips = [model.decode(along(codes[i], dimension)) for i in range(IMAGES)]
            label = f"{run['entry']}, $z_{{{dimension + 1}}}$"
            rows.append(Row(label, strips, note=f"{variances[dimension]:.2f}"))
        seen.append(_said(run, variances))
    headings = [signed(value, 1) for value in np.linspace(-REACH, REACH, STEPS)]
    titles = [_title(results.test, i) for i in range(IMAGES)]
    figure = draw_rows(rows, titles, headings, "variance")
    return Drawing(figure, [f"Variance of each dimension over the test images: {'; '.join(seen)}."])


def along(code: Array, dimension: int) -> Array:
    """Return codes (STEPS, d) that are one code (d,) but for a dimension, from −REACH to REACH."""
    codes = np.repeat(code[None], STEPS, axis=0)
    codes[:, dimension] = np.linspace(-REACH, REACH, STEPS)
    return codes


def _title(test: TestSet, place: int) -> str:
    name = f"test image {place + 1}"
    of = f" of class {short_name(test.name_of(test.labels[place]))}"
    return name + of * test.has_classes


def _said(run: pd.Series, variances: Array) -> str:
    values = ", ".join(f"{value:.2f}" for value in sorted(variances, reverse=True))
    return f"{run['entry']} {values}"
