"""Creates runs in MLflow, updates them to their records, and deletes them.

A tag of each run in MLflow says what the pipeline logged in it. Everything else in the run, notes,
tags, metrics, params and files, belongs to its users and stays, whatever happens to the record.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from latentgrid.files.layout import Layout
from latentgrid.results.trained import TrainedRun, load_test_set
from latentgrid.tracking import data_sets, database, logged_models, views
from latentgrid.tracking.logged import LOGGED_TAG, NOTE_TAG, Logged
from latentgrid.tracking.names import is_picture, title
from latentgrid.tracking.records import (
    COMMIT_TAG,
    FOLDER_TAG,
    MILLISECONDS,
    NAME_TAG,
    QUALITY_TAG,
    STATUS_TAG,
    TALLY,
    Record,
    flags,
    folder_of,
    names,
    planned_runs,
    read,
    tallies,
    verdicts,
)

DIGEST_TAG = "mlflow.latentgrid.digest"
IMAGES_TAG = "mlflow.loggedImages"  # has MLflow look for pictures
PICTURES = "images"  # the folder of a run where it looks
PREFIXES = ("latentgrid.", "mlflow.latentgrid.")

RUNS_PER_PAGE = 1000


def import_all(client: Any, experiment: str, layout: Layout) -> int:
    """Update all runs of a data set in MLflow, and return how many of them got a new id."""
    planned = planned_runs(layout)
    metrics, last = set[str](), 0
    found = names(layout, planned)
    known = _runs_by_name(client, experiment, layout)
    published, flagged = verdicts(layout), flags(layout)
    anew = 0
    for name in sorted(found):
        record = read(layout, name, planned, published, flagged)
        if record is not None:
            with contextlib.suppress(FileNotFoundError):
                anew += _bring_in_line(client, experiment, layout, record, known.get(name, []))
            metrics, last = metrics | Logged.all_of(record).metrics, max(last, len(record.rows))
    for name in known.keys() - found:
        for run in filter(_is_active, known[name]):
            if name not in planned:
                _retire(client, run)
            elif run.info.status == "RUNNING":
                client.set_tag(run.info.run_id, STATUS_TAG, "its files are gone")
                client.set_terminated(run.info.run_id, "KILLED")
    tags = client.get_experiment(experiment).tags
    gone = dict.fromkeys((tag for tag in tags if tag.startswith((TALLY, QUALITY_TAG))), "0")
    for tag, text in (gone | tallies(layout) | views.tags(metrics, last)).items() - tags.items():
        client.set_experiment_tag(experiment, tag, text)
    return anew


def _runs_by_name(client: Any, experiment: str, layout: Layout) -> dict[str, list[Any]]:
    """Return MLflow's runs of this copy of the project by name, also deleted ones.

    Other copies of the project may use the same server.
    """
    from mlflow.entities import ViewType

    found: dict[str, list[Any]] = {}
    token = None
    while True:
        page = client.search_runs(
            [experiment],
            run_view_type=ViewType.ALL,
            max_results=RUNS_PER_PAGE,
            page_token=token,
        )
        for run in page:
            name = run.data.tags.get(NAME_TAG)
            if name and run.data.tags.get(FOLDER_TAG) == folder_of(layout.run(name)):
                found.setdefault(name, []).append(run)
        token = page.token
        if not token:
            return found


def active_runs(client: Any, experiment: str, layout: Layout) -> list[Any]:
    """Return MLflow's runs of this copy of the project that are not deleted."""
    by_name = _runs_by_name(client, experiment, layout)
    return [run for runs in by_name.values() for run in runs if _is_active(run)]


def _is_active(run: Any) -> bool:
    return bool(run.info.lifecycle_stage == "active")


def _bring_in_line(
    client: Any, experiment: str, layout: Layout, record: Record, runs: list[Any]
) -> bool:
    """Make exactly one of MLflow's runs show the record, and tell whether that run has a new id.

    The record's digest is written last, so that the next import continues an interrupted one.
    """
    run = _one_of(client, experiment, record, runs)
    if run.data.tags.get(DIGEST_TAG) == record.digest:
        return False
    kept = run.info.run_id
    rows = _rows_logged(client, run, record)
    wrong = _wrong_measures(run, record)
    if rows is None or _is_of_another_training(run, record):
        run, rows = _start_over(client, experiment, record, run), 0
    elif wrong and database.sessions(client):
        database.forget_metrics(client, run, wrong)
    elif wrong - record.measures.keys():
        run, rows = _start_over(client, experiment, record, run), 0
    _log(client, layout, run, record, rows)
    return bool(run.info.run_id != kept)


def _one_of(client: Any, experiment: str, record: Record, runs: list[Any]) -> Any:
    """Return the one run of a record.

    It is created, or restored, if none is active; if several are, all but one are retired.
    """
    active = [run for run in runs if _is_active(run)]
    if not runs:
        return _create(client, experiment, record, title(record.name))
    run, *others = active or runs[:1]
    if not active:
        client.restore_run(run.info.run_id)
    for other in others:
        _take_along(client, other, run, record)
        _retire(client, other)
    return client.get_run(run.info.run_id) if others or not active else run


def _create(client: Any, experiment: str, record: Record, name: str) -> Any:
    claim = Logged().claiming(Logged.all_of(record))
    tags = dict([*record.tags.items(), claim.tag])
    return client.create_run(experiment, start_time=record.started, tags=tags, run_name=name)


def _ours(run: Any, record: Record) -> Logged:
    """Return what the pipeline has logged in a run or is going to log in it."""
    return Logged.of(run).claiming(Logged.all_of(record))


def _is_of_another_training(run: Any, record: Record) -> bool:
    """Tell whether a run in MLflow shows other weights, another end or other settings."""
    if record.weights and Logged.of(run).weights not in {"", record.weights}:
        return True
    ours = _ours(run, record).params
    shown = {key: value for key, value in run.data.params.items() if key in ours}
    return run.info.end_time not in {None, record.ended} or not (
        shown.items() <= record.params.items()
    )


def _rows_logged(client: Any, run: Any, record: Record) -> int | None:
    """Return how many epochs of the record a run in MLflow has; None if its curves differ.

    The columns of an epoch are logged in their order, so an epoch with the last one is complete.
    """
    if not run.data.metrics.keys() & record.columns:
        return 0
    logged = 0
    for column, curve in _curves(client, run, record).items():
        logged = len(curve)
        if curve != list(enumerate((row[column] for row in record.rows), start=1))[:logged]:
            return None
    return logged


def _curves(client: Any, run: Any, record: Record) -> dict[str, list[tuple[int, float]]]:
    """Return the curves of a run as (step, value), in the order of the record's columns.

    A server returns one curve per request. So while a training runs, only the last one is read.
    """
    if database.sessions(client):
        return database.curves(client, run, record.columns)
    asked = record.columns if record.ended is not None else record.columns[-1:]
    histories = {key: client.get_metric_history(run.info.run_id, key) for key in asked}
    return {key: sorted((p.step, p.value) for p in points) for key, points in histories.items()}


def _wrong_measures(run: Any, record: Record) -> set[str]:
    """Return the keys of single numbers that we logged in a run and that the record contradicts."""
    ours = _ours(run, record).metrics - set(record.columns)
    shown = {key: value for key, value in run.data.metrics.items() if key in ours}
    return {key for key, _ in shown.items() - record.measures.items()}


def _log(client: Any, layout: Layout, run: Any, record: Record, logged: int) -> None:
    """Add what a run lacks of the record; the first `logged` epochs of its curves are there."""
    from mlflow.entities import Metric, Param, RunTag

    def points(step: int, values: Mapping[str, float]) -> list[Metric]:
        # Every import gives a point the same time, so that MLflow drops those that it has already.
        time = run.info.start_time + step * MILLISECONDS
        return [Metric(key, value, time, step) for key, value in values.items()]

    run_id, epochs, before = run.info.run_id, len(record.rows), Logged.of(run)
    all_of_it, claim = Logged.all_of(record), _ours(run, record)
    curves = [p for step in range(logged, epochs) for p in points(step + 1, record.rows[step])]
    new = dict(record.measures.items() - run.data.metrics.items())
    # At step 0 MLflow draws bars, at any other step curves of one point.
    changed = [_after_the_last(client, run, p) for p in points(0, new)]
    tags = dict(record.tags)
    if record.note and before.is_note_ours(run):
        claim = replace(claim, note=all_of_it.note)
        tags[NOTE_TAG] = record.note
    tags |= [claim.tag]
    client.log_batch(
        run_id,
        metrics=curves + changed,
        params=[Param(*new) for new in record.params.items() - run.data.params.items()],
        tags=[RunTag(*new) for new in tags.items() - run.data.tags.items()],
    )
    for path in record.artifacts:
        name = Path(path).name
        if before.artifacts.get(name) != all_of_it.artifacts[name]:
            client.log_artifact(run_id, path)
    if record.data and before.data != record.data:
        client.log_inputs(run_id, datasets=[data_sets.as_input(layout, record.data)])
    trained = TrainedRun(layout.run(record.name))
    if record.snapshots and before.snapshots != record.snapshots:
        _log_pictures(client, layout, run, trained)
    if record.weights and before.weights != record.weights:
        logged_models.log(client, run, record, trained)
    if record.ended is not None and (run.info.status, run.info.end_time) != (
        record.status,
        record.ended,
    ):
        client.set_terminated(run_id, record.status, end_time=record.ended)
    done = replace(all_of_it, note=claim.note)
    client.log_batch(run_id, tags=[RunTag(*done.tag), RunTag(DIGEST_TAG, record.digest)])


def _log_pictures(client: Any, layout: Layout, run: Any, trained: TrainedRun) -> None:
    """Log pictures of a run's snapshots; those that an interrupted call logged get no second."""
    from latentgrid.tracking import pictures  # imports what draws

    with tempfile.TemporaryDirectory() as folder:
        test = load_test_set(layout.images)
        pictures.write(trained, test, Path(folder), run.info.start_time)
        if any(Path(folder).iterdir()):
            client.log_artifacts(run.info.run_id, folder, PICTURES)
            client.set_tag(run.info.run_id, IMAGES_TAG, "true")


def _after_the_last(client: Any, run: Any, point: Any) -> Any:
    """Return a point with a later time than those of its key: MLflow shows the latest."""
    from mlflow.entities import Metric

    if point.key not in run.data.metrics:
        return point
    before = client.get_metric_history(run.info.run_id, point.key)
    time = max((p.timestamp for p in before), default=point.timestamp) + 1
    return Metric(point.key, point.value, max(time, point.timestamp), point.step)


def _start_over(client: Any, experiment: str, record: Record, run: Any) -> Any:
    """Return a run in which nothing is left of an earlier training, except what users added.

    In a database it is the same run, emptied. It is a new run with a server, which deletes nothing,
    and if a registered version of a model points at the old one, which then stays as it is.
    """
    if database.sessions(client) and not _versions(client, run):
        _empty(client, run, record)
        return client.get_run(run.info.run_id)
    new = _create(client, experiment, record, run.info.run_name)
    _take_along(client, run, new, record)
    _retire(client, run)
    return client.get_run(new.info.run_id)


def _empty(client: Any, run: Any, record: Record) -> None:
    """Delete what we logged in a run of the database, and its files."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    ours = _ours(run, record)
    files: Any = get_artifact_repository(run.info.artifact_uri)
    for name in [*ours.artifacts, *_our_pictures(client, run)]:
        files.delete_artifacts(name)
    logged_models.remove_all(client, run)
    note = {NOTE_TAG} if ours.is_note_ours(run) else set()
    database.empty(
        client,
        run,
        record.started,
        metrics={*ours.metrics, *_of_the_machine(run)},
        params=ours.params,
        tags={COMMIT_TAG, LOGGED_TAG, DIGEST_TAG, IMAGES_TAG} | note,
        data=data_sets.digest(ours.data),
    )


def _of_the_machine(run: Any) -> set[str]:
    """Return the keys of what MLflow's monitor of the machine logged."""
    return {key for key in run.data.metrics if key.startswith("system/")}


def _our_pictures(client: Any, run: Any) -> Iterator[str]:
    """Yield the paths of our pictures in a run; others may have logged some, too."""
    for file in client.list_artifacts(run.info.run_id, PICTURES):
        if is_picture(file.path):
            yield file.path


def _take_along(client: Any, old: Any, new: Any, record: Record) -> None:
    """Copy what users added to one run to another."""
    from mlflow.entities import Metric, Param, RunTag

    ours, there = _ours(old, record), new.data
    metrics = [
        Metric(key, point.value, point.timestamp, point.step)
        for key in old.data.metrics.keys() - ours.metrics - _of_the_machine(old)
        for point in client.get_metric_history(old.info.run_id, key)
    ]
    params = old.data.params.keys() - ours.params - there.params.keys()
    tags = [
        key
        for key in old.data.tags.keys() - there.tags.keys() - {COMMIT_TAG}
        if not key.startswith(PREFIXES) and (key != NOTE_TAG or not ours.is_note_ours(old))
    ]
    client.log_batch(
        new.info.run_id,
        metrics=metrics,
        params=[Param(key, old.data.params[key]) for key in params],
        tags=[RunTag(key, old.data.tags[key]) for key in tags],
    )
    data = [
        used
        for used in old.inputs.dataset_inputs
        if used.dataset.digest != data_sets.digest(ours.data)
    ]
    if data:
        client.log_inputs(new.info.run_id, datasets=data)
    with tempfile.TemporaryDirectory() as folder:
        for path in _files_of_users(client, old, record):
            client.download_artifacts(old.info.run_id, path, folder)
        if any(Path(folder).iterdir()):
            client.log_artifacts(new.info.run_id, folder)


def _files_of_users(client: Any, run: Any, record: Record) -> Iterator[str]:
    """Yield the paths of files and folders in a run that the pipeline did not log."""
    ours = Logged.of(run).artifacts.keys() | Logged.all_of(record).artifacts.keys()
    for file in client.list_artifacts(run.info.run_id):
        if file.path == PICTURES:
            found = client.list_artifacts(run.info.run_id, PICTURES)
            yield from (each.path for each in found if not is_picture(each.path))
        elif file.path not in ours:
            yield file.path


def _versions(client: Any, run: Any) -> list[Any]:
    """Return the versions of registered models that point at a run."""
    return list(client.search_model_versions(f"run_id='{run.info.run_id}'"))


def _retire(client: Any, run: Any) -> None:
    """Delete a run in MLflow, unless a registered version of a model points at it."""
    from mlflow.entities import RunTag

    if versions := _versions(client, run):
        models = ", ".join(f"{version.name} {version.version}" for version in versions)
        client.set_tag(run.info.run_id, STATUS_TAG, f"an earlier training, kept for {models}")
        client.delete_tag(run.info.run_id, NAME_TAG)
    else:
        # Should the run come back, its model is to be logged again.
        logged_models.remove_all(client, run)
        client.log_batch(run.info.run_id, tags=[RunTag(*replace(Logged.of(run), weights="").tag)])
        client.set_tag(run.info.run_id, DIGEST_TAG, "")
        client.delete_run(run.info.run_id)
