"""Images decoded from the prior by the best run of each model (source 000, figure 6.4)."""

from matplotlib.figure import Figure

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import WIDTH, setting_label, show_images

COLUMNS = 8


def draw(material: Material) -> Figure:
    """Draw a sheet of samples for each model, from the same draws where the codes are as long."""
    sheets = material.with_snapshot("samples", material.best(material.runs))
    if not sheets:
        return nothing("No run that can draw samples has finished.")
    figure = Figure(figsize=(WIDTH, WIDTH / len(sheets) + 0.45))
    panels = figure.subplots(1, len(sheets), squeeze=False)[0]
    for panel, (run, samples) in zip(panels, sheets, strict=True):
        show_images(panel, samples, COLUMNS)
        panel.set_title(f"{run['entry']}\n{setting_label(run, material.axes)}")
    return figure
