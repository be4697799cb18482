"""The first test images and what the best run of each model makes of them."""

import pandas as pd

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows

TITLE = "Reconstructions"
SECTION = "What is lost"
PLACE = 1
CAPTION = (
    "The first test images as the best run of each model gives them back; above a model that "
    "removes damage, the images it was given. Look for what is lost: thin strokes and rare "
    "shapes go first when the code is short. The codes differ in length, and models that remove "
    "damage were given less, so that the errors below rank no models by themselves."
)
CLAIM = (
    "Source 002 (section 4.2, figure 4.1) finds reconstructions by an autoencoder and a "
    "variational autoencoder very much alike."
)
CLAIM_ON = ("ae", "vae_bce")
NEEDS = ("reconstruct",)
SHOWN = 16


def draw(results: Results) -> Drawing:
    """Draw the test images, then a row for each model's reconstructions of them.

    Before a model that removes damage comes a row with the damaged images.
    """
    rows = [Row("test images", [results.test.images[:SHOWN]])]
    for run, images in results.with_snapshot("reconstructions", results.best(results.runs)):
        corrupted = results.trained(run["run"]).last("corrupted")
        if corrupted is not None:
            rows.append(Row(f"given to {run['entry']}", [corrupted[:SHOWN]]))
        rows.append(Row(results.label(run), [images[:SHOWN]]))
    if len(rows) == 1:
        return nothing("No run that reconstructs images has finished.")
    return Drawing(draw_rows(rows), _errors(results))


def _errors(results: Results) -> list[str]:
    """Give the error of each entry's best run, from smallest to largest."""
    best = pd.DataFrame(results.best(results.runs)).dropna(subset=["test_squared_error"])
    ranked = best.sort_values("test_squared_error")
    errors = [f"{run.entry} {run.test_squared_error:.3g}" for run in ranked.itertuples()]
    return [
        f"Squared error of a test image, summed over its pixels, on average: {', '.join(errors)}."
    ]
