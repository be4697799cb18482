"""Draws a sheet of images for each run: the layout of samples."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from latentgrid.figures.results import Results
from latentgrid.figures.style import labelled_panels, show_images
from latentgrid.results.trained import Array

ABREAST = 8  # images
MOST = 80  # images of a sheet


def draw_sheets(results: Results, sheets: Sequence[tuple[pd.Series, Array]]) -> Figure:
    """Draw the first images (n, c, h, w), uint8, of each run, below the run's label."""
    figure, places = labelled_panels([results.label(run) for run, _ in sheets])
    for panel, (_, images) in zip(places, sheets, strict=True):
        show_images(panel, images[:MOST], ABREAST)
    return figure
