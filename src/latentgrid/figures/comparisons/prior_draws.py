"""The same draws of N(0, I) decoded by every model (source 002, figures 4.3 and 4.4)."""

from latentgrid.evaluation.distances import MEASURED, distance_to_nearest
from latentgrid.figures.drawing import Drawing, listed, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows

TITLE = "The same draws decoded"
SECTION = "What is drawn"
PLACE = 2
CAPTION = (
    "The same draws of N(0, I) decoded by the best run of each model with the latent dimension "
    "that most models share; above them, training images. On the right, how far such images are "
    "from real ones: the squared difference per pixel, pixels in [0, 1], to the nearest test "
    "image, averaged over 500 images. Look for rows whose images resemble nothing: their codes "
    "do not lie where the prior puts its mass. A blurred image is near many others, so a small "
    "distance alone does not make an image good. The mixture model and the plain autoencoders "
    "were not trained for this prior."
)
CLAIM = (
    "Source 002 (figures 4.3 and 4.4) compares an autoencoder with a variational autoencoder, "
    "and that with a convolutional one, on draws that differed from model to model, which it "
    "names as a limitation (section 5.2). It found that only the variational autoencoder "
    "decodes such draws to plausible images, of disappointing quality, and that the "
    "convolutional one improves them clearly."
)
CLAIM_ON = ("ae", "vae_bce", "conv5_vae")
NEEDS = ("encode", "decode")
SHOWN = 16


def draw(results: Results) -> Drawing:
    """Draw real images, then what each model with the common latent dimension decodes.

    The number beside each row is the mean distance of such images to the nearest test image.
    """
    dimension, runs = results.without("corrupt").of_common_dimension()
    if not runs:
        return nothing("No run that encodes and decodes undamaged images has finished.")
    draws = results.normal_draws("prior", MEASURED, dimension)
    images = {"training images": results.training_images(MEASURED)}
    images |= {str(run["entry"]): results.loaded(run).decode(draws) for run in runs}
    labels = ["training images", *map(results.name, runs)]
    test = results.test.images
    away = {entry: distance_to_nearest(shown, test) for entry, shown in images.items()}
    rows = [
        Row(label, [shown[:SHOWN]], significant(away[entry]))
        for label, (entry, shown) in zip(labels, images.items(), strict=True)
    ]
    figure = draw_rows(rows, [f"d = {dimension}"], notes="distance")
    missed = ((entry, distance_to_nearest(test, shown)) for entry, shown in images.items())
    return Drawing(
        figure,
        [
            "Mean squared difference per pixel between an image and the nearest test image: "
            f"{listed(away.items())}.",
            f"Between a test image and the nearest of {len(draws)} such images: {listed(missed)}.",
        ],
    )
