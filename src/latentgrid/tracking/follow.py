"""A process beside the workflow that keeps MLflow up to date while runs train."""

import contextlib
import os
import select
import sys
from typing import IO, Any

from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.tracking.records import fingerprint
from latentgrid.tracking.sync import sync

NICENESS = 5  # a quarter of a busy core; at 19, importing MLflow would outlast a short workflow


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
