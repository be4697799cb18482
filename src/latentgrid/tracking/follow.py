"""A process beside the workflow that keeps MLflow up to date while runs train."""

import contextlib
import os
import select
import sys
from typing import IO, Any

from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.tracking.machine import watch_machine
from latentgrid.tracking.records import fingerprint
from latentgrid.tracking.sync import sync

# At 5 it gets a quarter of a busy core; at 19, importing MLflow would outlast a short workflow.
NICENESS = 5


def follow(layout: Layout, workflow: IO[Any], seconds: float = 5.0) -> None:
    """Call `sync` whenever files have changed, until a workflow ends, and once more after that.

    If another process follows this data set already, only the last call is made. If MLflow is
    unavailable before the last call, one warning goes to stderr, and later calls try again. The
    calling process gets a low CPU priority.

    Args:
        layout: the files to follow.
        workflow: a pipe that nobody writes to; it is closed when the workflow ends.
        seconds: time between two looks at the files.

    Raises:
        TrackingUnavailable: the last `sync` raises it.
        DatabaseUnusable: the last `sync` raises it.
    """
    layout.results.mkdir(parents=True, exist_ok=True)
    os.nice(NICENESS)
    failures: list[UserError] = []
    watched: set[str] = set()
    # Released before the last call, which takes seconds: the next workflow's follower may need it.
    with contextlib.suppress(Timeout), FileLock(layout.results / ".follow.lock", timeout=0):
        seen = fingerprint(layout)
        while not _has_ended(workflow, seconds):
            now = fingerprint(layout)
            if now != seen and _synced(layout, watched, failures):
                seen = now
    _has_ended(workflow, None)
    sync(layout)


def _synced(layout: Layout, watched: set[str], failures: list[UserError]) -> bool:
    try:
        sync(layout)
        watch_machine(layout, watched)
    except UserError as error:
        if not failures:
            print(f"warning: {error}", file=sys.stderr, flush=True)
        failures.append(error)
        return False
    return True


def _has_ended(workflow: IO[Any], seconds: float | None) -> bool:
    """Wait until a pipe is closed, at most so many seconds, and tell whether it is."""
    ready, _, _ = select.select([workflow], [], [], seconds)
    return bool(ready)
