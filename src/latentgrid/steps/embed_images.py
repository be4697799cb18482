"""The step that projects the test images themselves to the plane, without any model."""

from typing import Annotated

import numpy as np
import typer

from latentgrid.evaluation import planes
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import load_test_set

METHODS = {"pca": planes.pca, "umap": planes.umap, "tsne": planes.tsne}


def main(dataset: Annotated[str, typer.Option()]) -> None:
    """Write the first test images as points (n, 2), float32, by `pca`, `umap` and `tsne`."""
    layout = Layout(dataset)
    images = load_test_set(layout.images).first(planes.IMAGES).images
    pixels = images.reshape(len(images), -1) / np.float32(255)
    found = {name: method(pixels) for name, method in METHODS.items()}
    planes.write(layout, "embedded_images", found)


if __name__ == "__main__":
    run_step(main)
