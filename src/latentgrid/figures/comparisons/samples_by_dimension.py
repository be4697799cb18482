"""Samples at each latent dimension (source 003; Kingma and Welling 2014, figure 5)."""

from scipy.stats import norm

from latentgrid.evaluation.distances import MEASURED, distance_to_nearest
from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.style import folded, panels, show_images

TITLE = "Samples over the latent dimension"
SECTION = "What is drawn"
PLACE = 3
CAPTION = (
    "Samples at each latent dimension of the models with two or more, each by its best run; "
    "models with the same dimension decode the same draws of their priors. Below each panel, "
    "the squared difference per pixel, pixels in [0, 1], to the nearest test image, averaged "
    "over 500 samples. Look for blurred but likely images at few dimensions, and sharper but "
    "stranger ones at many."
)
CLAIM = (
    "Source 003 shows figure 5 of Kingma and Welling (2014), samples at d = 2, 5, 10 and 20, "
    "and claims nothing about it."
)
CLAIM_ON = ("vae_bce",)
NEEDS = ("decode", "quantile")
COLUMNS = 8
SHOWN = 64
BESIDE = 4  # panels in a row, at most
WIDEST = 20  # characters above a panel, at most


def draw(results: Results) -> Drawing:
    """Draw a panel for each latent dimension of each entry that has two or more of them.

    Entries with the same dimension decode the same draws of their priors.
    """
    compared = {entry: runs for entry, runs in results.by_dimension().items() if len(runs) > 1}
    if not compared:
        return nothing("No model that draws samples has two or more latent dimensions.")
    shown = [run for runs in compared.values() for run in runs]
    beside = min(BESIDE, max(map(len, compared.values())))
    figure, places = panels(len(shown), title_lines=2, columns=beside)
    away: dict[str, list[str]] = {entry: [] for entry in compared}
    for panel, run in zip(places, shown, strict=True):
        dimension = int(run["latent_dim"])
        model = results.loaded(run)
        draws = results.normal_draws("prior", MEASURED, dimension)
        images = model.decode(model.quantile(norm.cdf(draws)))
        distance = significant(distance_to_nearest(images, results.test.images))
        away[run["entry"]].append(f"{distance} at d = {dimension}")
        show_images(panel, images[:SHOWN], COLUMNS)
        panel.set_title(folded(f"{run['entry']}, d = {dimension}", WIDEST))
        panel.set_xlabel(f"distance {distance}")
    floor = distance_to_nearest(results.training_images(MEASURED), results.test.images)
    parts = "; ".join(f"{entry} {', '.join(of_entry)}" for entry, of_entry in away.items())
    return Drawing(
        figure,
        [
            "Mean squared difference per pixel between a sample and the nearest test image: "
            f"{parts}; training images {significant(floor)}."
        ],
    )
