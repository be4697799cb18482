"""The judge: its verdict in closed cases, and its place in params.yaml."""

import math
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from latentgrid.errors import UserError
from latentgrid.evaluation.judge import (
    DRAWS,
    decode_codes,
    load_judge,
    score,
    write_scores,
)
from latentgrid.evaluation.measures.recognisability import classes_seen, confidence, measure
from latentgrid.files.atomic import write_json
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import reading
from latentgrid.results.loaded import load_model
from latentgrid.results.trained import TestSet as Images
from latentgrid.results.trained import TrainedRun
from networks import MNIST_SHAPE, build
from tiny import seal, write_config

LENET5 = {"optimizer": "adam", "learning_rate": 0.001}


def test_a_judge_unsure_of_one_and_the_same_image_sees_one_class():
    """Samples that are all alike must not pass for varied because the judge does not know them."""
    unsure = np.tile([0.12, *[0.88 / 9] * 9], (20, 1))
    assert confidence(unsure) == pytest.approx(0.12)
    assert classes_seen(unsure) == pytest.approx(1)


def test_a_sure_judge_counts_the_classes_it_sees():
    sure = np.eye(10)[[0, 3, 3, 0, 7, 7]]
    assert confidence(sure) == 1
    assert classes_seen(sure) == pytest.approx(3)


def test_rare_classes_count_less():
    shares = np.array([0.75, 0.25])
    seen = classes_seen(np.eye(2)[[0, 0, 0, 1]])
    assert seen == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


IMAGES = np.arange(40 * 784).reshape(40, *MNIST_SHAPE) % 256
TRAINING, TEST = IMAGES[:30].astype(np.uint8), IMAGES[30:].astype(np.uint8)


def run_of(tmp_path, model, samples=None, status="finished", **hyperparameters):
    """The files of a run whose last samples are given, and its model."""
    files = RunFiles(tmp_path / model, tmp_path / "state")
    files.folder.mkdir()
    built = build(model, **hyperparameters)
    save_file(built.state_dict(), files.weights)
    save_file({"2/samples": samples} if samples is not None else {}, files.snapshots)
    settings = {"model": model, "hyperparameters": hyperparameters, "seed": 0}
    write_config(files, settings)
    write_json(files.outcome, {"status": status, "reason": "why", "epochs": 2})
    seal(files)
    return TrainedRun(files, frozenset({"judged"})), built.eval()


def measured(run, classify):
    write_scores(run, score(run, classify, TRAINING, TEST) if classify else {})
    return measure(run, Images(TEST, np.arange(10, dtype=np.uint8)))


def test_the_verdict_is_the_classifiers_on_the_samples(tmp_path):
    samples = torch.arange(3 * 784).remainder(256).to(torch.uint8).reshape(3, *MNIST_SHAPE)
    run, judge = run_of(tmp_path, "lenet5", samples)
    found = measured(run, load_judge(run))
    with torch.no_grad():
        expected = judge.classify(samples / 255).exp()
    stored = load_file(run.files.judged)["samples"]
    np.testing.assert_allclose(stored, expected, rtol=1e-5)
    assert found["sample_confidence"] == pytest.approx(stored.max(axis=1).mean())
    assert set(found) == {"sample_confidence", "sample_classes", "sample_score"}
    assert measure(TrainedRun(run.files), None) == {}


def test_what_codes_decode_to_is_judged_too(tmp_path):
    judge, _ = run_of(tmp_path, "lenet5")
    run, _ = run_of(tmp_path, "ae", latent_dim=3, hidden=8)
    found = measured(run, load_judge(judge))
    assert set(found) == {
        "prior_confidence",
        "fitted_confidence",
        "reconstruction_confidence",
        "reconstruction_accuracy",
    }
    assert len(load_file(run.files.judged)["prior_draws"]) == DRAWS
    assert found["reconstruction_accuracy"] in np.arange(11) / 10


def test_an_oracle_finds_every_reconstruction_right(tmp_path):
    """A classifier that looks nothing up but the order of the images."""
    run, _ = run_of(tmp_path, "ae", latent_dim=3, hidden=8)

    def in_order(images):
        return torch.eye(10)[torch.arange(len(images)) % 10].log()

    found = measured(run, in_order)
    assert found["reconstruction_accuracy"] == 1
    assert found["reconstruction_confidence"] == 1


def test_models_with_one_seed_decode_the_same_draws(tmp_path):
    seen = {}
    for model in ("ae", "vae_bce"):
        run, _ = run_of(tmp_path, model, latent_dim=3, hidden=8)
        loaded = load_model(run)
        loaded.decode = lambda codes, model=model: seen.setdefault(model, codes)[:, :1, None, None]
        with mock.patch("latentgrid.evaluation.judge.load_model", lambda _, loaded=loaded: loaded):
            decode_codes(run, TRAINING, TEST)
    assert seen["ae"].shape == (DRAWS, 3)
    assert torch.equal(seen["ae"], seen["vae_bce"])


@pytest.mark.parametrize("model", ["dae", "gan"])
def test_what_cannot_decode_codes_of_images_is_judged_by_samples_alone(tmp_path, model):
    own = {"corruption": "blur", "network": "dense"} if model == "dae" else {}
    run, _ = run_of(tmp_path, model, latent_dim=3, hidden=8, **own)
    assert decode_codes(run, TRAINING, TEST) == {}


def test_a_judge_that_diverged_judges_no_one(tmp_path):
    samples = torch.zeros(3, *MNIST_SHAPE, dtype=torch.uint8)
    run, _ = run_of(tmp_path, "lenet5", samples, status="diverged")
    assert load_judge(run) is None
    assert measured(run, None) == {}


@pytest.mark.parametrize("judge", ["lenet", "vae"])
def test_a_judge_must_be_a_classifier_of_the_grid(raw_params, judge):
    raw_params["evaluation"]["judge"] = judge
    raw_params["models"]["critic"] = {"model": "lenet5"} | LENET5
    with pytest.raises(UserError) as caught:
        reading.check(raw_params, "params.yaml")
    assert str(caught.value) == (
        f"params.yaml: evaluation.judge: found '{judge}'; allowed: null, critic"
    )


def test_without_a_classifier_there_can_be_no_judge(raw_params):
    raw_params["evaluation"]["judge"] = "vae"
    with pytest.raises(UserError, match="no entry of models: classifies"):
        reading.check(raw_params, "params.yaml")


def test_an_entry_of_any_name_may_judge(raw_params):
    raw_params["models"]["critic"] = {"model": "lenet5"} | LENET5
    raw_params["evaluation"]["judge"] = "critic"
    assert reading.check(raw_params, "params.yaml").evaluation.judge == "critic"
