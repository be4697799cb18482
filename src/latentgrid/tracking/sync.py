"""Brings MLflow up to date with the files of a data set, once."""

import sys

from filelock import FileLock

from latentgrid.errors import without_credentials
from latentgrid.files.layout import Layout
from latentgrid.tracking.runs import import_all
from latentgrid.tracking.server import (
    database_of,
    lock_of,
    one_error,
    open_experiment,
    require_usable,
    silence,
    tracking_uri,
)


def sync(layout: Layout) -> str:
    """Bring MLflow up to date with the files of one data set, once; return the experiment's id.

    MLFLOW_TRACKING_URI names the tracking server; without it, that is `mlflow.db` in the working
    directory with the artifacts in `mlruns/` beside it. Several processes may call this at once.

    Raises:
        TrackingUnavailable: MLflow refuses or does not answer; a later call catches up.
        DatabaseUnusable: its database cannot be used; the text says what to do.
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
    return experiment
