"""Serves MLflow's own page with the runs."""

import os
import sys

from latentgrid.errors import UserError, without_credentials
from latentgrid.tracking import views
from latentgrid.tracking.server import MLFLOW_SETTINGS, database_of, tracking_uri

# On localhost and 127.0.0.1 MLflow opens a panel of its assistant; by this name it does not.
NAME = "mlflow.localhost"
# Eight more processes and 1.6 GB for what no page of ours uses.
PAGE_SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def serve(port: int, experiment: str | None) -> None:
    """Replace this process by the server of MLflow's page, for this machine only; does not return.

    Args:
        port: where it listens.
        experiment: the id of the experiment whose runs the printed address shows; None if MLflow
            could not be brought up to date.

    Raises:
        UserError: MLFLOW_TRACKING_URI names a server, which has a page of its own.
    """
    uri = tracking_uri()
    if database_of(uri) is None:
        raise UserError(f"MLFLOW_TRACKING_URI names {without_credentials(uri)}; open that page")
    address = f"http://{NAME}:{port}"
    print(f"MLflow: {views.link(address, experiment)} (Ctrl-C ends it)", flush=True)
    hosts = ",".join(f"{name}:*" for name in ("localhost", "127.0.0.1", NAME))
    where = [
        "--backend-store-uri",
        uri,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    names = ["--allowed-hosts", hosts, "--cors-allowed-origins", address]
    command = [sys.executable, "-m", "mlflow", "ui", *where, *names]
    settings = {**MLFLOW_SETTINGS, **PAGE_SETTINGS, **os.environ}
    os.execve(sys.executable, command, settings)  # noqa: S606 - no shell
