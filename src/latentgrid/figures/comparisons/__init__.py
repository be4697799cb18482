"""One file a figure; each has `draw(material)`, which returns a matplotlib figure.

A figure of which there is nothing to show (no run with two latent dimensions, say) says so.
"""

from matplotlib.figure import Figure

from latentgrid.figures.style import WIDTH


def nothing(reason: str) -> Figure:
    """Return a figure that only says why it is empty."""
    figure = Figure(figsize=(WIDTH, 0.6))
    figure.text(0.5, 0.5, reason, ha="center", va="center", style="italic")
    return figure
