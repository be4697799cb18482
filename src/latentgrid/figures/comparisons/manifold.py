"""The images along a two-dimensional latent space (source 000, figure 6.2; source 003)."""

from matplotlib.figure import Figure

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import WIDTH, setting_label, show_images


def draw(material: Material) -> Figure:
    """Draw each model's best two-dimensional run, decoded at Φ⁻¹ of a regular grid."""
    sheets = material.with_snapshot("manifold", material.best_of_two_dimensions())
    if not sheets:
        return nothing("No run with two latent dimensions has finished.")
    figure = Figure(figsize=(WIDTH, WIDTH / len(sheets) + 0.6))
    panels = figure.subplots(1, len(sheets), squeeze=False)[0]
    for panel, (run, manifold) in zip(panels, sheets, strict=True):
        show_images(panel, manifold, columns=round(len(manifold) ** 0.5))
        panel.set_title(f"{run['entry']}\n{setting_label(run, material.axes)}")
        panel.set_xlabel("quantile of $z_1$ →")
    panels[0].set_ylabel("quantile of $z_2$ →")
    return figure
