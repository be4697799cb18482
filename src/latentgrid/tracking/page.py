"""Serves MLflow's own page with the runs."""

import os
import sys

from latentgrid.errors import UserError, without_credentials
from latentgrid.tracking.server import MLFLOW_SETTINGS, database_of, tracking_uri


def serve(port: int) -> None:
    """Replace this process by the server of MLflow's page, for this machine only; does not return.

    Raises:
        UserError: MLFLOW_TRACKING_URI names a server, which has a page of its own.
    """
    uri = tracking_uri()
    if database_of(uri) is None:
        raise UserError(f"MLFLOW_TRACKING_URI names {without_credentials(uri)}; open that page")
    print(f"MLflow: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    where = ["--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "ui", *where]
    os.execve(sys.executable, command, {**MLFLOW_SETTINGS, **os.environ})  # noqa: S606 - no shell
