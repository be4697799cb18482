"""The images along a two-dimensional latent space, at even steps (source 000, figure 6.2, code)."""

import numpy as np

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, labelled_panels, show_images
from latentgrid.results.trained import Array

TITLE = "Manifold at even steps"
SECTION = "What is drawn"
PLACE = 9
CAPTION = (
    "The same as the manifold, but decoded at even steps from −4 to 4 in each dimension and not at "
    "quantiles of the prior. Three in four of the images then lie where the prior has 9 % of its "
    "mass: look for outer regions in which no training image is encoded."
)
CLAIM = (
    "Source 000 (section 6.8.1, figure 6.2) describes quantiles; the code that drew its figure "
    "steps evenly from −4 to 4."
)
NEEDS = ("quantile", "decode")
REACH = 4.0
SIDE = 16


def draw(results: Results) -> Drawing:
    """Draw what each model's best two-dimensional run decodes on a regular grid of codes."""
    runs = list(results.best_of_two_dimensions())
    if not runs:
        return nothing("No run with two latent dimensions has finished.")
    figure, places = labelled_panels([results.label(run) for run in runs])
    for panel, run in zip(places, runs, strict=True):
        show_images(panel, results.loaded(run).decode(even_steps(SIDE, REACH)), columns=SIDE)
        panel.set_xlabel(f"$z_1$, −{REACH:g} to {REACH:g} →")
        panel.set_ylabel(f"$z_2$, −{REACH:g} to {REACH:g} →")
    label_outer(places)
    return Drawing(figure)


def even_steps(side: int, reach: float) -> Array:
    """Return the points (side², 2) of a regular grid from −reach to reach.

    Row by row from the upper left, as those of the manifold at quantiles: the first coordinate
    changes fastest, the second falls.
    """
    steps = np.linspace(-reach, reach, side, dtype=np.float32)
    second, first = np.meshgrid(steps[::-1], steps, indexing="ij")
    return np.stack([first.ravel(), second.ravel()], axis=1)
