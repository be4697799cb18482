"""Makes small results on which measures, figures and claims are tried.

Every ability has a model, trained for one epoch. There are 26 classes; the three test images show
two of them.
"""

import atexit
import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from latentgrid.data import Images, checksum
from latentgrid.evaluation import judge as judging
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, schema
from latentgrid.grid.runs import canonical, plan_of, planned_runs, read_plan
from latentgrid.results.trained import TrainedRun
from latentgrid.steps import embed_codes, embed_images, evaluate, tables
from latentgrid.training.run import train_run

LAYOUT = Layout("digits")
TEST_LABELS = [0, 25, 25]
STEPS = {"optimizer": "adam", "learning_rate": 0.001}
MODELS: dict[str, dict[str, Any]] = {
    "lenet5": STEPS,
    "pca": {"latent_dim": [2, 3]},
    "ae": {"latent_dim": [2, 4], "hidden": 8, **STEPS},
    "vae_bce": {"latent_dim": 2, "hidden": 8, **STEPS},
    "gan": {"latent_dim": 2, "hidden": 8, **STEPS},
    "cond_gan": {"latent_dim": 2, "hidden": 8, **STEPS},
    "dae": {"latent_dim": 2, "channels": 2, **STEPS},
    "unet": {"channels": 2, **STEPS},
    "unet_segmentation": {"channels": 2, **STEPS},
}
CONFIGURATION = {
    "dataset": LAYOUT.dataset,
    "training": {"epochs": 1, "batch_size": 26, "device": "cpu", "jobs_per_gpu": 1},
    "snapshots": {"epochs": [0, 1], "samples": 16, "manifold": 4},
    "evaluation": {"test_images": len(TEST_LABELS), "judge": "lenet5", "likelihood": None},
    "models": MODELS,
}


def letters() -> Images:
    """Return 8×8 images of noise: 52 training images, two per class, and 3 test images."""
    draws = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (55, 1, 8, 8), generator=draws).to(torch.uint8)
    labels = torch.tensor([*range(26), *range(26), *TEST_LABELS]).to(torch.uint8)
    return Images(pixels[3:], labels[:52], pixels[:3], labels[52:])


@contextlib.contextmanager
def trained() -> Iterator[None]:
    """Change to a folder with trained runs and the judge's scores, made once per process."""
    with contextlib.chdir(_train()):
        yield


@contextlib.contextmanager
def results() -> Iterator[None]:
    """Change to the same folder after the workflow's steps have made measures and tables in it."""
    with contextlib.chdir(_evaluate()):
        yield


@cache
def _train() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    chosen = schema.Params.model_validate(CONFIGURATION)  # keeps the plugins
    said = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with contextlib.chdir(folder), said[0], said[1]:
        data = letters()
        LAYOUT.data.mkdir(parents=True)
        save_file(data.tensors(), LAYOUT.images, metadata={"checksum": checksum(data)})
        write_json(LAYOUT.description, {"sha256": checksum(data)})
        write_json(LAYOUT.plan, json.loads(canonical(plan_of(chosen))))
        runs = planned_runs(chosen)
        for run in runs:
            train_run(run.settings, LAYOUT.images, LAYOUT.run(run.name), "cpu", "code")
        classify = judging.load_judge(TrainedRun(LAYOUT.run(runs[0].name)))
        assert classify is not None
        for run in runs:
            trained_run = TrainedRun(LAYOUT.run(run.name))
            images = (np.asarray(part) for part in (data.train_images, data.test_images))
            judging.write_scores(trained_run, judging.score(trained_run, classify, *images))
    return folder


@cache
def _evaluate() -> Path:
    folder = _train()
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for planned in read_plan(LAYOUT.plan):
            evaluate.main(LAYOUT.dataset, planned["name"], len(TEST_LABELS), read=["judged"])
        tables.main(LAYOUT.dataset)
        embed_images.main(LAYOUT.dataset)
        embed_codes.main(LAYOUT.dataset, list(MODELS))
    return folder


def entries_that_can(needed: frozenset[str]) -> list[str]:
    """Return the entries whose models have these abilities."""
    return [model for model in MODELS if needed <= catalogue.abilities(model)]
