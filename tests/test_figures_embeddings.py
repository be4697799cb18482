"""Points in the plane found by PCA, UMAP and t-SNE, and silhouettes code by code."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from latentgrid.evaluation import planes as lay_out
from latentgrid.evaluation.measures.silhouette import of_each, silhouette
from latentgrid.figures.comparisons import embeddings, silhouette_profiles, tsne
from latentgrid.figures.results import Results
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.steps import embed_codes, embed_images
from legible import complaints
from tiny import seal

LABELS = np.repeat(np.arange(3, dtype=np.uint8), 10)


def clusters(dimensions, spread=0.1):
    draws = np.random.default_rng(0).normal(size=(len(LABELS), dimensions)) * spread
    return (draws + 5 * LABELS[:, None]).astype(np.float32)


@pytest.fixture
def layout(tmp_path, monkeypatch):
    """Three finished runs on 30 images of three classes: of 2, of 4 and of 4 dimensions."""
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    images = np.random.default_rng(1).integers(0, 255, (len(LABELS), 1, 4, 4), np.uint8)
    layout.data.mkdir(parents=True)
    save_file({"test_images": images, "test_labels": LABELS}, layout.images)
    rows = []
    for entry, dimension, loss in (("plane", 2, 1.0), ("ae", 4, 2.0), ("ae", 5, 3.0)):
        name = f"{entry}/latent_dim={dimension}"
        row = {"run": name, "entry": entry, "model": "ae", "latent_dim": dimension}
        rows.append(row | {"status": "finished", "reason": "", "min_train_loss": loss})
        files = layout.run(name)
        write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 3})
        save_file({"3/codes": clusters(dimension)}, files.snapshots)
        seal(files)
    layout.tables.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(layout.tables / "runs.csv")
    write_json(
        layout.plan,
        [{"name": r["run"], "entry": r["entry"], "axes": {"latent_dim": 0}} for r in rows],
    )
    return layout


def test_few_images_and_the_best_codes_of_more_than_two_dimensions_are_embedded(layout):
    embed_images.main("digits")
    embed_codes.main("digits", ["plane", "ae"])
    images, codes = (load_file(layout.tensors(f"embedded_{what}")) for what in ("images", "codes"))
    assert set(images) == {"pca", "umap", "tsne"}
    assert set(codes) == {"ae/latent_dim=4"}
    planes = images | codes
    assert {plane.shape for plane in planes.values()} == {(len(LABELS), 2)}
    assert all(np.isfinite(plane).all() for plane in planes.values())
    # Clusters that lie far apart are told apart in the plane too.
    assert silhouette(planes["ae/latent_dim=4"], LABELS)["silhouette"] > 0.5
    drawn = tsne.draw(Results(layout, ("plane", "ae")))
    assert not complaints(drawn.figure)
    assert [len(panel.collections) for panel in drawn.figure.axes] == [1]
    assert "ae 1.00" in drawn.seen[0]
    assert len(embeddings.draw(Results(layout, ())).figure.axes) == 3
    assert tsne.draw(Results(layout, ("plane",))).missing


def test_embeddings_are_the_same_each_time():
    points = clusters(6)
    np.testing.assert_array_equal(lay_out.tsne(points), lay_out.tsne(points))
    np.testing.assert_array_equal(lay_out.umap(points), lay_out.umap(points))


def test_codes_that_are_all_the_same_are_embedded_too():
    assert np.isfinite(lay_out.tsne(np.ones((30, 4), np.float32))).all()


def test_each_code_has_its_silhouette():
    codes = np.array([[0.0], [1.0], [4.0], [5.0]])
    values = of_each(codes, np.array([0, 0, 1, 1]))
    # a = 1 for all; b = 4.5, 3.5, 3.5, 4.5.
    np.testing.assert_allclose(values, [1 - 1 / 4.5, 1 - 1 / 3.5, 1 - 1 / 3.5, 1 - 1 / 4.5])
    assert of_each(codes, np.zeros(4)) is None


def test_a_profile_has_a_band_for_each_class_on_an_axis_that_all_share(layout):
    drawn = silhouette_profiles.draw(Results(layout, ("plane", "ae")))
    assert not complaints(drawn.figure)
    assert [len(panel.collections) for panel in drawn.figure.axes] == [3, 3]
    (low, high), other = (panel.get_xlim() for panel in drawn.figure.axes)
    assert (low, high) == other
    assert (low, high) == (-1.0, 1.0)
    assert "plane 0 %" in drawn.seen[0]
