"""Images drawn by the best run of each model (source 000, figure 6.4)."""

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import panels, show_images

NEEDS = ("sample",)
COLUMNS = 8
MOST = 80


def draw(material: Material) -> Drawing:
    """Draw a sheet of samples for each model, from the same draws where the codes are as long."""
    sheets = material.with_snapshot("samples", material.best(material.runs))
    if not sheets:
        return nothing("No run that can draw samples has finished.")
    figure, places = panels(len(sheets), title_lines=2)
    for panel, (run, samples) in zip(places, sheets, strict=True):
        show_images(panel, samples[:MOST], COLUMNS)
        panel.set_title(material.label(run))
    return Drawing(figure)
