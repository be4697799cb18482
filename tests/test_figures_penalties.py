"""Slopes and subspaces by hand, and the figures of penalised and of linear autoencoders."""

import numpy as np
import pytest
import torch

from latentgrid.data import Images
from latentgrid.evaluation.slopes import jacobian_norms
from latentgrid.evaluation.subspaces import angles_to, projected
from latentgrid.figures.comparisons import linear_subspace, penalties
from latentgrid.figures.drawing import Drawing
from latentgrid.randomness import random_generator
from legible import complaints
from networks import build
from tiny import a_run, tiny_results


def images_like(shape, n=40):
    pixels = torch.rand(n, *shape, generator=random_generator(0, "images"))
    labels = (torch.arange(n) % 3).to(torch.uint8)
    images = (pixels * 255).to(torch.uint8)
    return Images(images, labels, images[:20].clone(), labels[:20].clone())


def test_the_slope_of_a_dense_encoder_is_its_contraction():
    model = build("contractive_ae", 3, (1, 5, 4), hidden=7)
    images = torch.rand(6, 1, 5, 4, generator=random_generator(0, "images"))
    torch.testing.assert_close(jacobian_norms(model, images).square(), model.contraction(images))


def test_the_slope_of_a_linear_encoder_is_the_norm_of_its_weights():
    model = build("linear_ae", 3, (1, 4, 4))
    slopes = jacobian_norms(model, torch.rand(5, 1, 4, 4, generator=random_generator(0, "i")))
    torch.testing.assert_close(slopes, torch.full((5,), model.components.norm().item()))


def test_angles_to_a_plane():
    plane = np.array([[1.0, 0, 0], [1, 1, 0]])  # x and y, by vectors that are not orthogonal
    vectors = np.array([[3.0, -2, 0], [0, 0, 5], [1, 0, 1], [1, 0, 1e-9]])
    expected = [0, 90, 45, np.degrees(1e-9)]
    assert angles_to(vectors, plane) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    np.testing.assert_allclose(projected(vectors, plane), vectors * [1, 1, 0], atol=1e-12)


def saw(drawing: Drawing):
    assert not drawing.missing
    assert not complaints(drawing.figure)
    return drawing.seen


def test_a_linear_autoencoder_is_set_beside_pca_of_its_own_dimension(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [
        a_run("pca", latent_dim=2),
        a_run("pca", latent_dim=3),
        a_run("linear_ae", latent_dim=3),
    ]
    results = tiny_results(images_like((1, 8, 8)), runs)
    drawing = linear_subspace.draw(results)
    (seen,) = saw(drawing)
    assert seen.startswith("Angles between the 3 components of pca and the subspace of linear_ae")
    components = [results.loaded(run).model.components for _, run in results.runs.iterrows()]
    pca, weights = (of.detach().double().numpy() for of in components[1:])
    assert f"{angles_to(pca, weights)[0]:.0f}°" in seen
    assert len(drawing.figure.axes) == 3


def test_without_pca_of_its_dimension_there_is_nothing_to_compare(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [a_run("pca", latent_dim=2), a_run("linear_ae", latent_dim=3)]
    assert linear_subspace.draw(tiny_results(images_like((1, 8, 8)), runs)).missing


def test_penalised_codes_stand_beside_plain_ones_of_their_dimension(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [
        a_run("ae", latent_dim=3, hidden=5),
        a_run("ae", latent_dim=2, hidden=5),
        *(a_run("sparse_ae", latent_dim=3, hidden=5, penalty=p) for p in (0.1, 1.0)),
        a_run("contractive_ae", latent_dim=3, hidden=5),
    ]
    drawing = penalties.draw(tiny_results(images_like((1, 8, 8)), runs))
    near = saw(drawing)[0]
    for label in ("ae, d = 3", "sparse_ae, λ = 0.1, d = 3", "sparse_ae, λ = 1, d = 3"):
        assert label in near
    assert "d = 2" not in near
    assert "normal distribution 8 %" in near


def test_without_a_penalty_there_is_nothing_to_see(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = tiny_results(images_like((1, 8, 8)), [a_run("ae", latent_dim=3, hidden=5)])
    assert penalties.draw(results).missing
