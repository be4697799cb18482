"""A copy of this project in a folder of its own, and its real commands run there."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).parents[1]
FORGOTTEN = ("GIT_", "LATENTGRID_", "MLFLOW_", "SNAKEMAKE_", "PYTHONDONTWRITEBYTECODE")

# Four trainings of a few seconds each; the learning rate of 10 diverges.
TINY = {
    "dataset": "digits",
    "mirror": None,
    "seeds": [0],
    "training": {"epochs": 1, "batch_size": 200, "device": "cpu", "jobs_per_gpu": 1},
    "snapshots": {"epochs": [0, 1], "samples": 16, "manifold": 4},
    "evaluation": {"test_images": 100, "likelihood": {"images": 5, "draws": 10}},
    "figures": ["learning_curves", "manifold", "samples"],
    "models": {
        "vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": [0.001, 0.002, 10.0]},
        "mmd_vae": {"latent_dim": 3, "optimizer": "adam", "learning_rate": 0.001},
    },
}


def copy_project(to: Path) -> Path:
    """Copy the files that git knows or would know, without any result, and return the folder."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def heed_interrupts() -> None:
    """Undo what a shell does to what it runs in the background: it lets it ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def copy_built(project: Path, to: Path) -> Path:
    """Copy a project with its results and their dates.

    MLflow's files hold absolute paths; instead of its database the copy gets one without runs.
    """
    ignored = shutil.ignore_patterns("mlflow.db*", "mlruns")
    shutil.copytree(project, to, symlinks=True, ignore=ignored)
    shutil.copy(empty_database(), to / "mlflow.db")
    return to


@cache
def empty_database() -> Path:
    """Make a database of MLflow's without runs, which takes seconds, once a process."""
    from mlflow import MlflowClient

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    MlflowClient(tracking_uri=f"sqlite:///{folder / 'empty.db'}")
    return folder / "empty.db"


def shared(places: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of this session, the same for all workers of pytest-xdist."""
    own = places.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def built(places: pytest.TempPathFactory) -> Path:
    """Build the tiny grid by one call, once a session; tests that change a file do so in a copy.

    Workers of pytest-xdist share it, so that nobody calls Snakemake in it either. What the call
    said is in `built.done` beside it.
    """
    project = shared(places) / "built"
    done = project.with_name("built.done")
    with FileLock(f"{project}.lock"):
        if not done.exists():
            copy_project(project)
            write_params(project, TINY)
            said = run(project, "snakemake", "--cores", "2").stderr
            done.write_text(said, encoding="utf-8")
    return project


def environment(project: Path) -> dict[str, str]:
    """Return the variables with which a user calls the commands, the copy's sources first."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith(FORGOTTEN)}
    person = {
        f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return (
        kept
        | person
        | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(project / "src"),
        }
    )


def call(project: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in the project, whatever comes of it; its two outputs are kept as text."""
    return subprocess.run(
        command,
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=1800,  # a stuck call, not a slow machine
        check=False,
        **options,
    )


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project that must succeed."""
    done = call(project, *command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def has_nothing_to_do(project: Path, *arguments: str) -> bool:
    """Tell whether Snakemake finds every file up to date; `-n` keeps it from making them."""
    done = run(project, "snakemake", *arguments)
    return "Nothing to be done" in done.stdout + done.stderr


def write_params(project: Path, params: Mapping[str, Any]) -> None:
    """Make `params` the project's params.yaml."""
    (project / "params.yaml").write_text(yaml.safe_dump(dict(params), sort_keys=False))


def pending(project: Path, *arguments: str) -> dict[str, str]:
    """Return the files that Snakemake would make, each with the rule that makes it."""
    lines = run(project, "snakemake", "--summary", *arguments).stdout.splitlines()
    heading, *rows = (line.split("\t") for line in lines)
    files = [dict(zip(heading, row, strict=True)) for row in rows]
    return {file["output_file"]: file["rule"] for file in files if file["plan"] != "no update"}


def to_train(files: Mapping[str, str]) -> set[str]:
    """Return the names of the runs among the files that `pending` found."""
    return {
        name.split("/runs/")[1].removesuffix("/outcome.json")
        for name, rule in files.items()
        if rule == "train" and name.endswith("/outcome.json")
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
