"""Where the test images lie in latent space, by class (source 000, figure 6.3)."""

from matplotlib.figure import Figure

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import (
    WIDTH,
    class_legend,
    scatter_by_class,
    setting_label,
    two_dimensions,
)


def draw(material: Material) -> Figure:
    """Draw the test codes of each model's best two-dimensional run, and of its best run of all.

    Codes of more dimensions are shown by their first two principal components. All panels of a
    row have the same scale.
    """
    rows = [
        material.with_snapshot("codes", material.best_of_two_dimensions()),
        material.with_snapshot("codes", material.best(material.runs)),
    ]
    columns = max(map(len, rows))
    if not columns:
        return nothing("No run that encodes images has finished.")
    figure = Figure(figsize=(WIDTH, 2 * (WIDTH - 0.6) / columns + 0.8))
    grid = figure.subplots(2, columns, squeeze=False, sharex="row", sharey="row")
    for panels, runs in zip(grid, rows, strict=True):
        for panel in panels[len(runs) :]:
            panel.set_visible(False)
        for panel, (run, codes) in zip(panels, runs, strict=False):
            projected = codes.shape[1] > 2  # noqa: PLR2004
            scatter_by_class(panel, two_dimensions(codes), material.test.labels)
            panel.set_title(f"{run['entry']}\n{setting_label(run, material.axes)}")
            panel.set_xlabel("principal component 1" if projected else "$z_1$")
            panel.set_box_aspect(1)
        panels[0].set_ylabel("principal component 2" if len(runs) and projected else "$z_2$")
    class_legend(figure, material.test.labels, "digit")
    return figure
