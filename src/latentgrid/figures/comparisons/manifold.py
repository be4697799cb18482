"""The images along a two-dimensional latent space (source 000, figure 6.2; source 003)."""

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import label_outer, labelled_panels, show_images

TITLE = "Manifold"
SECTION = "What is drawn"
PLACE = 4
CAPTION = (
    "Images decoded along a two-dimensional latent space, at the quantiles of the prior, so "
    "that each image stands for an equal share of the prior's mass. Look for classes that pass "
    "into one another and for blurred regions between them."
)
CLAIM = (
    "Source 000 (section 6.8.1, figure 6.2) sees blurred images in the middle, mixtures of two "
    "digits, and lays them to the overlaps in latent space. It describes these quantiles; its "
    "code steps evenly from −4 to 4, as the figure of even steps does."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ("quantile", "decode")


def draw(results: Results) -> Drawing:
    """Draw what each model's best two-dimensional run decodes at Φ⁻¹ of a regular grid."""
    sheets = results.with_snapshot("manifold", results.best_of_two_dimensions())
    if not sheets:
        return nothing("No run with two latent dimensions has finished.")
    figure, places = labelled_panels([results.label(run) for run, _ in sheets])
    for panel, (_, manifold) in zip(places, sheets, strict=True):
        show_images(panel, manifold, columns=round(len(manifold) ** 0.5))
        panel.set_xlabel("quantile of $z_1$ →")
        panel.set_ylabel("quantile of $z_2$ →")
    label_outer(places)
    return Drawing(figure)
