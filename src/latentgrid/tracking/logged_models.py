"""Logs the trained model of a run in MLflow, which loads, serves and registers it from there.

Where the models lie on this machine's disk, the weights are a second name of the run's own file
and no copy. They stay what they are when the run is trained again: training never writes into a
file that is there, it puts another in its place.
"""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np

from latentgrid.files.atomic import write_text
from latentgrid.files.run_files import RunFiles
from latentgrid.results.run_json import as_trained
from latentgrid.results.trained import Array, TrainedRun
from latentgrid.stamps.made import stamp_of
from latentgrid.tracking.database import forget_output
from latentgrid.tracking.records import Record

WEIGHTS_TAG = "mlflow.latentgrid.weights"  # MLflow's pages hide tags that begin with its name
LOADER = "latentgrid.tracking.served"
DATA = "run"
EXAMPLE, REQUEST = "input_example.json", "serving_input_example.json"
EXAMPLES = 2  # images or seeds


def log(client: Any, run: Any, record: Record, trained: TrainedRun) -> None:
    """Make one logged model, an output of a run in MLflow, hold the trained model.

    An earlier call that was interrupted is continued.

    Args:
        client: MLflow's.
        run: the run in MLflow.
        record: what it is to show.
        trained: its files.
    """
    from mlflow.entities import LoggedModelOutput

    found = list(_ours(client, run))
    same = [model for model in found if model.tags[WEIGHTS_TAG] == record.weights]
    for model in found:
        if model not in same[:1]:
            remove(client, run, model)
    model = same[0] if same else _create(client, run, record)
    _write_files(client, model, trained)
    client.finalize_logged_model(model.model_id, "READY")
    outputs = client.get_run(run.info.run_id).outputs if same else None
    if not outputs or model.model_id not in [output.model_id for output in outputs.model_outputs]:
        step = trained.outcome.epochs
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=step)])


def remove_all(client: Any, run: Any) -> None:
    """Delete the logged models that `log` made of a run."""
    for model in _ours(client, run):
        remove(client, run, model)


def remove(client: Any, run: Any, model: Any) -> None:
    """Delete a logged model, and its files where they lie on this machine's disk."""
    if place := _local(model.artifact_location):
        shutil.rmtree(place, ignore_errors=True)
    client.delete_logged_model(model.model_id)
    forget_output(client, run, model.model_id)


def of_run(client: Any, run: Any) -> Any:
    """Return the logged model that `log` made of a run, or None."""
    return next(_ours(client, run), None)


def _ours(client: Any, run: Any) -> Iterator[Any]:
    found = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    return (model for model in found if WEIGHTS_TAG in model.tags)


def _create(client: Any, run: Any, record: Record) -> Any:
    return client.create_logged_model(
        run.info.experiment_id,
        name=record.params["entry"],
        source_run_id=run.info.run_id,
        tags={WEIGHTS_TAG: record.weights},
        params=dict(record.params),
        model_type=record.params["model"],
    )


def _local(uri: str) -> Path | None:
    """Return the folder that a URI names on this machine's disk; None if it is elsewhere."""
    parts = urlparse(uri)
    return Path(url2pathname(parts.path)) if parts.scheme in {"", "file"} else None


def _write_files(client: Any, model: Any, trained: TrainedRun) -> None:
    if place := _local(model.artifact_location):
        _write_folder(place, model, trained)
        return
    with tempfile.TemporaryDirectory() as folder:
        _write_folder(Path(folder), model, trained)
        client.log_model_artifacts(model.model_id, folder)


def _write_folder(folder: Path, model: Any, trained: TrainedRun) -> None:
    from mlflow.models import Model

    files = trained.files
    kept = RunFiles(folder / DATA, folder / DATA)
    kept.folder.mkdir(parents=True, exist_ok=True)
    for path in (files.config, files.outcome, stamp_of(files.outcome)):
        if path.exists():
            shutil.copyfile(path, kept.folder / path.name)
    _link(as_trained(files, files.weights), kept.weights)
    described = signature(trained)
    example = _example(trained, described.inputs.inputs[0])
    write_text(folder / EXAMPLE, json.dumps(example.tolist()))
    write_text(folder / REQUEST, json.dumps({"inputs": example.tolist()}))
    mlmodel = Model(
        run_id=model.source_run_id,
        model_id=model.model_id,
        artifact_path=model.artifact_location,
        signature=described,
        saved_input_example_info={
            "artifact_path": EXAMPLE,
            "type": "ndarray",
            "format": "tf-serving",
            "serving_input_path": REQUEST,
        },
    )
    mlmodel.add_flavor(
        "python_function",
        loader_module=LOADER,
        data=DATA,
        python_version=platform.python_version(),
    )
    mlmodel.save(str(folder / "MLmodel"))


def _link(weights: Path, to: Path) -> None:
    """Give a file a second name, or a copy where the file system cannot."""
    to.unlink(missing_ok=True)
    try:
        os.link(weights, to)
    except OSError:
        shutil.copyfile(weights, to)


def signature(run: TrainedRun) -> Any:
    """Return MLflow's description of what a run's model takes, and what `served` answers.

    It is read from the snapshots, so that no model has to be built.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def named(dtype: type, shape: tuple[int, ...], name: str | None = None) -> TensorSpec:
        return TensorSpec(np.dtype(dtype), (-1, *shape), name)

    kept, config = _last_snapshots(run), run.config
    images = kept["scenes"].shape[1:] if "scenes" in kept else config.image_shape
    answers: list[Any] = []
    if "codes" in kept:
        answers.append(named(np.float32, kept["codes"].shape[1:], "codes"))
    if "reconstructions" in kept:
        answers.append(named(np.uint8, images, "reconstructions"))
    if "classes" in kept:
        answers.append(named(np.float32, (config.classes,), "probabilities"))
    if "segmented" in kept:
        answers.append(named(np.int16, images[1:], "segmented"))
    if answers:
        return ModelSignature(Schema([named(np.uint8, images)]), Schema(answers))
    samples = named(np.uint8, images, "samples")
    return ModelSignature(Schema([named(np.int64, ())]), Schema([samples]))


def _example(run: TrainedRun, taken: Any) -> Array:
    """Return what a model takes: images that the run itself made, or seeds."""
    if taken.type != np.uint8:
        return np.arange(EXAMPLES)
    kept = _last_snapshots(run)
    made = [kept[name] for name in ("scenes", "reconstructions") if name in kept]
    black = np.zeros((EXAMPLES, *taken.shape[1:]), np.uint8)
    return (made or [black])[0][:EXAMPLES]


def _last_snapshots(run: TrainedRun) -> dict[str, Array]:
    last = max(int(key.partition("/")[0]) for key in run.snapshots)
    pairs = ((key.partition("/"), array) for key, array in run.snapshots.items())
    return {name: array for (epoch, _, name), array in pairs if int(epoch) == last}
