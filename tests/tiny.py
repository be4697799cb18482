"""Results of a few untrained models, written as the workflow writes them and in no time."""

import json

import pandas as pd
import torch
from safetensors.torch import save_file

from latentgrid.data import Images
from latentgrid.figures.results import Results
from latentgrid.files.atomic import sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.randomness import random_generator
from networks import build

LAYOUT = Layout("digits")


def tiny_results(images: Images, runs) -> Results:
    """Write results of `runs`, dicts of entry, model, seed and hyperparameters, where we stand."""
    LAYOUT.data.mkdir(parents=True)
    save_file({name: part.contiguous() for name, part in images.tensors().items()}, LAYOUT.images)
    rows, plan = [], []
    for number, run in enumerate(runs):
        axes = run["hyperparameters"]
        name = f"{run['entry']}/{number}"
        files = LAYOUT.run(name)
        files.folder.mkdir(parents=True)
        shape = list(images.train_images.shape[1:])
        model = build(run["model"], shape=tuple(shape), seed=run["seed"], **axes)
        with torch.no_grad():
            model.before_epoch(1, images.train_images, random_generator(0, "test"))
            save_file(model.state_dict(), files.weights)
        settings = {"model": run["model"], "hyperparameters": axes, "seed": run["seed"]}
        write_config(files, settings, **{"image shape": shape})
        write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 1})
        seal(files)
        plan.append({"entry": run["entry"], "axes": axes, "name": name})
        measured = {"min_train_loss": float(number), "test_squared_error": 10.0 + number}
        identity = {"run": name, "entry": run["entry"], "model": run["model"], "seed": run["seed"]}
        rows.append(
            identity | axes | {"status": "finished", "reason": "", "silhouette": 0.1} | measured
        )
    write_json(LAYOUT.plan, plan)
    LAYOUT.tables.mkdir(parents=True)
    table = pd.DataFrame(rows)
    measures = ["status", "reason", "silhouette", *measured]
    order = [*table.columns.difference(measures, sort=False), *measures]
    table[order].to_csv(LAYOUT.tables / "runs.csv", index=False)
    return Results(LAYOUT)


def a_run(model, entry=None, seed=0, **hyperparameters):
    """Return a run for `tiny_results`."""
    entry = entry or model
    return {"entry": entry, "model": model, "seed": seed, "hyperparameters": hyperparameters}


def write_config(files, settings, **facts):
    """Write what a run was made with, whole, as a training does."""
    words = dict.fromkeys(("description", "batch total", "code", "data sha256", "device"), "some")
    shape = {"image shape": [1, 28, 28], "classes": 10, "parameters": 1}
    libraries = {"libraries": {"torch": "2.13.0"}, "terms": {"loss": "nats"}, "total": "loss"}
    write_json(files.config, {"settings": settings} | words | shape | libraries | facts)


def seal(files):
    """Let a run's outcome hold the digests of its files, as a training does at its end."""
    written = {path.name: sha256(path) for path in files.results if path.exists()}
    write_json(files.outcome, json.loads(files.outcome.read_text()) | {"sha256": written})
