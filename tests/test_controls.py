"""Controls: they hold for our measures, and each measure that is broken is flagged by its own."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from latentgrid.data import to_unit_interval
from latentgrid.evaluation import bounds, distances, fitted, intervals, neighbours, prior
from latentgrid.evaluation.controls import (
    ALARMS,
    CLASSES,
    Control,
    Judge,
    KnownRun,
    Material,
    balanced,
    matches,
    measured,
    permuted,
)
from latentgrid.evaluation.controls import likelihood as of_bounds
from latentgrid.evaluation.controls import recognisability as of_recognisability
from latentgrid.evaluation.controls import silhouette as of_silhouettes
from latentgrid.evaluation.controls.table import OWN, table
from latentgrid.evaluation.measures import (
    accuracy,
    active_units,
    clustering,
    losses,
    recognisability,
    reconstruction,
    segmentation,
    silhouette,
    steadiness,
)
from latentgrid.models.bases.gaussian import GaussianVAE
from latentgrid.models.flow import Flow
from latentgrid.results.trained import TestSet as Images
from latentgrid.results.trained import load_test_set, load_training_images
from latentgrid.training import snapshots

TEST, TRAINING = 120, 400


@pytest.fixture(scope="module")
def material(digits_file):
    """Digits, and a judge: the class of the nearest training image, more or less sure of it."""
    test = load_test_set(digits_file).first(TEST)
    training = load_training_images(digits_file, TRAINING)
    labels = torch.from_numpy(labels_of_training(digits_file))
    known = to_unit_interval(torch.from_numpy(training)).flatten(1)

    def classify(images: Tensor) -> Tensor:
        away = torch.cdist(images.flatten(1), known)
        nearest = [away[:, labels == label].amin(dim=1) for label in range(CLASSES)]
        return (-3 * torch.stack(nearest, dim=1)).log_softmax(dim=1)

    classes = classify(to_unit_interval(torch.from_numpy(test.images))).argmax(dim=1).numpy()
    return Material(test, training, Judge("nearest/seed=0", classify, classes))


@pytest.fixture(scope="module")
def by_file(material):
    """The measures that each file of controls controls."""
    return {module: {one.measure for one in module.controls(material)} for module in OWN}


def labels_of_training(file):
    from latentgrid.data import load_images

    return load_images(file).train_labels[:TRAINING].numpy()


def outside(material):
    """The measures that the controls flag."""
    found = table(material)
    return set(found.loc[found["inside"] == "no", "measure"])


def test_every_measure_lies_within_its_controls(material):
    assert outside(material) == set()


def test_controls_are_the_same_whatever_was_drawn_before(material):
    made_up = replace(material, judge=None)
    torch.manual_seed(1)
    first = table(made_up)
    torch.manual_seed(2)
    pd.testing.assert_frame_equal(first, table(made_up), rtol=0, atol=0)


def test_without_a_judge_its_controls_are_left_out(material):
    with_judge, without = table(material), table(replace(material, judge=None))
    of_judge = with_judge["case"].str.startswith("judge: ")
    assert without["case"].tolist() == with_judge.loc[~of_judge, "case"].tolist()
    assert set(with_judge.loc[of_judge, "runs"]) == {"nearest/seed=0"}
    assert set(without["runs"]) == {""}


def test_a_few_test_images_are_enough(material):
    few = replace(material, test=Images(material.test.images[:2], material.test.labels[:2]))
    assert outside(replace(few, judge=None)) == set()


def test_what_gives_no_number_is_outside():
    assert not Control("one", "none", -math.inf, math.inf, math.nan, "").inside
    assert math.isnan(measured(silhouette.measure, KnownRun(), Images(*2 * [balanced(3)]), "one"))


# Each measure, broken


def shuffled_silhouette(codes, labels):
    values = SILHOUETTE(permuted(codes, "broken"), labels)
    return {"silhouette": float(values.mean())}


def not_squared(first, second):
    return math.sqrt(max(0.0, DISCREPANCY(first, second)))


def too_high(model, images, draws, noise):
    """A bound that forgets to divide the sum of the weights by their number."""
    found = OF_EACH(model, images, draws, noise)
    return found | {"importance_bound": found["importance_bound"] + math.log(draws)}


def without_the_rate(model, images, draws, noise):
    found = OF_EACH(model, images, draws, noise)
    return found | {"elbo": -found["distortion"]}


def far_from_its_copy(images, among):
    """A nearest neighbour that is never the image itself, as for images that were left out."""
    return max(0.001, NEAREST(images, among))


SILHOUETTE, DISCREPANCY, OF_EACH = silhouette.of_each, prior.discrepancy, bounds.of_each
NEAREST, MEASURE, LOG_DENSITY = distances.distance_to_nearest, losses.measure, Flow.log_density
OVER_IMAGES = bounds.over_images
CONFIDENCES = set(recognisability.CONFIDENCES.values())


def entropy_of_the_mean(probabilities):
    mean = probabilities.mean(axis=0)
    return float(np.exp(-(mean * np.log(mean, where=mean > 0, out=np.zeros_like(mean))).sum()))


BROKEN = {
    "silhouette of shuffled codes": (silhouette, "silhouette", shuffled_silhouette, {"silhouette"}),
    "silhouette with the wrong sign": (
        silhouette,
        "of_each",
        lambda codes, labels: -SILHOUETTE(codes, labels),
        {"silhouette"},
    ),
    "neighbours that count the code itself": (
        neighbours,
        "neighbours",
        lambda codes, labels: (1.0, None),
        {"neighbours"},
    ),
    "accuracy of the first half": (
        accuracy,
        "measure",
        lambda run, test: {
            "test_accuracy": 0.5 + 0.5 * (run.last("classes") == test.labels).mean()
        },
        {"test_accuracy"},
    ),
    "the share found for intersection over union": (
        segmentation,
        "intersection_over_union",
        lambda confusion: (np.diag(confusion) / confusion.sum(axis=1)).tolist(),
        {"mean_iou"},
    ),
    "accuracy of clusters by their own names": (
        clustering,
        "linear_sum_assignment",
        lambda counts, maximize: np.diag_indices(min(counts.shape)),
        {"clustering_accuracy"},
    ),
    "mutual information that is not normalised": (
        clustering,
        "normalized_mutual_info_score",
        lambda labels, clusters: 2.3 * len(np.unique(clusters)) / CLASSES,
        {"clustering_nmi"},
    ),
    "units whose deviation is above the threshold": (
        active_units,
        "ACTIVE",
        0.0001,
        {"active_units"},
    ),
    "sum of the losses": (
        losses,
        "SUMS",
        (),
        {"min_train_batch_sum", "min_train_batch_sum_corrected"},
    ),
    "the last loss for the smallest": (
        losses,
        "measure",
        lambda run, test: (found := MEASURE(run, test)) | {"min_train_loss": found["train_loss"]},
        {"min_train_loss"},
    ),
    "a batch loss that averages": (
        GaussianVAE,
        "batch_loss",
        lambda model, terms: model.loss(terms).mean(),
        {"min_train_batch_sum", "min_train_batch_sum_corrected"},
    ),
    "no constant in the batch sum": (
        GaussianVAE,
        "batch_surplus",
        lambda model, n: 0.0,
        {"min_train_batch_sum"},
    ),
    "the median error": (
        reconstruction,
        "measure",
        lambda run, test: {"test_squared_error": float(np.median(run.last("squared_error")))},
        {"test_squared_error"},
    ),
    "an error that is averaged over pixels": (
        snapshots,
        "squared_error",
        lambda again, clean: (again - clean).square().flatten(1).mean(dim=1),
        {"test_squared_error"},
    ),
    "a bound that is too high": (bounds, "of_each", too_high, {"importance_bound"}),
    "an ELBO without the rate": (bounds, "of_each", without_the_rate, {"elbo"}),
    "a standard error of one image": (
        bounds,
        "over_images",
        lambda values: OVER_IMAGES(values) | {"elbo_se": float(values["elbo"].std())},
        {"elbo_se"},
    ),
    "a flow whose determinant is wrong": (
        Flow,
        "log_density",
        lambda flow, values: LOG_DENSITY(flow, values) + 0.1,
        {"flow"},
    ),
    "no image is its own nearest": (
        distances,
        "distance_to_nearest",
        far_from_its_copy,
        {"distance_to_nearest"},
    ),
    "distance summed over pixels": (
        distances,
        "distance_to_nearest",
        lambda images, among: NEAREST(images, among) * images[0].size,
        {"distance_to_nearest"},
    ),
    "difference that is not squared": (
        distances,
        "difference",
        lambda one, other: float(np.abs(one / 255.0 - other).sum() / 12),
        {"difference"},
    ),
    "movement that is not relative": (distances, "movement", lambda *codes: 1.4, {"movement"}),
    "codes beyond the region of the prior": (
        prior.Regions,
        "share",
        lambda regions, codes, n: float((regions.model.log_prior(codes) < regions.edges[n]).mean()),
        {"share_within"},
    ),
    "a drift that is not relative": (
        steadiness,
        "drift",
        lambda before, after: float(((before / 255 - after / 255) ** 2).mean()),
        {"sample_drift"},
    ),
    "MMD that is not squared": (prior, "discrepancy", not_squared, {"discrepancy"}),
    "fitted with no mean": (
        fitted,
        "fitted",
        lambda codes, draws: draws @ np.linalg.cholesky(np.cov(codes, rowvar=False)).T,
        {"fitted"},
    ),
    "a normal interval for Student's": (
        intervals,
        "half_width",
        lambda deviation, n: 1.96 * deviation / n**0.5,
        {"half_width"},
    ),
    "confidence in class 0": (
        recognisability,
        "confidence",
        lambda probabilities: float(probabilities[:, 0].mean()),
        CONFIDENCES,
    ),
    "classes of unsure judges": (
        recognisability,
        "classes_seen",
        entropy_of_the_mean,
        {"sample_classes"},
    ),
    "a score without confidence": (
        recognisability,
        "inception_score",
        entropy_of_the_mean,
        {"sample_score"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_measure_is_flagged_by_its_own_control(material, by_file, monkeypatch, what):
    place, name, wrong, flagged = BROKEN[what]
    monkeypatch.setattr(place, name, wrong)
    made_up = replace(material, judge=None)
    files = [module for module, measures in by_file.items() if measures & flagged]
    found = [control for module in files for control in module.controls(made_up)]
    assert {control.measure for control in found if not control.inside} == flagged


# A judge that does not judge


def judged(material, classify, classes=None):
    """The measures that are flagged with another judge."""
    own = material.judge.classes if classes is None else classes
    judge = replace(material.judge, classify=classify, classes=own)
    found = of_recognisability.controls(replace(material, judge=judge))
    return {control.measure for control in found if not control.inside}


def test_a_judge_that_always_says_three_is_flagged(material):
    def three(images):
        return torch.eye(CLASSES)[[3]].expand(len(images), -1).log()

    found = judged(material, three)
    assert {"reconstruction_accuracy", "sample_confidence", "sample_classes"} <= found
    # Also if its own accuracy is that of such a judge.
    threes = np.full(TEST, 3)
    assert {"reconstruction_accuracy", "sample_confidence"} <= judged(material, three, threes)


def test_a_judge_as_sure_of_noise_as_of_digits_is_flagged(material):
    def sure(images):
        return torch.eye(CLASSES)[material.judge.classify(images).argmax(dim=1)].log()

    assert judged(material, sure) == {"sample_confidence"}


def test_a_judge_that_counts_ink_is_flagged(material):
    """Permuted pixels have as much ink as before."""
    ink = material.test.images.reshape(TEST, -1).sum(axis=1) / 255
    order = torch.from_numpy(np.sort(ink))
    by_ink = torch.from_numpy(material.test.labels[ink.argsort()].astype(np.int64))

    def classify(images):
        place = torch.cdist(images.sum(dim=(1, 2, 3))[:, None].double(), order[:, None]).argmin(1)
        sure = 0.9 * torch.eye(CLASSES)[by_ink[place]] + 0.01
        return sure.log()

    assert "reconstruction_accuracy" in judged(material, classify, material.test.labels)


def test_other_weights_than_those_that_were_tested_are_flagged(material):
    def wrong(images):
        return material.judge.classify(images).roll(1, dims=1)

    assert "reconstruction_accuracy" in judged(material, wrong)


# The formulas of the ranges, beside simulations


def test_matches_of_a_random_order_have_the_stated_mean_and_deviation():
    rng = np.random.default_rng(0)
    predicted, labels = rng.choice(4, 50, p=[0.1, 0.2, 0.3, 0.4]), rng.choice(4, 50)
    shares = [(predicted == rng.permutation(labels)).mean() for _ in range(20_000)]
    low, high = matches(predicted, labels)
    assert (low + high) / 2 == pytest.approx(np.mean(shares), abs=0.002)
    assert (high - low) / 10 == pytest.approx(np.std(shares), rel=0.03)


def test_the_model_of_two_images_has_the_stated_moments():
    model, ones = of_bounds.TwoImages(), torch.ones(1, 1, 1, of_bounds.TwoImages.PIXELS)
    draws = 400_000
    codes, log_q = model.propose(ones, draws, torch.Generator().manual_seed(0))
    likelihood = model.decode(codes[:, 0]).log().flatten(1).sum(dim=1)
    weights = (model.log_prior(codes)[:, 0] - log_q[:, 0] + likelihood).double()
    assert weights.mean().item() == pytest.approx(-model.RATE - model.distortion, abs=0.02)
    assert weights.std().item() == pytest.approx(model.elbo_sd, rel=0.01)
    assert weights.exp().mean().item() == pytest.approx(math.exp(model.log_likelihood), rel=0.01)
    relative = weights.exp() / math.exp(model.log_likelihood)
    assert relative.var().item() == pytest.approx(model.weights_variance, rel=0.05)
    assert of_bounds._most(model) == pytest.approx(
        model.log_likelihood - math.log(ALARMS) / of_bounds.IMAGES
    )


def test_the_silhouette_by_definition_is_scikit_learns():
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(60, 3)), np.array([0, 0, 5, 7] * 15)
    labels[-1] = 9  # a class of one code
    distances_ = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    expected = SILHOUETTE(codes, labels).mean()
    assert of_silhouettes.mean(distances_, labels) == pytest.approx(expected)


def test_every_file_of_controls_stands_in_the_table():
    files = {path.stem for path in Path(of_bounds.__file__).parent.glob("[!_]*.py")} - {"table"}
    assert files == {module.__name__.rpartition(".")[2] for module in OWN}


def test_the_page_names_every_measure_that_is_controlled(material):
    page = (Path(__file__).parents[1] / "docs" / "controls.md").read_text(encoding="utf-8")
    assert [name for name in table(material)["measure"].unique() if f"`{name}`" not in page] == []


def test_a_run_that_lies_nowhere_has_what_it_is_given():
    codes = np.zeros((2, 3))
    run = KnownRun(
        "vae", {"codes": codes}, pd.DataFrame({"epoch": [1]}), {"samples": codes}, {"elbo": 1}
    )
    assert run.last("codes") is codes and run.last("clusters") is None
    assert (run.judged["samples"] is codes, run.likelihood, len(run.history)) == (
        True,
        {"elbo": 1},
        1,
    )
