"""Logs what the machine is busy with while runs train, if MLflow's own variable asks for it."""

import os
from typing import Any

from latentgrid.files.layout import Layout
from latentgrid.tracking.runs import active_runs
from latentgrid.tracking.server import one_error, open_experiment, silence, tracking_uri

ASKED = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"


def watch_machine(layout: Layout, watched: set[str]) -> None:
    """Start MLflow's monitor for each run that trains and has none; it ends with the run.

    The monitors are threads of this process and read the use of the whole machine.

    Args:
        layout: the files of the runs.
        watched: the ids of the runs that have a monitor, to which new ones are added.

    Raises:
        TrackingUnavailable: MLflow refuses or does not answer.
    """
    if os.environ.get(ASKED, "").lower() not in {"true", "1"}:
        return
    uri = tracking_uri()
    with silence(), one_error(uri, layout):
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor: Any = SystemMetricsMonitor
        client, experiment = open_experiment(uri, layout)
        for run in active_runs(client, experiment, layout):
            if run.info.status == "RUNNING" and run.info.run_id not in watched:
                watched.add(run.info.run_id)
                monitor(run.info.run_id, resume_logging=True, tracking_uri=uri).start()
