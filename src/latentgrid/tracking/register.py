"""Registers the best run of each entry in MLflow's model registry."""

import json
from collections.abc import Iterator
from typing import Any

from latentgrid.errors import UserError
from latentgrid.evaluation.tables import best_runs
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import read_plan
from latentgrid.results.tables import axes_of, read_runs
from latentgrid.tracking import logged_models
from latentgrid.tracking.records import NAME_TAG
from latentgrid.tracking.runs import active_runs
from latentgrid.tracking.server import one_error, open_experiment, silence, tracking_uri
from latentgrid.tracking.sync import sync

BEST = "best"
VERSIONS_TAG = "mlflow.modelVersions"


def register(layout: Layout) -> list[str]:
    """Register the best run of each entry's best setting, and return a line about each entry.

    The registered model is called "<data set>-<entry>". A run gets one version, however often this
    is called, and the alias `best` leads to the version of the best run. Other versions, aliases,
    tags and descriptions stay as they are.

    Raises:
        UserError: there is no table of runs yet.
        TrackingUnavailable: MLflow refuses or does not answer.
    """
    if not (layout.tables / "runs.csv").exists():
        raise UserError(f"{layout.tables / 'runs.csv'} is not there yet; run snakemake first")
    runs, axes = read_runs(layout), axes_of(read_plan(layout.plan))
    best = dict.fromkeys(runs["entry"], "")
    best |= {one.row["entry"]: one.row["run"] for one in best_runs(runs, axes)}
    sync(layout)
    uri = tracking_uri()
    with silence(), one_error(uri, layout):
        client, experiment = open_experiment(uri, layout)
        shown = {run.data.tags[NAME_TAG]: run for run in active_runs(client, experiment, layout)}
        return list(_lines(client, layout.dataset, best, shown))


def _lines(client: Any, dataset: str, best: dict[str, str], shown: dict[str, Any]) -> Iterator[str]:
    for entry, name in best.items():
        model = logged_models.of_run(client, shown[name]) if name in shown else None
        if model is None:
            yield f"{entry}: no run finished, so that there is no model to register"
            continue
        registered = f"{dataset}-{entry}"
        version, is_new = _version_of(client, registered, model)
        client.set_registered_model_alias(registered, BEST, version)
        state = "registered" if is_new else "was registered"
        yield f"{entry}: {name} {state} as models:/{registered}/{version}, alias {BEST}"


def _version_of(client: Any, registered: str, model: Any) -> tuple[str, bool]:
    """Return the version of a logged model, and whether it had to be made."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(registered)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(registered)
    for version in client.search_model_versions(f"name='{registered}'"):
        if version.source == model.artifact_location:
            return str(version.version), False
    made = client.create_model_version(
        registered, model.artifact_location, model.source_run_id, model_id=model.model_id
    )
    # MLflow's `register_model` does the same, so that the model's page names its versions.
    known = json.loads(model.tags.get(VERSIONS_TAG, "[]"))
    versions = [*known, {"name": registered, "version": made.version}]
    client.set_logged_model_tags(model.model_id, {VERSIONS_TAG: json.dumps(versions)})
    return str(made.version), True
