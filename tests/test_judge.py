"""The judge: its verdict in closed cases, and its place in params.yaml."""

import math

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from latentgrid import params
from latentgrid.errors import UserError
from latentgrid.evaluation.judge import load_judge, write_verdict
from latentgrid.evaluation.measures.recognisability import measure, verdict
from latentgrid.evaluation.trained import TrainedRun
from latentgrid.files import write_json
from latentgrid.run_files import RunFiles
from networks import MNIST_SHAPE, build

LENET5 = {"optimizer": "adam", "learning_rate": 0.001}


def test_a_judge_unsure_of_one_and_the_same_image_sees_one_class():
    """Samples that are all alike must not pass for varied because the judge does not know them."""
    found = verdict(np.tile([0.12, *[0.88 / 9] * 9], (20, 1)))
    assert found["sample_confidence"] == pytest.approx(0.12)
    assert found["sample_classes"] == pytest.approx(1)


def test_a_sure_judge_counts_the_classes_it_sees():
    found = verdict(np.eye(10)[[0, 3, 3, 0, 7, 7]])
    assert found["sample_confidence"] == 1
    assert found["sample_classes"] == pytest.approx(3)


def test_rare_classes_count_less():
    shares = np.array([0.75, 0.25])
    found = verdict(np.eye(2)[[0, 0, 0, 1]])
    assert found["sample_classes"] == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


def run_with(tmp_path, samples, status="finished"):
    """The files of a trained lenet5 that drew samples, as if it could."""
    files = RunFiles(tmp_path / "run", tmp_path / "state")
    files.folder.mkdir()
    judge = build("lenet5")
    save_file(judge.state_dict(), files.weights)
    save_file({"2/samples": samples} if samples is not None else {}, files.snapshots)
    settings = {"model": "lenet5", "hyperparameters": {}}
    write_json(files.config, {"settings": settings, "image shape": list(MNIST_SHAPE)})
    write_json(files.outcome, {"status": status, "reason": "why", "epochs": 2})
    return TrainedRun(files, frozenset({"judged"})), judge.eval()


def test_the_verdict_is_the_classifiers_on_the_samples(tmp_path):
    samples = torch.arange(3 * 784).remainder(256).to(torch.uint8).reshape(3, *MNIST_SHAPE)
    run, judge = run_with(tmp_path, samples)
    write_verdict(run, load_judge(run), run.files.judged)
    with torch.no_grad():
        expected = judge.classify(samples / 255).exp()
    stored = load_file(run.files.judged)["probabilities"]
    np.testing.assert_allclose(stored, expected, rtol=1e-5)
    assert measure(run, None)["sample_confidence"] == pytest.approx(stored.max(axis=1).mean())
    assert measure(TrainedRun(run.files), None) == {}


def test_a_run_without_samples_has_no_verdict(tmp_path):
    run, _ = run_with(tmp_path, None)
    write_verdict(run, load_judge(run), run.files.judged)
    assert measure(run, None) == {}


def test_a_judge_that_diverged_judges_no_one(tmp_path):
    samples = torch.zeros(3, *MNIST_SHAPE, dtype=torch.uint8)
    run, _ = run_with(tmp_path, samples, status="diverged")
    write_verdict(run, load_judge(run), run.files.judged)
    assert measure(run, None) == {}


@pytest.mark.parametrize("judge", ["lenet", "vae"])
def test_a_judge_must_be_a_classifier_of_the_grid(raw_params, judge):
    raw_params["evaluation"]["judge"] = judge
    raw_params["models"]["critic"] = {"model": "lenet5"} | LENET5
    with pytest.raises(UserError) as caught:
        params.check(raw_params, "params.yaml")
    assert str(caught.value) == (
        f"params.yaml: evaluation.judge: found '{judge}'; allowed: null, critic"
    )


def test_without_a_classifier_there_can_be_no_judge(raw_params):
    raw_params["evaluation"]["judge"] = "vae"
    with pytest.raises(UserError, match="no entry of models: classifies"):
        params.check(raw_params, "params.yaml")


def test_an_entry_of_any_name_may_judge(raw_params):
    raw_params["models"]["critic"] = {"model": "lenet5"} | LENET5
    raw_params["evaluation"]["judge"] = "critic"
    assert params.check(raw_params, "params.yaml").evaluation.judge == "critic"
