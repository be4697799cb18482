"""Samples through one more sigmoid than the decoder has (source 000, figure 6.4, as printed)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.sheets import draw_sheets
from latentgrid.results.labels import percent
from latentgrid.results.trained import Array

TITLE = "Samples through one more sigmoid"
SECTION = "What is drawn"
PLACE = 10
CAPTION = (
    "The samples of the same runs as in the figure of samples, each pixel x, from 0 for the ground "
    "to 1 for full ink, shown as 1 / (1 + exp(−x)) on the scale from 0 to 1. Look for what the "
    "sigmoid takes away: the ground turns into the grey 0.5 and full ink into 0.73, so that faint "
    "strokes are lost in the ground."
)
CLAIM = (
    "Source 000 (section 6.4.3) leaves the sigmoid out of the decoder and applies it to what it "
    "draws, so that its figure 6.4 shows such images. Its loss had held the output itself against "
    "the pixels."
)
NEEDS = ("sample", "decode")


def draw(results: Results) -> Drawing:
    """Draw a sheet of samples of each model's best run, as source 000 showed its own."""
    sheets = results.with_snapshot("samples", results.best(results.runs))
    if not sheets:
        return nothing("No run that can draw samples has finished.")
    greyed = [(run, through_sigmoid(samples)) for run, samples in sheets]
    return Drawing(draw_sheets(results, greyed), [_contrast(sheets)])


def _contrast(sheets: Sequence[tuple[pd.Series, Array]]) -> str:
    """Say by how much the values of each entry's pixels lie closer together."""
    shares = {
        run["entry"]: through_sigmoid(samples).std() / samples.std()
        for run, samples in sheets
        if samples.std() > 0
    }
    told = ", ".join(f"{percent(share)} ({entry})" for entry, share in shares.items())
    return f"Of the standard deviation of the pixels there remain {told}."


def through_sigmoid(images: Array) -> Array:
    """Map uint8 images, 0 to 255 for 0 to 1, to uint8 images of their sigmoids, 128 to 186."""
    values = 1 / (1 + np.exp(-images.astype(np.float32) / 255))
    return np.rint(values * 255).astype(np.uint8)
