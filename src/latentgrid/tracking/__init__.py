"""MLflow as a view of the run files: they are the truth, and an import can be repeated at will.

No file keeps anything of MLflow's, so its database may be deleted at any time: the next `sync`
makes it again, but for what users have written in it. MLflow is imported only when there is
something to bring, as that takes seconds.
"""

import contextlib
import os
import select
import sys
from typing import IO, Any

from filelock import FileLock, Timeout

from latentgrid.errors import UserError, without_credentials
from latentgrid.files.layout import Layout
from latentgrid.tracking.records import fingerprint
from latentgrid.tracking.runs import import_all
from latentgrid.tracking.server import (
    MLFLOW_SETTINGS,
    DatabaseUnusable,
    TrackingUnavailable,
    database_of,
    lock_of,
    one_error,
    open_experiment,
    require_usable,
    silence,
    tracking_uri,
)

__all__ = ["DatabaseUnusable", "TrackingUnavailable", "follow", "serve", "sync"]

NICENESS = 5  # a quarter of a busy core; at 19, importing MLflow would outlast a short workflow


def sync(layout: Layout) -> None:
    """Bring MLflow in line with the files of one data set, once.

    The tracking server is that of MLFLOW_TRACKING_URI, else `mlflow.db` in the working directory
    with the artifacts in `mlruns/` beside it. Any number of processes may call this at once.

    Raises:
        TrackingUnavailable: MLflow refuses or does not answer; a later call catches up.
        DatabaseUnusable: its database is none that can be written; the text says what to do.
    """
    uri = tracking_uri()
    with silence():
        if database := database_of(uri):
            require_usable(database)
        with one_error(uri, layout), FileLock(lock_of(uri, layout)):
            client, experiment = open_experiment(uri, layout)
            anew = import_all(client, experiment, layout)
    if anew:
        print(
            f"note: {anew} runs of {layout.dataset} have new ids in MLflow at "
            f"{without_credentials(uri)}, which keeps what was logged of an earlier training; "
            "notes, tags, metrics and files of yours were taken along",
            file=sys.stderr,
            flush=True,
        )


def follow(layout: Layout, workflow: IO[Any], seconds: float = 5.0) -> None:
    """Repeat `sync` whenever files changed until a workflow ends, and once more then.

    If another process follows this data set, only the last pass is made. If MLflow is unavailable
    before, that is one warning on stderr, and later passes try again. The caller gets a low CPU
    priority.

    Args:
        layout: the files to follow.
        workflow: a pipe that nobody writes to; its end says that the workflow has ended.
        seconds: time between two looks at the files.

    Raises:
        TrackingUnavailable: as `sync`, by the last pass.
        DatabaseUnusable: as `sync`, by the last pass.
    """
    layout.results.mkdir(parents=True, exist_ok=True)
    os.nice(NICENESS)
    failures: list[UserError] = []
    # Held until the last pass, which takes seconds: the next workflow's follower finds it free.
    with contextlib.suppress(Timeout), FileLock(layout.results / ".follow.lock", timeout=0):
        seen = fingerprint(layout)
        while not _has_ended(workflow, seconds):
            now = fingerprint(layout)
            if now != seen and _synced(layout, failures):
                seen = now
    _has_ended(workflow, None)
    sync(layout)


def serve(port: int) -> None:
    """Become the server of MLflow's page, for this machine only; does not return.

    Raises:
        UserError: a server of its own keeps the runs and has that page.
    """
    uri = tracking_uri()
    if database_of(uri) is None:
        raise UserError(f"MLFLOW_TRACKING_URI names {without_credentials(uri)}; open that page")
    print(f"MLflow: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    where = ["--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "ui", *where]
    os.execve(sys.executable, command, {**MLFLOW_SETTINGS, **os.environ})  # noqa: S606 - no shell


def _synced(layout: Layout, failures: list[UserError]) -> bool:
    try:
        sync(layout)
    except UserError as error:
        if not failures:
            print(f"warning: {error}", file=sys.stderr, flush=True)
        failures.append(error)
        return False
    return True


def _has_ended(workflow: IO[Any], seconds: float | None) -> bool:
    """Wait for the end of a pipe, at most so many seconds, and tell whether it has come."""
    ready, _, _ = select.select([workflow], [], [], seconds)
    return bool(ready)
