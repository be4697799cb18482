"""The components of PCA beside the weights of a linear autoencoder (source 001)."""

import numpy as np
import pandas as pd

from latentgrid.evaluation.subspaces import angles_to, projected
from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.grid import catalogue
from latentgrid.results.trained import Array

TITLE = "A linear autoencoder is PCA"
SECTION = "What is lost"
PLACE = 6
CAPTION = (
    "Directions in the space of images; grey is 0, darker and lighter pixels are of opposite "
    "sign. First the leading components of PCA, then the weights of a linear autoencoder that was "
    "trained by gradient steps: other images, in no order. Then the point of the autoencoder's "
    "subspace that is nearest to each component, and the angle between the two: where it is near "
    "0°, the component lies in the subspace, and both are the same projection written in other "
    "coordinates. Look for angles that are not small: those components are not learnt yet."
)
CLAIM = (
    'Source 001 ("Autocodificadores") says that an autoencoder whose encoder and decoder are '
    "linear results in PCA; it shows no picture of it."
)
NEEDS = ("project",)
SHOWN = 8


def draw(results: Results) -> Drawing:
    """Draw components, weights and nearest points for each linear entry that was trained."""
    runs = results.runs
    closed = runs["model"].map(catalogue.is_closed_form).astype(bool)
    rows, seen = [], []
    for trained in results.best(runs[~closed]):
        same = runs[closed & (runs["latent_dim"] == trained["latent_dim"])]
        if len(same):
            reference = same.iloc[0]
            of_entry, said = _compared(results, reference, trained)
            rows += of_entry
            seen.append(said)
    if not rows:
        return nothing("No trained linear model has the latent dimension of a run of PCA.")
    return Drawing(draw_rows(rows), seen)


def _compared(results: Results, reference: pd.Series, trained: pd.Series) -> tuple[list[Row], str]:
    components, weights = (_components(results, run) for run in (reference, trained))
    shape = results.test.images.shape[1:]
    angles = angles_to(components, weights)
    largest = significant(float(angles.max()))
    first = components[:SHOWN]
    named = f"{reference['entry']}, d = {reference['latent_dim']:g}"
    rows = [
        Row(f"{named}:\ncomponents", [_as_images(first, shape)]),
        Row(f"{trained['entry']}:\nweights", [_as_images(weights[:SHOWN], shape)]),
        Row(
            f"{trained['entry']}:\nnearest to components",
            [_as_images(projected(first, weights), shape)],
            note=f"up to {largest}°",
        ),
    ]
    errors = [float(run["test_squared_error"]) for run in (reference, trained)]
    each = ", ".join(f"{significant(float(angle))}°" for angle in angles)
    return rows, (
        f"Angles between the {len(angles)} components of {reference['entry']} and the subspace of "
        f"{trained['entry']}: {each}. Squared error per test image: {errors[0]:.2f} and "
        f"{errors[1]:.2f}."
    )


def _components(results: Results, run: pd.Series) -> Array:
    """Return the rows that span a run's subspace, (d, c·h·w), float64."""
    model = results.loaded(run).model
    components: Array = model.state_dict()["components"].numpy().astype(float)
    return components


def _as_images(vectors: Array, shape: tuple[int, ...]) -> Array:
    """Map vectors (n, c·h·w) to uint8 images with 0 in the middle, each to its own largest."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    images: Array = (127.5 + 127.5 * vectors / largest).round().astype(np.uint8)
    return images.reshape(-1, *shape)
