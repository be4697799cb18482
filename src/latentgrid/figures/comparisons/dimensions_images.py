"""Test images and their reconstructions at each latent dimension (source 003)."""

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows

TITLE = "Reconstructions over the latent dimension"
SECTION = "What is lost"
PLACE = 3
CAPTION = (
    "The first test images, then what the models with two or more latent dimensions make of "
    "them, dimension by dimension, PCA first. Look for images that are taken for another class "
    "when the code is short, and for the dimension from which on they are not."
)
CLAIM = (
    'Source 003 ("Deep Auto-encoders") says that deep networks give better results than linear '
    "projections, and shows the reconstructions of PCA and of a convolutional autoencoder at d "
    "= 2, 4, 8, 16 and 32."
)
CLAIM_ON = ("pca", "conv_ae")
NEEDS = ("encode", "decode")
SHOWN = 16


def draw(results: Results) -> Drawing:
    """Draw the first test images, then for each latent dimension a row per model, PCA first.

    Entries with two or more latent dimensions are shown, each by its best run with each of them.
    """
    runs = [
        run
        for runs in results.without("corrupt").by_dimension().values()
        if len(runs) > 1
        for run in runs
    ]
    if not runs:
        return nothing("No model that encodes and decodes has two or more latent dimensions.")
    runs.sort(key=lambda run: (run["latent_dim"], run["model"] != "pca"))
    images = results.test.images[:SHOWN]
    rows = [Row("test images", [images])]
    for run in runs:
        again = results.loaded(run).reconstruct(images)
        rows.append(Row(f"{results.name(run)}, d = {run['latent_dim']:g}", [again]))
    return Drawing(draw_rows(rows))
