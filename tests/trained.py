"""A small run, trained by the training job's own code, in the folders of a project."""

from safetensors.torch import save_file

from latentgrid.data import CLASS_NAMES, checksum
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue
from latentgrid.stamps.code import code_of
from latentgrid.stamps.made import Product, Recipe, stamp
from latentgrid.training.run import train_run

SETTINGS = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "epochs": 2,
    "batch_size": 20,
    "precision": "float32",
    "seed": 5,
    "snapshots": {"epochs": [2], "samples": 16, "manifold": 2},
}


def train(project, images, model, **hyperparameters):
    """Train a run on images and return its folder; the data set is called few."""
    settings = {"model": model, "hyperparameters": hyperparameters, **SETTINGS}
    return train_as(f"{model}/default/seed=5", project, images, settings)


def train_as(name, project, images, settings):
    """Train a run of a name and settings on images, as `train` does."""
    layout = Layout("few")
    file = project / layout.images
    if not file.exists():
        file.parent.mkdir(parents=True)
        tensors = {name: part.contiguous() for name, part in images.tensors().items()}
        save_file(tensors, file, {"checksum": checksum(images), CLASS_NAMES: "[]"})
    files = RunFiles(project / layout.run(name).folder, project / layout.run(name).state)
    code = code_of("latentgrid.training.run", *catalogue.modules_of(settings))
    train_run(settings, file, files, "cpu", code.digest)
    modules = {name: digest[:12] for name, digest in code.modules.items()}
    stamp(Product((files.outcome,), (), Recipe(settings, code.digest, modules)), {})
    return files.folder
