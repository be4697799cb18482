"""MLflow beside the workflow: a process that follows it, and its last words."""

import os
import subprocess
import sys

from latentgrid.errors import printable
from latentgrid.files.layout import Layout
from latentgrid.pipeline.failure import STOPPING, text_of

FOLLOWERS: list[subprocess.Popen[bytes]] = []


def start_tracking(layout: Layout) -> None:
    """Keep MLflow up to date until this process ends, however it ends, in a process beside it."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    with layout.tracking_log.open("wb") as log:
        follower = subprocess.Popen(
            [sys.executable, "-m", "latentgrid", "track", "--dataset", layout.dataset, "--follow"],
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    FOLLOWERS.append(follower)


def finish_tracking(layout: Layout) -> None:
    """Wait until MLflow is up to date, and print what its follower said meanwhile.

    Whoever stopped the workflow is not kept waiting: the follower goes on by itself.
    """
    if os.environ.get(STOPPING):
        return
    for follower in FOLLOWERS:
        said_before = text_of(layout.tracking_log)
        follower.communicate()
        said = text_of(layout.tracking_log).removeprefix(said_before)
        if follower.returncode < 0:
            said += "warning: MLflow's follower was killed; `latentgrid track` does its work\n"
        print(printable(said), end="", file=sys.stderr, flush=True)
