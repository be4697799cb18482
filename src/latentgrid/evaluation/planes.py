"""Projections of points with many dimensions to the plane."""

import warnings
from collections.abc import Mapping

import numpy as np
from safetensors.numpy import save_file
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from latentgrid.files.atomic import save
from latentgrid.files.layout import Layout
from latentgrid.results.trained import Array

IMAGES = 2000
SEED = 0
PERPLEXITY = 30
NEIGHBOURS = 15
PLANE = 2
IN_A_PLANE = 3  # so many points lie in a plane, whatever their dimension


def pca(points: Array) -> Array:
    """Return points (n, d) in the plane of their first two principal components, (n, 2).

    For points with one dimension the second coordinate is 0.
    """
    found = PCA(min(PLANE, points.shape[1]), svd_solver="full").fit_transform(points)
    plane: Array = np.pad(found, ((0, 0), (0, PLANE - found.shape[1])))
    return plane


def tsne(points: Array) -> Array:
    """Return points (n, d) in the plane by t-SNE (van der Maaten and Hinton 2008), (n, 2).

    The perplexity is 30, or less for fewer than 91 points. Up to three points lie in a plane
    already and are centred and rotated (`pca`).
    """
    if len(points) <= IN_A_PLANE:
        return pca(points)
    # These have no principal components to start from.
    same = bool((points == points[0]).all()) or points.shape[1] < PLANE
    embedding = TSNE(
        perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
        init="random" if same else "pca",
        random_state=SEED,
    )
    plane: Array = embedding.fit_transform(points)
    return plane


def umap(points: Array) -> Array:
    """Return points (n, d) in the plane by UMAP (McInnes, Healy and Melville 2018), (n, 2).

    Up to three points lie in a plane already and are centred and rotated (`pca`).
    """
    if len(points) <= IN_A_PLANE:
        return pca(points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # UMAP warns that a fixed seed means one thread
        from umap import UMAP

        embedding = UMAP(n_neighbors=min(NEIGHBOURS, len(points) - 1), random_state=SEED, n_jobs=1)
        plane: Array = embedding.fit_transform(points)
    return plane


def write(layout: Layout, name: str, planes: Mapping[str, Array]) -> None:
    """Write points (n, 2) by their names, float32."""
    tensors = {key: np.ascontiguousarray(plane, np.float32) for key, plane in planes.items()}
    save(layout.tensors(name), lambda part: save_file(tensors, part))
