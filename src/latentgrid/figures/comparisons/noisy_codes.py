"""Real codes with controlled noise, decoded (proposed in source 002, section 5.3)."""

import numpy as np

from latentgrid.evaluation.distances import MEASURED, REAL, distance_to_nearest
from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows

TITLE = "Codes with noise"
SECTION = "What is drawn"
PLACE = 6
CAPTION = (
    "Two test images and what each model decodes from their codes with noise added: none, then "
    "a quarter, half, once and twice the standard deviation that each dimension of the model's "
    "own codes has over the test images. The draws are the same for all models and all amounts; "
    "the models are the best runs with the latent dimension that most of them share. Look for "
    "where the class turns into another one, and where into none."
)
CLAIM = (
    "Source 002 (section 5.3) proposes this experiment and expects that codes with noise have "
    "no valid image in the autoencoder, and a distorted one in the variational autoencoder. It "
    "did not run it."
)
CLAIM_ON = ("ae", "vae_bce")
NEEDS = ("encode", "decode")
LEVELS = (0.0, 0.25, 0.5, 1.0, 2.0)
NAMES = ("image", "0", "¼", "½", "1", "2")
IMAGES = 2


def draw(results: Results) -> Drawing:
    """Draw test images of different classes and what each model makes of their codes with noise.

    The noise in each dimension of the codes is in units of that dimension's standard deviation over
    these test images. Its draws are the same for all models and all amounts.
    """
    dimension, runs = results.without("corrupt").of_common_dimension()
    if not runs:
        return nothing("No run that encodes and decodes undamaged images has finished.")
    test = results.test.first(MEASURED)
    of_classes = np.sort(np.unique(test.labels, return_index=True)[1])
    shown = of_classes[:IMAGES] if test.has_classes else np.arange(IMAGES)
    draws = results.normal_draws("noise on codes", len(test.images), dimension)
    real = results.training_images(REAL)
    rows, away = [], []
    for run in runs:
        model = results.loaded(run)
        codes = model.encode(test.images)
        noise = codes.std(axis=0) * draws
        decoded = [model.decode(codes + level * noise) for level in LEVELS]
        strips = [np.stack([images[i] for images in (test.images, *decoded)]) for i in shown]
        rows.append(Row(results.name(run), strips))
        distances = [distance_to_nearest(images, real) for images in (decoded[0], *decoded[-2:])]
        away.append(f"{run['entry']} {', '.join(map(significant, distances))}")
    titles = [f"noise in standard deviations (d = {dimension})", *[""] * (len(shown) - 1)]
    figure = draw_rows(rows, titles, NAMES)
    floor = significant(distance_to_nearest(test.images, real))
    return Drawing(
        figure,
        [
            "Mean squared difference per pixel between a decoded image and the nearest of "
            f"{len(real):,} training images, for noise of 0, 1 and 2 standard deviations: "
            f"{'; '.join(away)}. Between a test image and the nearest of them: {floor}."
        ],
    )
