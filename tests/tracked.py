"""Runs as a training leaves them, written in no time, and what MLflow shows of them."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import Run
from safetensors.numpy import save_file

from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from project import empty_database
from tiny import seal, write_config

DATASET = "digits"
NAME = "vae/latent_dim=2,optimizer=adam,learning_rate=0.0001/seed=1"
OTHER = "vae/latent_dim=2,optimizer=adam,learning_rate=0.0001/seed=2"
KEYS = ["train/loss", "train/kl", "train/batch_sum", "test/loss", "test/kl", "test/batch_sum"]
COLUMNS = [key.replace("/", "_") for key in KEYS]
SECONDS = "final/training_seconds"
TITLE, OTHER_TITLE = "vae d=2 1e-4 s1 adam", "vae d=2 1e-4 s2 adam"
SETTINGS = {
    "model": "vae",
    "hyperparameters": {"latent_dim": 2},
    "optimizer": "adam",
    "learning_rate": 0.0001,
    "epochs": 3,
    "batch_size": 100,
    "precision": "float32",
    "snapshots": {"epochs": [1, 3], "samples": 64, "manifold": 16},
    "seed": 1,
}
STARTED, ENDED = 1782900000000, 1782900060000  # milliseconds of the two dates in write_run


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working directory without a database."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def planned() -> Layout:
    """Return the files of a data set where we stand, whose database exists, which saves seconds."""
    shutil.copy(empty_database(), "mlflow.db")
    layout = Layout(DATASET)
    write_plan(layout, NAME)
    return layout


def write_history(path: Path, epochs: int, offset: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *COLUMNS])
        for epoch in range(1, epochs + 1):
            row = [offset + number + 1 / epoch for number in range(len(COLUMNS))]
            writer.writerow([epoch, *row])


def curve(key: str, epochs: int, offset: float = 0.0) -> list[tuple[int, float]]:
    number = KEYS.index(key)
    return [(epoch, offset + number + 1 / epoch) for epoch in range(1, epochs + 1)]


def write_run(
    layout: Layout, name: str = NAME, epochs: int = 3, offset: float = 0.0, diverged: str = ""
) -> RunFiles:
    """Write what a training leaves behind."""
    files = layout.run(name)
    write_history(files.history, epochs, offset)
    files.weights.write_bytes(b"weights" * 100)
    write_snapshots(files, epochs)
    write_config(files, SETTINGS, code="0123456789ab-dirty", **{"data sha256": "d" * 64})
    write_json(
        files.timing,
        {
            "host": "here",
            "started": "2026-07-01T10:00:00+00:00",
            "ended": "2026-07-01T10:01:00+00:00",
            "seconds per epoch": [1.0] * epochs,
        },
    )
    write_json(
        files.outcome,
        {
            "status": "diverged" if diverged else "finished",
            "reason": diverged,
            "epochs": epochs,
        },
    )
    seal(files)
    return files


def write_snapshots(files: RunFiles, epochs: int) -> None:
    """Write what a model with two-dimensional codes shows of four test images."""
    codes = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], dtype=np.float32)
    images = np.arange(4 * 28 * 28).reshape(4, 1, 28, 28).astype(np.uint8)
    kept = {"codes": codes, "reconstructions": images, "samples": images}
    save_file({f"{epochs}/{name}": array for name, array in kept.items()}, files.snapshots)


def write_measures(files: RunFiles, silhouette: float) -> None:
    write_json(
        files.metrics,
        {"status": "finished", "silhouette": silhouette, "per class": [0.1, 0.2], "flag": True}
        | {"test_loss": 9},
    )
    files.overview.write_bytes(b"picture")


def write_plan(layout: Layout, *names: str) -> None:
    layout.results.mkdir(parents=True, exist_ok=True)
    write_json(
        layout.plan,
        [{"name": name, "entry": "vae", "axes": {}, "settings": SETTINGS} for name in names],
    )


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


@contextmanager
def training(files: RunFiles) -> Iterator[subprocess.Popen[str]]:
    """A living process that holds the run's lock; it dies at the end of the block."""
    files.state.mkdir(parents=True, exist_ok=True)
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(files.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def syncing(dataset: str) -> list[str]:
    """Return the command of a process that syncs."""
    code = (
        "from latentgrid.files.layout import Layout; from latentgrid.tracking.sync import sync;"
        f"sync(Layout({dataset!r}))"
    )
    return [sys.executable, "-c", code]


def client() -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{Path.cwd()}/mlflow.db")


def shown(dataset: str = DATASET) -> list[Run]:
    experiment = client().get_experiment_by_name(dataset)
    return list(client().search_runs([experiment.experiment_id]))


def only(dataset: str = DATASET) -> Run:
    (run,) = shown(dataset)
    return run


def points(run: Run, key: str) -> list[tuple[int, float]]:
    history = client().get_metric_history(run.info.run_id, key)
    in_time = sorted(history, key=lambda point: point.timestamp)
    return [(point.step, point.value) for point in in_time]


def artifact(run: Run, name: str) -> Path:
    Path("downloads").mkdir(exist_ok=True)
    return Path(client().download_artifacts(run.info.run_id, name, dst_path="downloads"))


def model_of(mlflow: MlflowClient, run: Run) -> Path | None:
    """The folder of the logged model that is a run's only output; None if it has none."""
    outputs = mlflow.get_run(run.info.run_id).outputs
    if not outputs or not outputs.model_outputs:
        return None
    (output,) = outputs.model_outputs
    place = mlflow.get_logged_model(output.model_id).artifact_location
    return Path(url2pathname(urlparse(place).path))


def weights_of(mlflow: MlflowClient, run: Run) -> bytes:
    """The weights in a run's logged model."""
    model = model_of(mlflow, run)
    assert model is not None
    return (model / "run" / "weights.safetensors").read_bytes()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@contextmanager
def serving() -> Iterator[str]:
    """MLflow's page on the database where we stand, as `make ui` opens it; its address."""
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "latentgrid", "ui", "--dataset", DATASET, "--port", str(port)],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(url), seconds=120)
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False
