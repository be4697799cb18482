"""Trains models as the pipeline does and compares what they reach with values known from elsewhere.

One command, `python benchmarks/known_values.py`; README.md beside it says what the checks are, how
long they take and what they gave. Each run is the data step and the training step of the workflow
with settings as `params.yaml` would give them, in a temporary folder that is removed again.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from latentgrid.errors import UserError
from latentgrid.evaluation.measures import accuracy, losses, reconstruction
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue, reading
from latentgrid.grid.runs import planned_runs
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import TrainedRun, load_test_set

UNLIMITED = 400  # columns, where no terminal sets a limit
PIXELS = 28 * 28
LAST = 5  # epochs to average samples over, as the players of a GAN circle around each other
MEASURES = (losses, reconstruction, accuracy)
Figures = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """A value known from elsewhere, and what agrees with it.

    Attributes:
        what: what the value is, with its unit.
        figure: the measured figure that it is compared with.
        value: as its source gives it.
        source: who says so.
        least, most: a measured figure in between agrees.
        per: the measured figure is divided by this first.
    """

    what: str
    figure: str
    value: str
    source: str
    least: float = -inf
    most: float = inf
    per: int = 1

    def agrees(self, measured: float) -> bool:
        """Return whether the measured figure agrees; one that is no number does not."""
        return self.least <= measured <= self.most

    @property
    def accepted(self) -> str:
        """What agrees, in words."""
        if self.most == inf:
            return f"{self.least:.5g} or more"
        return f"{self.least:.5g} to {self.most:.5g}"


@dataclass(frozen=True)
class Check:
    """A training, and what is known of its outcome.

    Attributes:
        group: what `--only` calls it.
        entry: what would stand below `models:` in `params.yaml`, one value on each axis.
        known: the values.
        data: "mnist" or "pixel".
    """

    group: str
    entry: Mapping[str, Any]
    known: tuple[Known, ...]
    data: str = "mnist"


@dataclass(frozen=True)
class Finding:
    """What a run gave for one known value."""

    known: Known
    epochs: int
    measured: float


def near(
    what: str, figure: str, value: float, source: str, tolerance: float, per: int = 1
) -> Known:
    """Return a value with which agrees what is at most so far from it."""
    return Known(what, figure, f"{value:g}", source, value - tolerance, value + tolerance, per)


# PCA leaves no freedom: half a unit of the last digit that is given, and a little for rounding.
APART = "NumPy's eigenvectors, computed apart"
PCA_ERRORS = {
    2: (0.05567, 0.05547),
    4: (0.04790, 0.04737),
    8: (0.03744, 0.03641),
    16: (0.02686, 0.02538),
    32: (0.01683, 0.01521),
}
ROUNDING = 6e-6
FLOWS = {"coupling": ("Real NVP (5)", 1.93), "autoregressive": ("MAF (5)", 1.89)}


def pca_check(d: int, error: float, cut: float) -> Check:
    """Return the check of the projection onto d principal components."""
    name = f"pca, d = {d}: squared error per pixel"
    known = (
        near(name, "test_loss", error, APART, ROUNDING, PIXELS),
        near(f"{name}, cut to [0, 1]", "test_squared_error", cut, APART, ROUNDING, PIXELS),
    )
    return Check("pca", {"model": "pca", "latent_dim": d}, known)


def flow_check(kind: str, published: str, bits: float) -> Check:
    """Return the check of a flow of five transforms, narrower than the published one."""
    source = f"{published}, Papamakarios et al. 2017"
    known = near(f"flow, {kind}: bits per pixel", "test_loss", bits, source, 0.1)
    entry = {"model": "flow", "kind": kind, "optimizer": "adam", "learning_rate": 0.0003}
    return Check("flow", entry | {"epochs": 20}, (known,))


CHECKS = (
    *(pca_check(d, *errors) for d, errors in PCA_ERRORS.items()),
    Check(
        "pca",
        {"model": "pca", "latent_dim": 30},
        (
            near(
                "pca, d = 30: squared error per image",
                "test_loss",
                13.87,
                "Hinton and Salakhutdinov 2006, fig. 2B",
                0.006,
            ),
        ),
    ),
    Check(
        "lenet5",
        {"model": "lenet5", "optimizer": "adam", "learning_rate": 0.001, "epochs": 20},
        (
            Known(
                "lenet5: test accuracy",
                "test_accuracy",
                "0.9905",
                "LeNet-5, LeCun et al. 1998",
                least=0.99,
            ),
        ),
    ),
    Check(
        "gan",
        {
            "model": "gan",
            "latent_dim": 1,
            "hidden": 32,
            "discriminator_steps": 5,
            "optimizer": "adam_gan",
            "learning_rate": 0.001,
            "epochs": 20,
        },
        (
            near("gan, one pixel: mean of the samples", "sample_mean", 0.5, "the data", 0.02),
            near(
                "gan, one pixel: their standard deviation",
                "sample_deviation",
                0.1,
                "the data",
                0.02,
            ),
        ),
        data="pixel",
    ),
    Check(
        "vae",
        {
            "model": "vae_bce",
            "latent_dim": 20,
            "hidden": 500,
            "hidden_layers": 2,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "epochs": 10,
        },
        (
            Known(
                "vae_bce, d = 20: negative ELBO of grey pixels, nats",
                "test_loss",
                "105.6",
                "PyTorch's example: one layer of 400",
                least=98,
                most=106,
            ),
        ),
    ),
    *(flow_check(kind, *published) for kind, published in FLOWS.items()),
)
GROUPS = tuple(dict.fromkeys(check.group for check in CHECKS))


def main(
    mirror: Annotated[
        str | None, typer.Option(help="URL or folder with the four archives of MNIST")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"a check to make, of {', '.join(GROUPS)}; repeatable")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="instead of each check's own number")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
) -> None:
    """Check models against known values; the exit status is 1 if any disagrees."""
    unknown = set(only or ()) - set(GROUPS)
    if unknown:
        raise UserError(f"--only: found {', '.join(unknown)}; allowed: {', '.join(GROUPS)}")
    findings: list[Finding] = []
    with TemporaryDirectory(prefix="latentgrid-benchmarks-") as folder:
        try:
            for check in CHECKS:
                if not only or check.group in only:
                    findings += made(check, Path(folder), mirror, epochs, device)
        finally:  # what was found before Ctrl-C is shown too
            show(findings)
    if not all(finding.known.agrees(finding.measured) for finding in findings):
        sys.exit(1)


def made(
    check: Check, folder: Path, mirror: str | None, epochs: int | None, device: str
) -> list[Finding]:
    """Train the check's run below `folder` and compare."""
    settings = settings_of(check, epochs)
    print(f"{check.group}: {json.dumps(settings['hyperparameters'])}", flush=True)
    layout = Layout(check.data)
    images = folder / layout.images
    if not images.exists():
        prepare(check.data, images, mirror)
    run = layout.run(f"{check.group}/check/seed=0")
    write_json(folder / layout.plan, [{"name": layout.name(run), "settings": settings}])
    step("train", folder, dataset=check.data, run=layout.name(run), device=device)
    files = RunFiles(folder / run.folder, folder / run.state)
    found = figures(TrainedRun(files), images)
    return [
        Finding(known, settings["epochs"], found.get(known.figure, float("nan")) / known.per)
        for known in check.known
    ]


def settings_of(check: Check, epochs: int | None) -> dict[str, Any]:
    """Return the settings of the check's run, as the workflow gives them to the training step."""
    entry = dict(check.entry)
    if epochs and not catalogue.is_closed_form(entry["model"]):
        entry["epochs"] = epochs
    trained = entry.get("epochs", 1)
    raw = {
        "dataset": "mnist",
        "mirror": None,
        "seeds": [0],
        "training": {"epochs": 1, "batch_size": 100, "device": "auto", "jobs_per_gpu": 1},
        "snapshots": {
            "epochs": list(range(max(1, trained - LAST + 1), trained + 1)),
            "samples": 4000 if check.data == "pixel" else 1,
            "manifold": 2,
        },
        "evaluation": {"test_images": 10_000},
        "models": {check.group: entry},
    }
    (run,) = planned_runs(reading.check(raw, "known_values.py"))
    return run.settings


def prepare(data: str, images: Path, mirror: str | None) -> None:
    """Write the images of a check, as the data step writes them."""
    images.parent.mkdir(parents=True)
    if data == "pixel":
        write_pixels(images)
    else:
        source = {"mirror": mirror} if mirror else {}
        description = images.with_name("description.json")
        here = images.parent
        step("data", here, dataset=data, images=images, description=description, **source)


def write_pixels(path: Path) -> None:
    """Write 4000 images of one pixel, drawn from N(0.5, 0.1²) and rounded to bytes."""
    import torch
    from safetensors.torch import save_file

    from latentgrid.data import Images, checksum
    from latentgrid.randomness import random_generator

    values = torch.empty(4000, 1, 1, 1).normal_(0.5, 0.1, generator=random_generator(0, "points"))
    points = values.clamp(0, 1).mul(255).round().to(torch.uint8)
    labels = torch.zeros(len(points), dtype=torch.uint8)
    images = Images(points, labels, points[:100].clone(), labels[:100].clone())
    save_file(images.tensors(), path, metadata={"checksum": checksum(images)})


def step(name: str, folder: Path, **options: object) -> None:
    """Run a step of the pipeline in a folder as a process of its own, as the workflow does."""
    given = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", f"latentgrid.steps.{name}", *given], cwd=folder, check=False
    )
    if done.returncode:
        raise UserError(f"the {name} step failed; it said why above")


def figures(run: TrainedRun, images: Path) -> Figures:
    """Return what the pipeline measures of a run, and the moments of its samples if it has any."""
    test = load_test_set(images)
    found: Figures = {}
    for measure in MEASURES:
        found |= measure.measure(run, test)
    samples = [
        values.astype(float) / 255
        for name, values in run.snapshots.items()
        if name.endswith("/samples")
    ]
    if samples:
        found["sample_mean"] = float(np.mean([values.mean() for values in samples]))
        found["sample_deviation"] = float(np.mean([values.std() for values in samples]))
    return found


def show(findings: list[Finding]) -> None:
    """Print the table."""
    console = Console(width=None if sys.stdout.isatty() else UNLIMITED)
    table = Table("check", "known", "source", "accepted", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("epochs", "measured", "agrees"):
        table.add_column(heading, justify="right", no_wrap=True)
    for finding in findings:
        known = finding.known
        table.add_row(
            known.what,
            known.value,
            known.source,
            known.accepted,
            str(finding.epochs),
            f"{finding.measured:.5g}",
            "yes" if known.agrees(finding.measured) else "NO",
        )
    console.print(table, highlight=False)


if __name__ == "__main__":
    run_step(main)
