"""Figures of what is decoded from codes: the same for all models, and drawn for any grid."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from safetensors.torch import load_file, save_file

from latentgrid.evaluation.distances import difference, distance_to_nearest
from latentgrid.figures.comparisons import (
    anomalies,
    class_means,
    codes_and_prior,
    dimensions,
    encoder_decoder_pairs,
    fitted_gaussian,
    interpolation,
    prior_draws,
    traversals,
)
from latentgrid.figures.drawing import NO_CLASSES, listed, significant
from latentgrid.figures.rows import Row, draw_rows
from latentgrid.figures.style import short_name
from latentgrid.grid import catalogue
from legible import complaints
from tiny import LAYOUT, a_run, tiny_results

FIGURES = (
    "prior_draws",
    "class_means",
    "noisy_codes",
    "interpolation",
    "fitted_gaussian",
    "samples_by_dimension",
    "dimensions",
    "dimensions_images",
    "encoder_decoder_pairs",
    "codes_and_prior",
    "traversals",
    "anomalies",
)
PAIR = {"latent_dim": 2, "hidden": 4}
BESIDE = [
    a_run("pca", latent_dim=2),
    a_run("vae_bce", **PAIR),
    a_run("vamp_vae", pseudo_inputs=9, **PAIR),
    a_run("aae", prior="mixture", **PAIR),
]
GRIDS = {
    "one entry": [a_run("ae", latent_dim=3, hidden=4)],
    "one dimension": [a_run("pca", latent_dim=1), a_run("vae_bce", latent_dim=1, hidden=4)],
    "two dimensions": [
        a_run("pca", latent_dim=2),
        a_run("pca", latent_dim=5),
        a_run("vae_bce", latent_dim=2, hidden=4),
        a_run("vae_bce", latent_dim=5, hidden=4),
        a_run("conv5_vae", encoder="conv", decoder="dense", **PAIR),
        a_run("conv5_vae", encoder="dense", decoder="dense", **PAIR),
    ],
    "many entries": [
        a_run("ae", entry=f"entry_of_a_long_name_{i}", latent_dim=d, hidden=4)
        for i in range(8)
        for d in (2, 7)
    ],
    "only damaged images": [a_run("dae", latent_dim=2, hidden=4, corruption="blur")],
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def drawn(name, results):
    """Draw a figure of the entries whose models can do what it needs, as params.yaml does."""
    pairs = results.runs[["entry", "model"]].drop_duplicates().itertuples(index=False)
    able = [e for e, model in pairs if catalogue.figure(name).needs <= catalogue.abilities(model)]
    results = replace(results, entries=tuple(able))
    return importlib.import_module(f"latentgrid.figures.comparisons.{name}").draw(results)


def images_of(figure):
    """Every sheet of images in a figure, in the order in which they were drawn."""
    return [np.asarray(shown.get_array()) for a in figure.axes for shown in a.get_images()]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("colours", [1, 3])
def test_every_figure_is_drawn_or_says_why_not(grid, colours, few_images):
    if colours > 1:
        few_images = replace(
            few_images,
            train_images=few_images.train_images.repeat(1, colours, 1, 1),
            test_images=few_images.test_images.repeat(1, colours, 1, 1),
        )
    results = tiny_results(few_images, GRIDS[grid])
    for name in FIGURES:
        drawing = drawn(name, results)
        assert bool(drawing.missing) != bool(drawing.figure.axes), name
        assert not complaints(drawing.figure), name
        assert not any("nan" in sentence for sentence in drawing.seen), name
    if grid == "two dimensions":
        assert not any(drawn(name, results).missing for name in FIGURES)
    if grid == "only damaged images":
        assert all(drawn(name, results).missing for name in FIGURES)


def test_test_images_of_one_class(few_images):
    one = replace(few_images, test_labels=torch.zeros_like(few_images.test_labels))
    results = tiny_results(one, GRIDS["two dimensions"])
    for name in ("class_means", "silhouette_profiles", "silhouettes"):
        assert drawn(name, results).missing == NO_CLASSES
    assert not drawn("noisy_codes", results).missing
    said = interpolation.draw(results).seen[0]
    assert "15 pairs of test images, the image decoded halfway" in said


@pytest.mark.parametrize(
    "names",
    [
        ("T-shirt/top", "A class with a name that is very long", "Bag"),
        tuple(f"kind {number}" for number in range(26)),
    ],
)
def test_classes_bear_their_names_whatever_their_number(names, few_images):
    labels = torch.arange(30) % len(names)
    few = replace(few_images, test_labels=labels.to(torch.uint8))
    results = tiny_results(few, BESIDE)
    save_file(load_file(LAYOUT.images), LAYOUT.images, {"class names": json.dumps(names)})
    for name in ("class_means", "codes_and_prior", "interpolation", "traversals", "noisy_codes"):
        drawing = drawn(name, results)
        assert not complaints(drawing.figure), name
        texts = {text.get_text() for text in drawing.figure.findobj(Text)}
        assert any(short_name(names[0]) in text for text in texts) != (name == "noisy_codes"), name


def test_equal_models_decode_equal_images(few_images):
    equal = [a_run("ae", entry=name, latent_dim=3, hidden=4) for name in ("a", "b")]
    results = tiny_results(few_images, equal)
    for name in ("prior_draws", "noisy_codes", "interpolation", "fitted_gaussian", "class_means"):
        sheets = images_of(drawn(name, results).figure)
        before = 1 if name in ("prior_draws", "class_means", "fitted_gaussian") else 0
        first, second = np.split(np.array(sheets[before:]), 2)
        assert (first == second).all(), name
        assert first.any(), name


def test_the_line_between_two_codes_of_pca_blends_their_images(few_images):
    results = tiny_results(few_images, [a_run("pca", latent_dim=3), a_run("ae", latent_dim=3)])
    blend, _ = interpolation.draw(results).seen
    of_pca = float(blend.split("pca ")[1].split(",")[0])
    of_ae = float(blend.split("ae ")[1].rstrip("."))
    assert of_pca < 1e-3
    assert of_pca != of_ae


def test_among_how_many_training_images_the_nearest_is_searched_is_said(few_images):
    results = tiny_results(few_images, [a_run("pca", latent_dim=3), a_run("ae", latent_dim=3)])
    among = f"nearest of {len(few_images.train_images):,} training images"
    for name in ("interpolation", "noisy_codes"):
        assert sum(among in sentence for sentence in drawn(name, results).seen) == 1, name


def test_the_deviation_of_codes_is_around_the_mean_of_each_dimension():
    codes = np.array([[5.0, -5.0]]) + np.random.default_rng(0).normal(0, [[1, 3]], (20_000, 2))
    shown = codes_and_prior.Shown("a", codes, np.zeros((2, 1)), codes_and_prior.log_normal)
    assert shown.deviation == pytest.approx(5**0.5, rel=0.02)


def test_pairs_are_of_different_classes_and_share_no_image():
    labels = np.array([1, 1, 1, 2, 1, 3, 3])
    first, second = interpolation.pairs(labels)
    assert first.tolist() == [0, 1, 2]
    assert second.tolist() == [3, 5, 6]
    assert interpolation.pairs(np.ones(5))[0].size == 0


def test_the_line_starts_and_ends_at_the_codes():
    one, other = np.array([[0.0, 2.0]]), np.array([[1.0, 0.0]])
    line = interpolation.between(one, other, np.linspace(0, 1, 3))
    assert line.tolist() == [[0.0, 2.0], [0.5, 1.0], [1.0, 0.0]]


def test_the_fitted_gaussian_has_the_codes_mean_and_covariance():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(5000, 3)) @ rng.normal(size=(3, 3)) + [1.0, -2.0, 3.0]
    samples = fitted_gaussian.fitted(codes, rng.normal(size=(200_000, 3)))
    assert samples.mean(axis=0) == pytest.approx(codes.mean(axis=0), abs=0.03)
    assert np.cov(samples.T) == pytest.approx(np.cov(codes.T), abs=0.1)


@pytest.mark.parametrize("codes", [np.ones((9, 2)), np.arange(9.0)[:, None] * [1.0, 2.0]])
def test_codes_that_do_not_fill_their_space_are_fitted_too(codes):
    samples = fitted_gaussian.fitted(codes, np.random.default_rng(0).normal(size=(100, 2)))
    spread = np.linalg.svd(samples - codes.mean(axis=0), compute_uv=False)
    assert spread[1] < 0.1
    assert np.isfinite(samples).all()


def test_class_means_follow_the_labels():
    means = class_means.means(np.array([[0.0], [4.0], [2.0]]), np.array([7, 1, 7]))
    assert means.tolist() == [[4.0], [1.0]]


def test_models_that_agree_are_said_to(few_images):
    sheet = few_images.test_images.numpy()[:2]
    (sentence,) = class_means.alike([sheet, sheet], sheet)
    assert sentence.startswith("The mean squared difference per pixel is 0.0 between two models")
    assert sentence.endswith("0.0 between a decoded image and the mean of the images.")


def test_distance_to_the_nearest():
    black, grey, white = (np.full((1, 1, 2, 2), level, np.uint8) for level in (0, 51, 255))
    assert distance_to_nearest(grey, np.concatenate([white, black])) == pytest.approx(0.2**2)
    assert distance_to_nearest(np.concatenate([grey, black]), black) == pytest.approx(0.2**2 / 2)
    assert difference(white, black) == pytest.approx(1)


def test_seeds_give_a_mean_and_a_range(few_images):
    runs = [
        a_run("ae", seed=seed, latent_dim=d, hidden=hidden)
        for d in (2, 3)
        for hidden in (4, 5)
        for seed in (0, 1)
    ]
    results = tiny_results(few_images, runs)
    best = results.by_dimension()["ae"]
    assert [run["latent_dim"] for run in best] == [2, 3]
    assert [run["hidden"] for run in best] == [4, 4]
    assert results.repeated(best[1])["seed"].tolist() == [0, 1]
    table = dimensions._errors(results, best[1])
    # The runs of the setting are the fifth and the sixth, with errors 14 and 15.
    assert table.iloc[0].tolist() == pytest.approx([3, 14.5 / 784, 14 / 784, 15 / 784])


def test_pairs_of_networks_share_their_latent_dimension(few_images):
    runs = [
        a_run("conv5_vae", encoder=encoder, decoder="dense", latent_dim=d, hidden=4)
        for encoder, d in (("dense", 2), ("conv", 3), ("dense", 3))
    ]
    results = tiny_results(few_images, runs)
    _, pairs = encoder_decoder_pairs._pairs(results)
    assert [run["latent_dim"] for run in pairs] == [3, 3]
    (sentence,) = encoder_decoder_pairs.draw(results).seen
    # Errors 11 and 12 per image.
    assert f"conv encoder {significant(11 / 784)}" in sentence
    assert f"dense encoder {significant(12 / 784)}" in sentence


def test_long_labels_and_notes_have_room():
    images = np.zeros((16, 1, 28, 28), np.uint8)
    rows = [Row("a_name_longer_than_that_of_any_model_there_is", [images], "0.0123")] * 2
    assert not complaints(draw_rows(rows, ["title"], ["heading"] * 16, "distance"))


def test_numbers_keep_two_digits():
    assert [significant(v) for v in (0.0198, 0.0199999, 0.1, 1.0, 12.3, 123.4, 0.000028, -0.5)] == [
        "0.020", "0.020", "0.10", "1.0", "12", "123", "0.000028", "−0.50",
    ]  # fmt: skip
    assert listed({"a": 0.5, "b": 0.25}.items()) == "a 0.50, b 0.25"


def test_draws_do_not_depend_on_who_asks(few_images):
    results = tiny_results(few_images, GRIDS["one entry"])
    assert (results.normal_draws("prior", 4, 3) == results.normal_draws("prior", 4, 3)).all()
    first = json.dumps(prior_draws.draw(results).seen)
    assert json.dumps(prior_draws.draw(results).seen) == first


# Codes beside N(0, I), traversals, anomalies


def test_the_ellipse_holds_95_percent_of_a_gaussian():
    draws = np.random.default_rng(0)
    root = np.array([[2.0, 0], [1.5, 0.5]])
    codes = draws.normal(size=(50_000, 2)) @ root.T + [3, -1]
    curve = codes_and_prior.ellipse(np.array([3.0, -1]), root @ root.T)
    away = np.linalg.solve(root, curve - [[3], [-1]])
    lengths = np.linalg.norm(away, axis=0)
    assert np.ptp(lengths) < 1e-9
    inside = np.linalg.norm(np.linalg.solve(root, (codes - [3, -1]).T), axis=0) < lengths[0]
    assert inside.mean() == pytest.approx(0.95, abs=0.004)


def test_codes_are_held_against_the_prior_of_their_own_model(few_images):
    drawing = codes_and_prior.draw(tiny_results(few_images, BESIDE))
    titles = [panel.get_title() for panel in drawing.figure.axes if panel.get_visible()]
    others = [f"{entry}, its own prior" for entry in ("vamp_vae", "aae")]
    assert titles == ["pca", "vae_bce", *others, "draws of N(0, I)"]
    assert "The prior of vamp_vae, aae is another than N(0, I)." in drawing.seen[0]


def test_the_line_of_a_prior_holds_its_share_of_the_mass():
    line = np.linspace(-6, 6, 400)
    places = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    edge = codes_and_prior.densest_edge(codes_and_prior.log_normal(places))
    on_circle = codes_and_prior.log_normal(np.array([[codes_and_prior.RADIUS, 0.0]]))
    assert edge == pytest.approx(float(on_circle[0]), abs=0.02)


def test_a_traversal_changes_one_dimension_alone():
    codes = traversals.along(np.array([5.0, 6.0, 7.0]), 1)
    assert codes[:, [0, 2]].tolist() == [[5, 7]] * traversals.STEPS
    assert codes[[0, 3, -1], 1].tolist() == [-2, 0, 2]


def test_the_variances_of_unused_dimensions_are_not_called_those_in_use(few_images):
    (said,) = traversals.draw(tiny_results(few_images, [a_run("vae_bce", **PAIR)])).seen
    assert said.startswith("Variance of each dimension over the test images: vae_bce ")
    assert said.count(".") == PAIR["latent_dim"] + 1


def test_anomalies_are_other_images_of_the_same_pixels():
    images = np.random.default_rng(0).integers(256, size=(7, 2, 4, 4)).astype(np.uint8)
    found = anomalies.anomalies(images)
    assert np.array_equal(found["inverted"], 255 - images)
    for kind in ("turned", "shuffled"):
        assert not np.array_equal(found[kind], images)
        assert np.array_equal(
            np.sort(found[kind].reshape(7, 2, -1)), np.sort(images.reshape(7, 2, -1))
        )
    pairs = [set(zip(*image.reshape(2, -1), strict=True)) for image in images]
    moved = [set(zip(*image.reshape(2, -1), strict=True)) for image in found["shuffled"]]
    assert pairs == moved  # a pixel keeps its colour


def test_the_auroc_counts_pairs():
    assert anomalies.auroc(np.array([1.0, 2]), np.array([3.0, 4])) == 1
    assert anomalies.auroc(np.array([1.0, 3]), np.array([2.0, 3])) == pytest.approx(2.5 / 4)
