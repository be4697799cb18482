"""Images drawn from a Gaussian fitted to the codes of an autoencoder (source 003, "Generación")."""

from latentgrid.evaluation.distances import MEASURED, REAL, distance_to_nearest
from latentgrid.evaluation.fitted import fitted
from latentgrid.figures.drawing import Drawing, listed, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.style import labelled_panels, show_images

TITLE = "A Gaussian fitted to the codes"
SECTION = "What is drawn"
PLACE = 8
CAPTION = (
    "Samples of autoencoders that have no prior: a Gaussian with the mean and covariance of the "
    "codes of the first 10,000 training images is drawn from, and the draws decoded; for each "
    "entry its two largest latent dimensions, each by its best run, and equal draws for equal "
    "dimensions. Below each panel, the squared difference per pixel, pixels in [0, 1], to the "
    "nearest test image, averaged over 500 images. Look for shapes that mix several classes: "
    "the Gaussian has mass where no image is encoded."
)
CLAIM = (
    'Source 003 ("Generación") shows samples at d = 16 and d = 32 and calls them bad, because '
    "the chosen distribution is too simple for how the codes lie."
)
CLAIM_ON = ("conv_ae",)
NEEDS = ("encode", "decode")
COLUMNS = 8
SHOWN = 40
DIMENSIONS = 2  # of each entry, so many of its largest dimensions are shown


def draw(results: Results) -> Drawing:
    """Draw training images, then images decoded from N(μ, Σ) for each model that cannot sample.

    N(μ, Σ) is fitted to the codes of the first training images.
    """
    runs = [
        run
        for of_entry in results.without("corrupt").without("sample").by_dimension().values()
        for run in of_entry[-DIMENSIONS:]
    ]
    if not runs:
        return nothing("No autoencoder without a prior of its own has finished.")
    training, test = results.training_images(REAL), results.test.images
    labels = [f"{run['entry']}, d = {run['latent_dim']:g}" for run in runs]
    figure, places = labelled_panels(["training images", *labels], aspect=SHOWN / COLUMNS**2)
    floor = distance_to_nearest(training[:MEASURED], test)
    show_images(places[0], training[:SHOWN], COLUMNS)
    places[0].set_xlabel(f"distance {significant(floor)}")
    drawn, decoded = [], []
    for panel, run in zip(places[1:], runs, strict=True):
        model = results.loaded(run)
        codes = model.encode(training)
        draws = results.normal_draws("fitted Gaussian", MEASURED, codes.shape[1])
        images = model.decode(fitted(codes, draws))
        name = f"{run['entry']} (d = {codes.shape[1]})"
        drawn.append((name, distance_to_nearest(images, test)))
        decoded.append((name, distance_to_nearest(model.decode(codes[:MEASURED]), test)))
        show_images(panel, images[:SHOWN], COLUMNS)
        panel.set_xlabel(f"distance {significant(drawn[-1][1])}")
    return Drawing(
        figure,
        [
            "Mean squared difference per pixel between an image and the nearest test image, for "
            f"images decoded from the fitted Gaussian: {listed(drawn)}; for those decoded from "
            f"codes of training images: {listed(decoded)}; for training images: "
            f"{significant(floor)}."
        ],
    )
