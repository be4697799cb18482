"""The models that MLflow loads, serves and registers answer as the project's own code does."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import numpy as np
import pytest
import requests
import torch
from mlflow import MlflowClient
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from latentgrid import models
from latentgrid.data import Images
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.models import Model
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.trained import TrainedRun
from latentgrid.tracking.logged_models import signature
from latentgrid.tracking.page import PAGE_SETTINGS
from latentgrid.tracking.register import register
from latentgrid.tracking.served import ServedModel
from latentgrid.tracking.server import MLFLOW_SETTINGS
from latentgrid.tracking.sync import sync
from latentgrid.training.snapshots import snapshot
from project import empty_database
from tiny import seal
from tracked import (
    DATASET,
    NAME,
    OTHER,
    SETTINGS,
    answers,
    client,
    closed_port,
    enter,
    model_of,
    only,
    planned,
    wait_until,
    write_json,
    write_plan,
    write_run,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), dtype=np.uint8)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The files of a data set in a project with a database, and MLflow's."""
    enter(tmp_path / "project", monkeypatch)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd()}/mlflow.db")
    return planned()


def write_trained(layout: Layout, name: str = NAME) -> RunFiles:
    """Write a run whose weights are those of a network."""
    files = write_run(layout, name)
    model = models.build(SETTINGS, (1, 28, 28), 10)
    model.initialise(random_generator(SETTINGS["seed"], name))
    save_tensors(model.state_dict(), files.weights)
    seal(files)
    return files


def write_images(layout: Layout) -> None:
    layout.data.mkdir(parents=True)
    labels = np.array([0, 1, 1, 0], dtype=np.uint8)
    save_file({"test_images": IMAGES[[0, 1, 2, 0]], "test_labels": labels}, layout.images)


def ours(files: RunFiles) -> LoadedModel:
    return LoadedModel(load_model(TrainedRun(files)))


def test_a_loaded_model_answers_as_the_projects_own_code(layout: Layout) -> None:
    files = write_trained(layout)
    sync(layout)
    (output,) = only().outputs.model_outputs
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    answer = loaded.predict(IMAGES)
    assert answer.keys() == {"codes", "reconstructions"}
    assert np.array_equal(answer["codes"], ours(files).encode(IMAGES))
    assert np.array_equal(answer["reconstructions"], ours(files).reconstruct(IMAGES))
    assert loaded.predict(loaded.input_example)["codes"].shape == (2, 2)
    with pytest.raises(mlflow.MlflowException, match="does not match expected shape"):
        loaded.predict(IMAGES[:, 0])


def test_no_pickle_lies_beside_a_logged_model(layout: Layout) -> None:
    write_trained(layout)
    sync(layout)
    model = model_of(client(), only())
    assert model is not None
    assert {path.suffix for path in model.rglob("*") if path.is_file()} <= {
        *("", ".json", ".safetensors", ".made"),
    }


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("vae", {"latent_dim": 2}),
        ("gan", {"latent_dim": 2, "network": "dense"}),
        ("flow", {"kind": "coupling"}),
        ("lenet5", {}),
        ("unet", {"corruption": "pixels_50", "channels": 2}),
        ("unet_segmentation", {"channels": 2}),
    ],
)
def test_the_signature_says_what_a_model_of_each_kind_answers(
    layout: Layout, model: str, own: dict[str, object]
) -> None:
    settings = SETTINGS | {"model": model, "hyperparameters": own}
    network = models.build(settings, (1, 28, 28), 10).eval()
    network.initialise(random_generator(1, model))
    run = with_snapshots(layout, network, settings)
    said = signature(run)
    (taken,) = said.inputs.inputs
    given = np.arange(2) if taken.type == np.int64 else np.zeros((2, *taken.shape[1:]), np.uint8)
    answer = ServedModel(LoadedModel(network)).predict(given)
    assert {spec.name for spec in said.outputs.inputs} == answer.keys()
    for spec in said.outputs.inputs:
        assert answer[spec.name].dtype == spec.type
        assert answer[spec.name].shape[1:] == spec.shape[1:]


def with_snapshots(layout: Layout, model: Model, settings: dict[str, object]) -> TrainedRun:
    """Write a run with the snapshots that a training takes of a model."""
    images = torch.from_numpy(IMAGES)
    labels = torch.zeros(len(images), dtype=torch.uint8)
    of_training = images[[0] * 10], torch.arange(10, dtype=torch.uint8)
    files = write_run(layout)
    config = json.loads(files.config.read_text())
    write_json(files.config, config | {"settings": settings})
    taken = snapshot(model, Images(*of_training, images, labels), 1, samples=2, manifold=2)
    save_tensors({f"3/{name}": tensor for name, tensor in taken.items()}, files.snapshots)
    seal(files)
    return TrainedRun(files)


def pictures(run_id: str) -> dict[str, int]:
    """When each picture in a run was written, by its name."""
    listed = client().list_artifacts(run_id, "images")
    place = Path("mlruns", DATASET, run_id, "artifacts")
    return {Path(file.path).name: (place / file.path).stat().st_mtime_ns for file in listed}


def test_pictures_have_the_names_that_mlflow_gives_and_are_drawn_once(layout: Layout) -> None:
    write_images(layout)
    files = write_trained(layout)
    sync(layout)
    run = only()
    before = pictures(run.info.run_id)
    assert len(before) == 2 * len(("samples", "reconstructions", "latent plane"))
    client().log_image(run.info.run_id, IMAGES[0, 0], key="mine", step=3)
    mine = pictures(run.info.run_id).keys() - before.keys()
    shape = r"\+step\+3\+timestamp\+\d+\+[0-9a-f-]{36}(\+compressed\.webp|\.png)"
    for name in (*before, *mine):
        assert re.fullmatch(f"(mine|samples|reconstructions|latent plane){shape}", name)
    write_json(files.metrics, {"status": "finished", "silhouette": 0.25})
    sync(layout)
    assert before.items() <= pictures(run.info.run_id).items()
    write_run(layout, epochs=2)
    sync(layout)
    assert mine < pictures(only().info.run_id).keys()
    assert not before.keys() & pictures(only().info.run_id).keys()


def write_table(layout: Layout, best: str) -> None:
    """Write a table of runs in which one is the best."""
    layout.tables.mkdir(parents=True, exist_ok=True)
    losses = {name: 1.0 if name == best else 2.0 for name in (NAME, OTHER)}
    rows = [f'"{name}",vae,vae,finished,,{loss}' for name, loss in losses.items()]
    text = "\n".join(["run,entry,model,status,reason,min_train_loss", *rows])
    (layout.tables / "runs.csv").write_text(f"{text}\n")


def test_the_best_run_is_registered_once_and_users_aliases_stay(layout: Layout) -> None:
    write_plan(layout, NAME, OTHER)
    with pytest.raises(UserError, match=r"runs\.csv is not there yet; run snakemake first"):
        register(layout)
    files = [write_trained(layout, name) for name in (NAME, OTHER)]
    write_table(layout, NAME)
    said = [register(layout), register(layout)]
    assert said == [
        [f"vae: {NAME} registered as models:/digits-vae/1, alias best"],
        [f"vae: {NAME} was registered as models:/digits-vae/1, alias best"],
    ]
    client().set_registered_model_alias("digits-vae", "lecture", "1")
    client().set_registered_model_tag("digits-vae", "reviewed", "yes")
    write_table(layout, OTHER)
    register(layout)
    write_table(layout, NAME)
    register(layout)
    kept = client().get_registered_model("digits-vae")
    assert kept.aliases == {"best": 1, "lecture": 1}
    assert kept.tags == {"reviewed": "yes"}
    shutil.rmtree(files[0].folder)
    write_run(layout)  # trained again
    sync(layout)
    loaded = mlflow.pyfunc.load_model("models:/digits-vae@lecture")
    assert loaded.predict(IMAGES)["codes"].shape == (3, 2)
    assert files[0].weights.read_bytes() == b"weights" * 100


@contextmanager
def started(*arguments: str) -> Iterator[str]:
    """A server of MLflow's, from its command to its answer; its address."""
    port = str(closed_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", port],
        env=os.environ | MLFLOW_SETTINGS | PAGE_SETTINGS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url), seconds=300)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_a_server_and_a_served_model_answer_with_the_same_numbers(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_trained(layout)
    codes, again = ours(files).encode(IMAGES), ours(files).reconstruct(IMAGES)
    server = ("server", "--workers", "1", "--backend-store-uri", f"sqlite:///{Path.cwd()}/there.db")
    shutil.copy(empty_database(), "there.db")
    with started(*server, "--artifacts-destination", "there") as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        sync(layout)
        there = MlflowClient(tracking_uri=url)
        experiment = there.get_experiment_by_name(DATASET)
        (run,) = there.search_runs([experiment.experiment_id])
        (output,) = run.outputs.model_outputs
        name = f"models:/{output.model_id}"
        assert np.array_equal(mlflow.pyfunc.load_model(name).predict(IMAGES)["codes"], codes)
        with started("models", "serve", "--env-manager", "local", "--model-uri", name) as address:
            request = {"inputs": IMAGES.tolist()}
            said = requests.post(f"{address}/invocations", json=request, timeout=60).json()
    answer = said["predictions"]
    assert np.array_equal(np.array(answer["codes"], dtype=np.float32), codes)
    assert np.array_equal(np.array(answer["reconstructions"]), again)
