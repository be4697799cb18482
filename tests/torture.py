"""Pull the plug on the real workflow at random moments, again and again, and count what it costs.

The seed decides the moments and who is killed: a job, Snakemake, or everything at once. Whatever
happens, the next call must go on, and a grid that is done must have the bits of one that was never
touched, with nothing locked, running or half-written. `make torture` runs it.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import mlflow
import psutil
import typer

from latentgrid.commands.compare import compare
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held
from project import TINY, copy_project, environment, has_nothing_to_do, run, write_params

GRID = TINY | {
    "training": TINY["training"] | {"epochs": 8},
    "snapshots": {"epochs": [0, 2, 5, 8], "samples": 16, "manifold": 4},
    "figures": ["samples"],
    "models": {
        "vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": [0.001, 10.0]},
        "mmd_vae": {"latent_dim": 3, "optimizer": "adam", "learning_rate": 0.001},
    },
}
LAYOUT = Layout(GRID["dataset"])
CALL = ("snakemake", "--cores", "2")
MAX_SECONDS = 600  # for a process to go away
MOMENT = 60  # seconds, generous, for a step that starts up to see that its workflow is gone


def main(
    kills: Annotated[int, typer.Option(help="how often somebody is killed")] = 50,
    seed: Annotated[int, typer.Option(help="decides when and who")] = 0,
) -> None:
    """Kill and go on, until somebody was killed so many times."""
    with tempfile.TemporaryDirectory(prefix="latentgrid-torture-") as folder:
        untouched = copied(Path(folder) / "untouched")
        started = time.monotonic()
        run(untouched, *CALL)
        seconds = time.monotonic() - started
        print(f"An untouched grid takes {seconds:.0f} s; seed {seed}.", flush=True)
        victims = torture(Path(folder), untouched, kills, random.Random(seed), seconds)
        print(", ".join(f"{count} times {victim}" for victim, count in sorted(victims.items())))


def torture(
    folder: Path, untouched: Path, kills: int, draws: random.Random, seconds: float
) -> Counter[str]:
    """Kill so many times, on one grid after another, and return how often whom."""
    victims: Counter[str] = Counter()
    grids = 0
    while victims.total() < kills:
        grids += 1
        project = copied(folder / f"grid {grids}")
        for victim in cut_off(project, draws, seconds):
            victims[victim] += 1
            print(f"{victims.total():3}. killed {victim}", flush=True)
            if victims.total() == kills:
                break
        run(project, *CALL)
        print(f"grid {grids} is done: {inspected(untouched, project)}", flush=True)
        shutil.rmtree(project)
    print(f"\n{kills} kills, {grids} grids, each with the bits of the untouched one:")
    return victims


def cut_off(project: Path, draws: random.Random, seconds: float) -> Iterator[str]:
    """Start the workflow and kill somebody, until it comes to its end before the moment does."""
    while True:
        workflow = subprocess.Popen(
            CALL,
            cwd=project,
            env=environment(project),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            workflow.wait(draws.uniform(0, seconds / 2))
        except subprocess.TimeoutExpired:
            victim = kill(workflow, draws.choice(["a job", "Snakemake", "everything"]), draws)
            workflow.wait(MAX_SECONDS)
            wait_for_steps(project)
            yield victim
        else:
            assert workflow.returncode == 0, "nobody was killed, and yet it failed"
            return


def kill(workflow: subprocess.Popen[bytes], victim: str, draws: random.Random) -> str:
    """Kill with SIGKILL and return who it was: while there is no job, it is Snakemake."""
    if victim == "everything":
        os.killpg(workflow.pid, signal.SIGKILL)
        return victim
    if victim == "a job":
        with contextlib.suppress(IndexError, psutil.NoSuchProcess):
            draws.choice(jobs_of(workflow)).kill()
            return victim
    workflow.kill()
    return "Snakemake"


def jobs_of(workflow: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the steps that the workflow runs now."""
    below = psutil.Process(workflow.pid).children(recursive=True)
    return [process for process in below if is_step(process)]


def wait_for_steps(project: Path) -> None:
    """Wait until no step is left; those that were starting up take a moment to find out.

    Raises:
        AssertionError: one outlives its workflow.
    """
    until = time.monotonic() + MOMENT
    while left := steps_in(project):
        assert time.monotonic() < until, f"outlived its workflow: {left}"
        time.sleep(0.1)


def steps_in(project: Path) -> list[str]:
    """Return the commands of the steps that run in a project."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if is_step(process) and process.cwd() == str(project):
                found.append(" ".join(process.cmdline()))
    return found


def is_step(process: psutil.Process) -> bool:
    """Tell a step, as in `python -m latentgrid.training`, from the tracker and all others."""
    return any(word.startswith("latentgrid.") for word in process.cmdline())


def inspected(untouched: Path, project: Path) -> str:
    """Return what a finished grid has in common with an untouched one: all there is.

    Raises:
        AssertionError: a file differs, or something is locked, running or half-written.
    """
    comparison = compare(untouched, project)
    assert not comparison.differences, comparison.differences
    assert not any((project / LAYOUT.state).iterdir()), "a run has left its state"
    assert not list((project / "results").rglob("*.part")), "a file is half-written"
    assert not is_held(project / LAYOUT.lock), "the results are locked"
    assert has_nothing_to_do(project, "-n")
    mlflow.set_tracking_uri(f"sqlite:///{project / 'mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True)
    tracked = runs[runs["tags.latentgrid.run"].notna()]
    assert len(tracked) == len(list((project / LAYOUT.runs).rglob("outcome.json")))
    assert set(tracked["status"]) <= {"FINISHED", "FAILED"}, "a run in MLflow is left running"
    return comparison.summary


def copied(folder: Path) -> Path:
    """Return a project with the grid in it that nothing was made of yet."""
    write_params(copy_project(folder), GRID)
    return folder


if __name__ == "__main__":
    typer.run(main)
