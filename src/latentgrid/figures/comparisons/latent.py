"""Where the test images lie in latent space, by class (source 000, figure 6.3)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from latentgrid.evaluation.neighbours import MAX_CODES, NEIGHBOURS, neighbours
from latentgrid.figures.drawing import NO_CLASSES, Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import (
    class_legend,
    label_outer,
    labelled_panels,
    name_classes,
    scatter_by_class,
    two_dimensions,
)
from latentgrid.results.trained import Array, TestSet

TITLE = "Latent space"
SECTION = "Where the codes lie"
PLACE = 1
CAPTION = (
    "The codes of the test images, coloured by class, each class's name at the median of its "
    "codes; posterior means where the code is random. For each model its best run and its best "
    "run with two latent dimensions; codes of more dimensions by their first two principal "
    "components. Each panel shows all but the outermost codes on axes of its own. Look, with "
    "two dimensions, for classes that share a place: the model does not tell them apart. With "
    "more, they may lie apart in another dimension; the shares of neighbours below count all of "
    "them."
)
CLAIM = (
    "Source 000 (section 6.8.2, figure 6.3) sees well-defined, continuous areas in all three of "
    "its models, of different size, with large overlaps, and 8 and 9 hardest to separate."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ("encode",)


def draw(results: Results) -> Drawing:
    """Draw the test codes of each model's best run, and of its best two-dimensional one.

    Codes of more dimensions are shown by their first two principal components.
    """
    shown = results.latent_runs()
    if not shown:
        return nothing("No run that encodes images has finished.")
    figure, places = labelled_panels([results.label(run) for run, _ in shown])
    for panel, (_, codes) in zip(places, shown, strict=True):
        _draw_codes(panel, codes, results.test)
    label_outer(places)
    class_legend(figure, results.test.labels, results.test.name_of)
    return Drawing(figure, _overlaps(shown, results.test))


def _draw_codes(panel: Axes, codes: Array, test: TestSet) -> None:
    plane = two_dimensions(codes)
    scatter_by_class(panel, plane, test.labels)
    projected = codes.shape[1] > 2  # noqa: PLR2004
    panel.set_xlabel("component 1" if projected else "$z_1$")
    panel.set_ylabel("component 2" if projected else "$z_2$")
    # A few distant codes must not shrink all others to a spot.
    low, high = np.quantile(plane, [0.002, 0.998], axis=0)
    margin = 0.05 * (high - low) + 1e-6
    panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]))
    panel.set(ylim=(low[1] - margin[1], high[1] + margin[1]))
    panel.set_box_aspect(1)
    name_classes(panel, plane, test.labels, test.name_of)


def _overlaps(shown: list[tuple[pd.Series, Array]], test: TestSet) -> list[str]:
    """Say for each run how often the nearest codes are of the same class, and which classes mix."""
    if not test.has_classes:
        return [NO_CLASSES]
    parts = []
    for run, codes in shown:
        accuracy, pair = neighbours(codes[:MAX_CODES], test.labels[:MAX_CODES])
        mixed = f", {' and '.join(map(test.name_of, pair))} mixed most" if pair else ""
        parts.append(f"{run['entry']} (d = {codes.shape[1]}) {accuracy:.2f}{mixed}")
    return [
        f"Share of test codes that the majority of their {NEIGHBOURS} nearest codes names rightly: "
        f"{'; '.join(parts)}."
    ]
