"""Results written by hand: a few runs on images of any kind, and the report that the steps make."""

import json

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from latentgrid.files.atomic import write_json, write_text
from latentgrid.files.layout import Layout
from latentgrid.grid.schema import run_name
from latentgrid.results.trained import CLASS_NAMES
from latentgrid.steps import audit, figure, model_page, quality, report, verdicts
from latentgrid.steps import tables as tabulate
from tiny import seal, write_config

DIGEST = "0"
FIGURES = ("latent", "reconstructions", "samples", "silhouettes")
DIMENSIONS = {"vae": 2, "ae": 3}
ERRORS = {"vae": 9.0, "ae": 4.0}


def write_report(dataset="digits", seeds=(0,), shape=(1, 8, 8), labels=(), names=(), n=60):
    """Write, where we stand, the results of two models and their pages; return the layout.

    Args:
        dataset: its name.
        seeds: of the runs of each model.
        shape: of an image.
        labels: the classes in turn; none for images without labels.
        names: of the classes.
        n: the number of images.
    """
    layout = Layout(dataset)
    draws = np.random.default_rng(0)
    classes = np.resize(np.array(labels or [0], np.uint8), n)
    images = draws.integers(0, 120, (n, *shape), np.uint8)
    images[np.arange(n), 0, classes % shape[1]] = 250
    tensors = {"train_images": images, "test_images": images}
    tensors |= {"train_labels": classes, "test_labels": classes}
    layout.data.mkdir(parents=True)
    save_file(tensors, layout.images, {CLASS_NAMES: json.dumps(names)})
    counts = {"training images": n, "test images": n, "image shape": shape}
    write_json(layout.description, counts | {"classes": len(set(labels)) or 1, "sha256": DIGEST})
    planned = [_planned(model, seed) for model in DIMENSIONS for seed in seeds]
    write_json(layout.plan, planned)
    for number, run in enumerate(planned):
        _write_run(layout, run, images, bool(labels), number)
    tabulate.main(dataset)
    verdicts.main(dataset, n, [])
    audit.main(dataset, [])
    write_text(layout.controls, "measure,case,expected_low,expected_high,value,inside,why,runs\n")
    quality.main(dataset)
    shown = FIGURES if labels else FIGURES[:-1]
    for name in shown:
        figure.main(dataset, name, [*DIMENSIONS])
    write_json(layout.interactive, {"library": "", "script": "", "place": ""})
    report.main(dataset, [*shown], [])
    model_page.main(dataset, "digits", "vae", [])
    return layout


def _planned(model, seed):
    axes = {"latent_dim": DIMENSIONS[model], "optimizer": "adam", "learning_rate": 0.001}
    settings = {"model": model, "hyperparameters": {"latent_dim": DIMENSIONS[model]}, "seed": seed}
    settings |= {"optimizer": "adam", "learning_rate": 0.001, "epochs": 2, "batch_size": 20}
    settings |= {"precision": "float32", "snapshots": {"epochs": [2], "samples": 32}}
    name = run_name(model, axes, seed)
    return {"name": name, "entry": model, "axes": axes, "settings": settings}


def _write_run(layout, run, images, has_classes, number):
    model, seed = run["entry"], run["settings"]["seed"]
    files = layout.run(run["name"])
    draws = np.random.default_rng(number)
    facts = {"image shape": images.shape[1:], "data sha256": DIGEST}
    write_config(files, run["settings"], **facts)
    write_json(files.timing, {"seconds per epoch": [1.0, 1.0]})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 2})
    write_text(files.history, "epoch,train_loss,test_loss\n1,3.0,4.0\n2,2.0,3.0\n")
    measured = {"min_train_loss": 2.0 + seed / 10, "train_loss": 2.0, "test_loss": 3.0}
    measured |= {"test_squared_error": ERRORS[model] + seed / 10}
    if has_classes and model == "vae":
        measured |= {"sample_score": 2.0 + seed / 10}
    if has_classes:
        measured |= {"silhouette": 0.3 - 0.05 * number}
    write_json(files.metrics, {"status": "finished", "epochs": 2} | measured)
    codes = draws.normal(size=(len(images), DIMENSIONS[model])).astype(np.float32)
    snapshots = {"2/codes": codes, "2/reconstructions": images[:36]}
    if model == "vae":
        snapshots["2/samples"] = images[:36]
    save_file(snapshots, files.snapshots)
    Image.new("RGB", (700, 260), "white").save(files.overview)
    seal(files)
