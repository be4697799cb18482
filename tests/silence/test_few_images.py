"""Three test images, two classes of 26 among them: everything that can be drawn of them is."""

import numpy as np
import pytest
from safetensors.torch import load_file

from latentgrid.contracts import sample
from latentgrid.evaluation import planes
from latentgrid.figures.style import scatter_by_class
from latentgrid.grid import catalogue
from latentgrid.results.tables import read_runs
from latentgrid.steps import interactive as interactive_step

LAYOUT = sample.LAYOUT


@pytest.fixture(autouse=True)
def _results():
    """Stand where the steps of the workflow left small results."""
    with sample.results():
        yield


def test_every_run_has_ended():
    runs = read_runs(LAYOUT)
    assert set(runs["status"]) == {"finished"}
    assert runs["test_accuracy"].dropna().between(0, 1).all()
    judged = runs.set_index("entry")["sample_classes"].dropna()
    assert set(judged.index) >= {"gan", "cond_gan", "vae_bce"}
    assert judged.between(1, 26).all()


def test_every_run_has_its_picture_and_the_report_its_plots():
    assert all(run.overview.exists() for run in map(LAYOUT.run, read_runs(LAYOUT)["run"]))
    interactive_step.main("digits", sample.entries_that_can(catalogue.figure("latent").needs))
    assert LAYOUT.interactive.exists()


def test_the_images_lie_in_the_plane_as_far_apart_as_they_are():
    pixels = sample.letters().test_images.flatten(1).double().numpy() / 255
    expected = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    for plane in load_file(LAYOUT.tensors("embedded_images")).values():
        found = np.linalg.norm(plane[:, None] - plane[None], axis=2)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "points", "dimensions"),
    [
        (planes.pca, 2, 5),
        (planes.pca, 4, 1),
        (planes.tsne, 2, 5),
        (planes.tsne, 3, 1),
        (planes.tsne, 4, 1),
        (planes.umap, 2, 5),
        (planes.umap, 3, 1),
    ],
)
def test_few_points_have_a_place_in_the_plane(method, points, dimensions):
    draws = np.random.default_rng(0).random((points, dimensions), np.float32)
    assert method(draws).shape == (points, 2)
    assert np.isfinite(method(draws)).all()


def test_no_two_of_80_classes_look_alike():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    scatter_by_class(axes, np.zeros((80, 2)), np.arange(80))
    looks = [
        (dots.get_paths()[0].vertices.tobytes(), tuple(colour))
        for dots in axes.collections
        for colour in dots.get_facecolor()
    ]
    assert len(looks) == len(set(looks)) == 80
