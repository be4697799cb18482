"""The embedding step: test images, and codes of more than two dimensions, in the plane."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import typer
from safetensors.numpy import save_file
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from latentgrid.evaluation.tables import best_runs, read_runs
from latentgrid.evaluation.trained import Array, TrainedRun, load_test_set
from latentgrid.files import save
from latentgrid.paths import Layout
from latentgrid.step import run_step

IMAGES = 2000
SEED = 0
PERPLEXITY = 30
NEIGHBOURS = 15
PLANE = 2


def main(
    dataset: Annotated[str, typer.Option()],
    entries: Annotated[list[str] | None, typer.Argument(help="entries to embed")] = None,
) -> None:
    """Write the first test images and their codes as points (n, 2), float32.

    `images/pca`, `images/umap` and `images/tsne` are of the pixels; `codes/<run>` is the t-SNE of
    the codes of an entry's best run with more than two dimensions.
    """
    layout = Layout(dataset)
    images = load_test_set(layout.images).first(IMAGES).images
    pixels = images.reshape(len(images), -1) / np.float32(255)
    planes = {
        "images/pca": PCA(PLANE, svd_solver="full").fit_transform(pixels),
        "images/umap": umap(pixels),
        "images/tsne": tsne(pixels),
    }
    for run, codes in _codes(layout, entries or []):
        planes[f"codes/{run}"] = tsne(codes[:IMAGES])
        print(run, flush=True)
    tensors = {name: np.ascontiguousarray(plane, np.float32) for name, plane in planes.items()}
    save(layout.tensors("embeddings"), lambda part: save_file(tensors, part))


def tsne(points: Array) -> Array:
    """Return points (n, d) in the plane by t-SNE (van der Maaten and Hinton 2008), (n, 2).

    The perplexity is 30, or less where there are fewer than 91 points.
    """
    same = bool((points == points[0]).all())  # no principal components to start from
    embedding = TSNE(
        perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
        init="random" if same else "pca",
        random_state=SEED,
    )
    plane: Array = embedding.fit_transform(points)
    return plane


def umap(points: Array) -> Array:
    """Return points (n, d) in the plane by UMAP (McInnes, Healy and Melville 2018), (n, 2)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one thread is what a fixed seed asks for
        from umap import UMAP

        embedding = UMAP(n_neighbors=min(NEIGHBOURS, len(points) - 1), random_state=SEED, n_jobs=1)
        plane: Array = embedding.fit_transform(points)
    return plane


def _codes(layout: Layout, entries: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """Yield the name and the test codes of each entry's best run with more than two dimensions."""
    if not entries:
        return
    runs = read_runs(layout)
    runs = runs[(runs["status"] == "finished") & runs["entry"].isin(entries)]
    if "latent_dim" in runs:
        runs = runs[~(runs["latent_dim"] <= PLANE)]
    for run in best_runs(runs):
        codes = TrainedRun(layout.run(run["run"])).last("codes")
        if codes is not None and codes.shape[1] > PLANE:
            yield run["run"], codes


if __name__ == "__main__":
    run_step(main)
