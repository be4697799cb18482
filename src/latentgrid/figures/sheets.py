"""Draws a sheet of images for each run: the layout of samples."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from latentgrid.figures.results import Results
from latentgrid.figures.style import panels, set_title, show_images
from latentgrid.results.trained import Array

ABREAST = 8  # images
MOST = 80  # images of a sheet


def draw_sheets(results: Results, sheets: Sequence[tuple[pd.Series, Array]]) -> Figure:
    """Draw the first images (n, c, h, w), uint8, of each run, below the run's label."""
    figure, places = panels(len(sheets), title_lines=2)
    for panel, (run, images) in zip(places, sheets, strict=True):
        show_images(panel, images[:MOST], ABREAST)
        set_title(panel, results.label(run))
    return figure
