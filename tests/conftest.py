"""Fixtures that several test files share."""

import os
import shutil
import sys
from pathlib import Path

import pytest

pytest_plugins = ["counts"]

# Like a training job; with more threads, tests that run side by side slow each other down.
os.environ["OMP_NUM_THREADS"] = "1"

MNIST_ARCHIVES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
OF_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def mnist_mirror(tmp_path_factory):
    """Folder that holds the four original archives of MNIST.

    That of LATENTGRID_MNIST_MIRROR, one that lies beside the project, or a fresh download.
    """
    beside = Path(__file__).parents[2] / "shared" / "mnist"
    folder = Path(os.environ.get("LATENTGRID_MNIST_MIRROR", beside))
    missing = [name for name in MNIST_ARCHIVES if not (folder / name).is_file()]
    if not missing:
        return folder
    if "LATENTGRID_MNIST_MIRROR" in os.environ:
        pytest.fail(f"LATENTGRID_MNIST_MIRROR: {folder} lacks {', '.join(missing)}")
    return _downloaded(tmp_path_factory.mktemp("mnist"))


def _downloaded(folder):
    from latentgrid.data.sources import mnist
    from latentgrid.errors import UserError

    try:
        mnist.load(folder, mirror=None)
    except UserError as error:
        pytest.skip(f"MNIST is not to be had; set LATENTGRID_MNIST_MIRROR. {error}")
    return folder / "MNIST" / "raw"


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory):
    """scikit-learn's digits as the data step stores them."""
    from latentgrid.steps.data import prepare

    folder = tmp_path_factory.mktemp("digits")
    prepare("digits", folder / "images.safetensors", folder / "description.json")
    return folder / "images.safetensors"


@pytest.fixture(scope="session")
def few_images(digits_file):
    """70 images to train on and 30 to test on."""
    from latentgrid.data import Images, load_images

    digits = load_images(digits_file)
    return Images(
        digits.train_images[:70],
        digits.train_labels[:70],
        digits.test_images[:30],
        digits.test_labels[:30],
    )


@pytest.fixture(scope="session")
def few_images_file(few_images, tmp_path_factory):
    """30 images to train on and 30 to test on, as the data step stores them."""
    from safetensors.torch import save_file

    from latentgrid.data import Images, checksum

    path = tmp_path_factory.mktemp("few") / "images.safetensors"
    fewer = Images(*(tensor[:30].clone() for tensor in few_images.tensors().values()))
    save_file(fewer.tensors(), path, metadata={"checksum": checksum(fewer)})
    return path


@pytest.fixture(scope="module")
def browser():
    """A browser without windows."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("there is no chromium on PATH")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=found, args=OF_CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture
def raw_params():
    """The grid of source 000, as `params.yaml` holds it."""
    axes = {
        "latent_dim": [2, 20, 50],
        "optimizer": ["adadelta", "adam", "rmsprop"],
        "learning_rate": [1e-4, 7.5e-4],
    }
    return {
        "dataset": "mnist",
        "mirror": None,
        "seeds": [0],
        "training": {"epochs": 50, "batch_size": 100, "device": "auto", "jobs_per_gpu": 1},
        "snapshots": {"epochs": [1, 5, 20], "samples": 64, "manifold": 16},
        "evaluation": {"test_images": 10_000, "likelihood": {"images": 500, "draws": 500}},
        "models": {
            name: {axis: list(values) for axis, values in axes.items()}
            for name in ("vae", "conv_vae", "mmd_vae")
        },
    }


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A project with the tiny grid built in it; nobody changes it."""
    from project import built as build

    return build(tmp_path_factory)


@pytest.fixture
def project(built, tmp_path):
    """A copy of the built project, to be changed."""
    from project import copy_built

    yield copy_built(built, tmp_path / "project")
    shutil.rmtree(tmp_path / "project", ignore_errors=True)  # MLflow's follower may still write


@pytest.fixture(autouse=True)
def _denormal_numbers():
    """Undo what a training sets for its whole process; Hypothesis refuses to draw numbers then."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
