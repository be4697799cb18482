"""A copy of this project without results, in which the real commands are run and timed."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

ROOT = Path(__file__).parents[1]


@contextmanager
def project_copy() -> Iterator[Path]:
    """Give a folder with the files that git knows, which is deleted afterwards."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    with TemporaryDirectory() as name:
        for file in map(Path, filter(None, listed.stdout.split("\0"))):
            copy = Path(name) / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, copy)
        yield Path(name)
        _wait_for_the_tracker(name)


def _wait_for_the_tracker(project: str) -> None:
    """Wait for what brings the last results into MLflow when a workflow has ended."""
    processes = psutil.process_iter(["cwd"])
    psutil.wait_procs([process for process in processes if process.info["cwd"] == project])


def seconds(project: Path, *command: str) -> float:
    """Run a module of Python in a project and return the wall time it took.

    Raises:
        RuntimeError: it failed; the text is the end of what it said.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
    return time.perf_counter() - started
