"""What the pipeline costs beside training: the quick run, and a training job's start and memory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psutil
import torch
import typer
from safetensors.torch import save_file

from implementations.task import Task
from latentgrid.data import Images, checksum
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.jobs import fork_server
from project_copy import project_copy, seconds
from table import Limit, print_limits

QUICK = "config/quick.yaml"
MAX_RATIO = 1.3  # wall time over training time ÷ cores
SECONDS_TO_START = 3.0
GIGABYTES = 1.5
MNIST_TRAIN, MNIST_TEST = 60_000, 10_000
STARTS = 3
SECONDS_BETWEEN_LOOKS = 0.05
RUN = "conv_vae/0"
TEST_IMAGES = (1000, 5000, 10_000)


def main(
    configfile: Annotated[str, typer.Option(help="the grid that is run cold")] = QUICK,
) -> None:
    """Print what is spent beside training."""
    with TemporaryDirectory() as name:
        folder, layout = Path(name), Layout("mnist")
        write_images(folder / layout.images)
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        alone = start(folder / layout.images)
        fork_server.start(folder / "socket")
        rows = [
            Limit("start of a training job by itself, s", alone, SECONDS_TO_START),
            Limit("start of one in a workflow, s", start(folder / layout.images), SECONDS_TO_START),
            Limit("memory of a training job, GB", memory(folder, layout), GIGABYTES),
        ]
        rows += [
            Limit(f"measures of a run on {n} test images, s", measures(folder, n))
            for n in TEST_IMAGES
        ]
    print_limits("conv_vae, on as many images as MNIST has", rows)
    whole, training = overhead(configfile)
    rows = [
        Limit(
            "wall time until all runs are trained ÷ (training time ÷ cores)", training, MAX_RATIO
        ),
        Limit("wall time until the report ÷ (training time ÷ cores)", whole, MAX_RATIO),
    ]
    print_limits(f"snakemake --cores all --configfile {configfile}, cold", rows)


def write_images(path: Path) -> None:
    """Write random images, as many as MNIST has."""
    path.parent.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    train, test = (
        torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8, generator=generator)
        for n in (MNIST_TRAIN, MNIST_TEST)
    )
    labels = torch.zeros(MNIST_TRAIN, dtype=torch.uint8)
    images = Images(train, labels, test, labels[:MNIST_TEST].clone())
    save_file(images.tensors(), path, metadata={"checksum": checksum(images)})


def start(images: Path) -> float:
    """Return the seconds from the start of a job to its first step, the least of a few."""
    settings = json.dumps(Task("conv_vae", {"latent_dim": 20}, 0, "cpu").settings)
    command = [sys.executable, "-m", "latentgrid.jobs.client", "first_step", settings, str(images)]
    return min(
        float(subprocess.run([*command, str(time.time())], capture_output=True, check=True).stdout)
        for _ in range(STARTS)
    )


def memory(folder: Path, layout: Layout) -> float:
    """Return the most memory, in GB, that a job held at a time, an epoch of `conv_vae` long."""
    settings = Task("conv_vae", {"latent_dim": 20}, 0, "cpu").settings
    settings["snapshots"] = {"epochs": [1], "samples": 64, "manifold": 16}
    write_json(folder / layout.plan, [{"name": RUN, "settings": settings}])
    command = [
        *(sys.executable, "-m", "latentgrid.steps.train", "--device", "cpu"),
        *("--dataset", layout.dataset, "--run", RUN),
    ]
    most = 0
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as job:
        while job.poll() is None:
            most = max(most, psutil.Process(job.pid).memory_info().rss)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if job.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return most / 1e9


def measures(folder: Path, test_images: int) -> float:
    """Return the seconds of the job that measures the run."""
    step = ("latentgrid.steps.evaluate", "--dataset", "mnist")
    return seconds(folder, *step, "--test-images", str(test_images), RUN)


def overhead(configfile: str) -> tuple[float, float]:
    """Return wall time over training time ÷ cores, until the report and until the last run."""
    cores = os.cpu_count() or 1
    with project_copy() as project:
        begun = time.time()
        whole = seconds(project, "snakemake", "--cores", "all", "--configfile", configfile)
        timings = list((project / "results").rglob("runs/**/timing.json"))
        trained = sum(
            sum(json.loads(file.read_text(encoding="utf-8"))["seconds per epoch"])
            for file in timings
        )
        until_trained = max(file.stat().st_mtime for file in timings) - begun
    return whole / (trained / cores), until_trained / (trained / cores)


if __name__ == "__main__":
    typer.run(main)
