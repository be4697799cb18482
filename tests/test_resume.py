"""A run that is cut off at any moment goes on, and ends in the bits of one that never was."""

import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from latentgrid import models
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue, components
from latentgrid.training import run as training_run
from latentgrid.training.checkpoints import Checkpoints
from latentgrid.training.run import train_run
from project import contents

EPOCHS = 4
# Each model with the one optimizer for its kind; all optimizers with one model below.
MODELS = {
    "gmvae": {"latent_dim": 2, "components": 3, "pretraining": 2},
    "flow": {"hidden": 8, "transforms": 2},
    "vamp_vae": {"pseudo_inputs": 5},
}


class Unplugged(BaseException):
    """The plug is pulled: nothing catches this."""


@pytest.fixture(autouse=True)
def _every_epoch_is_written_down(monkeypatch):
    monkeypatch.setattr(training_run, "SECONDS_BETWEEN_CHECKPOINTS", 0)


@pytest.fixture(scope="module")
def images(few_images_file):
    return few_images_file


def settings_of(model, optimizer="adam", **changes):
    hyperparameters = dict(MODELS.get(model, {}))
    if "latent_dim" in catalogue.model_hyperparameters(model):
        hyperparameters.setdefault("latent_dim", 3)
    once = models.load(model).closed_form
    return {
        "model": model,
        "hyperparameters": hyperparameters,
        "optimizer": None if once else optimizer,
        "learning_rate": None if once else 1e-3,
        "epochs": 1 if once else EPOCHS,
        "batch_size": 20,
        "precision": "float32",
        "snapshots": {"epochs": [0, 1, 3, EPOCHS], "samples": 4, "manifold": 2},
        "seed": 0,
    } | changes


def files_in(folder):
    return RunFiles(folder / "run", folder / "state")


def results(files):
    """Return all that is the same in two runs: every file but that of the times."""
    return {name: data for name, data in contents(files.folder).items() if name != "timing.json"}


def untouched(settings, images, folder):
    files = files_in(folder)
    train_run(settings, images, files, "cpu", "code")
    return results(files)


def cut_off_after(epoch, monkeypatch):
    """Pull the plug when an epoch is done and written down, before the next one begins."""
    honest = training_run.Progress.epoch_done

    def epoch_done(progress, done, *losses):
        honest(progress, done, *losses)
        if done == epoch:
            raise Unplugged

    monkeypatch.setattr(training_run.Progress, "epoch_done", epoch_done)


@pytest.mark.parametrize("model", catalogue.models())
def test_every_model_goes_on_in_the_same_bits(model, images, tmp_path, monkeypatch):
    settings = settings_of(model)
    expected = untouched(settings, images, tmp_path / "untouched")
    files = files_in(tmp_path / "cut")
    for epoch in (1, 3) if settings["epochs"] > 1 else (1,):
        with monkeypatch.context() as patch, pytest.raises(Unplugged):
            cut_off_after(epoch, patch)
            train_run(settings, images, files, "cpu", "code")
        assert not files.outcome.exists()
    torch.manual_seed(7)
    train_run(settings, images, files, "cpu", "code")
    assert results(files) == expected


@pytest.mark.parametrize("optimizer", components.names("optimizers"))
def test_every_optimizer_goes_on_in_the_same_bits(optimizer, images, tmp_path, monkeypatch):
    settings = settings_of("vae", optimizer)
    expected = untouched(settings, images, tmp_path / "untouched")
    files = files_in(tmp_path / "cut")
    with monkeypatch.context() as patch, pytest.raises(Unplugged):
        cut_off_after(2, patch)
        train_run(settings, images, files, "cpu", "code")
    train_run(settings, images, files, "cpu", "code")
    assert results(files) == expected


def test_a_run_with_another_setting_or_other_code_begins_anew(images, tmp_path, monkeypatch):
    files = files_in(tmp_path / "cut")
    with monkeypatch.context() as patch, pytest.raises(Unplugged):
        cut_off_after(2, patch)
        train_run(settings_of("vae"), images, files, "cpu", "code")
    changed = settings_of("vae", learning_rate=2e-3)
    train_run(changed, images, files, "cpu", "code")
    assert results(files) == untouched(changed, images, tmp_path / "untouched")
    assert json.loads(files.timing.read_text())["continued after epochs"] == []


def torn(path):
    """What a disk may hold after the plug was pulled: the right length, and zeros at the end."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "stored", [{}, {"record": {}}, {"record": {"run": "yesterday", "colour": "blue"}}]
)
def test_a_checkpoint_of_code_that_kept_other_things_is_not_used(tmp_path, stored):
    tensors = {
        name: torch.tensor(list(json.dumps(value).encode()), dtype=torch.uint8)
        for name, value in stored.items()
    }
    content = save(tensors)
    digest = hashlib.sha256(content).hexdigest()[:16]
    (tmp_path / f"checkpoint-1-{digest}.safetensors").write_bytes(content)
    assert Checkpoints(tmp_path, "today", []).last() is None
    assert not tmp_path.exists()


@pytest.mark.parametrize("damage", [torn, cut_short, empty])
@pytest.mark.parametrize(
    ("pattern", "goes_on_after"),
    [("checkpoint-3-*", [2]), ("checkpoint-*", []), ("snapshot-3-*", [2]), ("snapshot-0-*", [])],
)
def test_a_torn_checkpoint_is_known_and_the_one_before_it_used(
    images, tmp_path, monkeypatch, damage, pattern, goes_on_after
):
    settings = settings_of("vae")
    files = files_in(tmp_path / "cut")
    with monkeypatch.context() as patch, pytest.raises(Unplugged):
        cut_off_after(3, patch)
        train_run(settings, images, files, "cpu", "code")
    assert len(list(files.checkpoints.glob("checkpoint-*"))) == 2
    for path in files.checkpoints.glob(pattern):
        damage(path)
    train_run(settings, images, files, "cpu", "code")
    assert json.loads(files.timing.read_text())["continued after epochs"] == goes_on_after
    assert results(files) == untouched(settings, images, tmp_path / "untouched")


def test_epochs_that_take_no_time_are_not_written_down(images, tmp_path, monkeypatch):
    files = files_in(tmp_path / "cut")
    monkeypatch.setattr(training_run, "SECONDS_BETWEEN_CHECKPOINTS", 60)
    with monkeypatch.context() as patch, pytest.raises(Unplugged):
        cut_off_after(3, patch)
        train_run(settings_of("vae"), images, files, "cpu", "code")
    assert not list(files.checkpoints.glob("checkpoint-*"))
    train_run(settings_of("vae"), images, files, "cpu", "code")
    assert json.loads(files.timing.read_text())["continued after epochs"] == []
    assert results(files) == untouched(settings_of("vae"), images, tmp_path / "untouched")


def in_a_child(settings, images, files):
    """Train in a process of its own, which has torch already, and return its number."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            train_run(settings, images, files, "cpu", "code")
            os._exit(0)
        os._exit(1)
    return child


def test_a_run_killed_at_random_moments_ends_in_the_same_bits(images, tmp_path):
    settings = settings_of("vae", epochs=10)
    started = time.perf_counter()
    expected = untouched(settings, images, tmp_path / "untouched")
    seconds = time.perf_counter() - started
    moments = random.Random(0)
    killed = 0
    for attempt in range(3):
        files = files_in(tmp_path / str(attempt))
        for _ in range(4):
            child = in_a_child(settings, images, files)
            time.sleep(moments.uniform(0, seconds / 3))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
            killed += os.WIFSIGNALED(status)
        train_run(
            settings, images, files, "cpu", "code"
        )  # Snakemake, which saw no end, would do so too
        assert results(files) == expected
    assert killed >= 3
