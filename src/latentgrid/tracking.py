"""MLflow as a view of the run files: they are the truth, and an import can be repeated at will.

No file keeps anything of MLflow's, so its database may be deleted at any time: the next `sync`
makes it again. MLflow is imported only when there is something to bring, as that takes seconds.
"""

import contextlib
import csv
import hashlib
import logging
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from latentgrid import made
from latentgrid.errors import UserError, damaged, without_credentials
from latentgrid.files import read_json, read_rows, sha256
from latentgrid.grid import canonical, read_plan
from latentgrid.locks import is_held
from latentgrid.paths import Layout
from latentgrid.run_files import RunFiles

NAME_TAG = "latentgrid.run"
FOLDER_TAG = "latentgrid.folder"
STATUS_TAG = "latentgrid.status"
DATA_TAG = "latentgrid.data_sha256"
COMMIT_TAG = "mlflow.source.git.commit"
VERDICT_TAG = "latentgrid.verdict"
TALLY = "latentgrid.published"
DIGEST_TAG = "latentgrid.digest"

RUNS_PER_PAGE = 1000
MILLISECONDS = 1000
NICENESS = 5  # a quarter of a busy core; at 19, importing MLflow would outlast a short workflow

MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    # A pool would go on writing into a database file that was deleted meanwhile.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}


class TrackingUnavailable(UserError):  # noqa: N818 - says what is the case
    """MLflow could not be brought up to date; the results are safe and can be imported later."""


@dataclass(frozen=True)
class Record:
    """What MLflow shows of one run, read from the run's files.

    Attributes:
        name: of the run, here and in MLflow.
        status: MLflow's word: RUNNING, FINISHED or FAILED.
        started: when training began, in milliseconds since 1970.
        ended: when it ended, or None while it runs.
        params: the settings, flat.
        rows: one per epoch in their order, column name to value.
        measures: single numbers found after training.
        tags: what else there is in words.
        artifacts: path of a file to what tells its versions apart.
    """

    name: str
    status: str
    started: int
    ended: int | None
    params: Mapping[str, str]
    rows: list[dict[str, float]]
    measures: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: Mapping[str, str]

    @property
    def columns(self) -> list[str]:
        """Names of the curves."""
        return list(self.rows[0]) if self.rows else []

    @property
    def digest(self) -> str:
        """SHA-256 over all of it: what MLflow has under this digest needs no second import."""
        return hashlib.sha256(canonical(asdict(self)).encode()).hexdigest()


def sync(layout: Layout) -> None:
    """Bring MLflow in line with the files of one data set, once.

    The tracking server is that of MLFLOW_TRACKING_URI, else `mlflow.db` in the working directory
    with the artifacts in `mlruns/` beside it. Any number of processes may call this at once.

    Raises:
        TrackingUnavailable: MLflow refuses or does not answer; a later call catches up.
    """
    uri = _tracking_uri()
    with _one_error(uri, layout), _silence(), FileLock(_lock(uri, layout)):
        client, experiment = _open(uri, layout)
        _import_all(client, experiment, layout)


def follow(layout: Layout, parent_pid: int, seconds: float = 5.0) -> None:
    """Repeat `sync` whenever files changed while a process lives, and once more when it ends.

    Returns at once if another process follows this data set. If MLflow is unavailable, that is
    one warning on stderr, and later passes try again. The caller gets a low CPU priority.

    Args:
        layout: the files to follow.
        parent_pid: the process that makes them.
        seconds: time between two looks at the files.
    """
    layout.results.mkdir(parents=True, exist_ok=True)
    try:
        only_here = FileLock(layout.results / ".follow.lock").acquire(timeout=0)
    except Timeout:
        return
    os.nice(NICENESS)
    failures: list[UserError] = []
    with only_here:
        seen = _fingerprint(layout)
        while _lives_on(parent_pid, seconds):
            now = _fingerprint(layout)
            if now != seen and _synced(layout, failures):
                seen = now
    # The last pass takes seconds; by now the follower of the next workflow finds the lock free.
    _synced(layout, failures)


def _synced(layout: Layout, failures: list[UserError]) -> bool:
    try:
        sync(layout)
    except UserError as error:
        if not failures:
            print(f"warning: {error}", file=sys.stderr, flush=True)
        failures.append(error)
        return False
    return True


def _lives_on(pid: int, seconds: float) -> bool:
    """Wait `seconds`, or less if the process ends before, and tell whether it still lives."""
    try:
        process = psutil.Process(pid)
        process.wait(timeout=seconds)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.NoSuchProcess):
            return process.status() != psutil.STATUS_ZOMBIE
    return False


def _fingerprint(layout: Layout) -> frozenset[tuple[str, int, int, bool]]:
    """Return a value that changes whenever `sync` would find something new."""
    found = set()
    files = (layout.plan, *layout.verdict_files)
    for path in (*files, *_files_below(layout.runs), *_files_below(layout.state)):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            held = path.name == "lock" and is_held(path)
            found.add((str(path), stat.st_mtime_ns, stat.st_size, held))
    return frozenset(found)


# From files to records.


def _names(layout: Layout, planned: Mapping[str, Any]) -> set[str]:
    """Return the runs that have files.

    Those in training are looked for first: one that ends meanwhile is then found in its folder.
    """
    unfinished = {name for name in planned if layout.run(name).state.is_dir()}
    ended = {
        path.parent.relative_to(layout.runs).as_posix()
        for path in _files_below(layout.runs)
        if path.name == "outcome.json"
    }
    return unfinished | ended


def _read(layout: Layout, name: str, planned: Mapping[str, Any]) -> Record | None:
    """Return the record of a run, or None if its files come or go at this moment."""
    files = layout.run(name)
    unfinished = None
    with contextlib.suppress(FileNotFoundError):
        unfinished = _unfinished(files, name, planned)
    # Looked at last: the outcome of a run that ended meanwhile was there before its state went.
    if not files.outcome.exists():
        return unfinished
    with contextlib.suppress(FileNotFoundError):
        return _ended(files, name)
    return None


def _ended(files: RunFiles, name: str) -> Record:
    outcome = made.read(files.outcome, "status", "reason", "epochs")
    config = read_json(files.as_trained(files.config), "settings", "code", "data sha256")
    timing = files.read_timing()
    rows = _rows(files.as_trained(files.history))
    if len(rows) != outcome["epochs"]:
        raise damaged(files.history, f"it does not hold {outcome['epochs']} epochs")
    finished = outcome["status"] == "finished"
    status = outcome["status"] if finished else f"{outcome['status']}: {outcome['reason']}"
    return Record(
        name=name,
        status="FINISHED" if finished else "FAILED",
        started=_milliseconds(timing.started.timestamp()),
        ended=_milliseconds(timing.ended.timestamp()),
        params=_params(name, config["settings"]),
        rows=rows,
        measures=_measures(files.metrics, rows),
        tags=_tags(files, name, status)
        | {COMMIT_TAG: config["code"], DATA_TAG: config["data sha256"]},
        # Two trainings differ in their dates, so that gigabytes of weights need no checksum.
        artifacts={str(files.weights): str(files.weights.stat().st_size)}
        | {str(path): sha256(path) for path in (files.config, files.overview) if path.exists()},
    )


def _unfinished(files: RunFiles, name: str, planned: Mapping[str, Any]) -> Record | None:
    times = [path.stat().st_mtime for path in _files_below(files.state)]
    if not times:
        return None
    training = is_held(files.lock)
    reason = "process ended"
    if files.failure.exists():
        reason = read_json(files.failure, "reason")["reason"]
    return Record(
        name=name,
        status="RUNNING" if training else "FAILED",
        started=_milliseconds(min(times)),
        ended=None if training else _milliseconds(max(times)),
        params=_params(name, planned.get(name, {})),
        rows=_rows(files.live_history) if files.live_history.exists() else [],
        measures={},
        tags=_tags(files, name, "training" if training else f"failed: {reason}"),
        artifacts={},
    )


def _planned(layout: Layout) -> dict[str, dict[str, Any]]:
    if not layout.plan.exists():
        return {}
    return {run["name"]: run["settings"] for run in read_plan(layout.plan)}


def _params(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    flat = {key: value for key, value in settings.items() if not isinstance(value, Mapping)}
    flat |= settings.get("hyperparameters", {})
    entry, _, _ = name.partition("/")
    # A word among numbers, "None", would make the axis of a parallel-coordinates plot one of words.
    given = {key: str(value) for key, value in flat.items() if value is not None}
    return {"entry": entry} | given


def _rows(history: Path) -> list[dict[str, float]]:
    """Return the columns of each epoch but its number: epochs count from one without a gap."""
    try:
        with history.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{key: float(row[key]) for key in row if key != "epoch"} for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise damaged(history, error) from None


def _measures(metrics: Path, rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the single numbers of `metrics` but those that are the last point of a curve."""
    curves = rows[0] if rows else {}
    return {
        key: float(value)
        for key, value in (read_json(metrics) if metrics.exists() else {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
        if math.isfinite(value) and key not in curves
    }


def _tags(files: RunFiles, name: str, status: str) -> dict[str, str]:
    return {NAME_TAG: name, FOLDER_TAG: _folder(files), STATUS_TAG: status}


def _verdicts(layout: Layout) -> dict[str, str]:
    """Return, for each run of a published setting, what is said of the published number."""
    return {
        run: f"{row['verdict']}: {row['published']} in table {row['table']}"
        for row in _table(layout, "verdicts.csv", "verdict", "published", "table", "runs")
        for run in row["runs"].split(";")
    }


def _tallies(layout: Layout) -> dict[str, str]:
    """Return how many numbers, and comparisons for claims, have each verdict, as tags."""
    numbers = Counter(row["verdict"] for row in _table(layout, "verdicts.csv", "verdict"))
    comparisons = Counter(row["answer"] for row in _table(layout, "claims.csv", "answer"))
    return {f"{TALLY}.numbers.{verdict}": str(n) for verdict, n in numbers.items()} | {
        f"{TALLY}.comparisons.{answer}": str(n) for answer, n in comparisons.items()
    }


def _table(layout: Layout, name: str, *columns: str) -> list[dict[str, str]]:
    """Return the rows of a table, nothing if it was not made yet; all have the named columns."""
    try:
        return read_rows(layout.tables / name, *columns)
    except FileNotFoundError:
        return []


def _folder(files: RunFiles) -> str:
    return str(files.folder.absolute())


def _milliseconds(seconds: float) -> int:
    return int(seconds * MILLISECONDS)


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


# From records to MLflow.


def _import_all(client: Any, experiment: str, layout: Layout) -> None:
    planned = _planned(layout)
    names = _names(layout, planned)
    known = _runs_by_name(client, experiment, layout)
    verdicts = _verdicts(layout)
    for name in sorted(names):
        record = _read(layout, name, planned)
        if record is not None:
            verdict = {VERDICT_TAG: verdicts.get(name, "nothing published of this setting")}
            record = replace(record, tags={**record.tags, **verdict})
            with contextlib.suppress(FileNotFoundError):
                _import(client, experiment, record, known.get(name, []))
    for name in known.keys() - names:
        for run in known[name]:
            if name not in planned or run.info.status == "RUNNING":
                client.delete_run(run.info.run_id)
    tags = client.get_experiment(experiment).tags
    gone = dict.fromkeys((tag for tag in tags if tag.startswith(TALLY)), "0")
    for tag, count in (gone | _tallies(layout)).items() - tags.items():
        client.set_experiment_tag(experiment, tag, count)


def _runs_by_name(client: Any, experiment: str, layout: Layout) -> dict[str, list[Any]]:
    """Return MLflow's runs of these very folders; others may share the server."""
    found: dict[str, list[Any]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=RUNS_PER_PAGE, page_token=token)
        for run in page:
            name = run.data.tags.get(NAME_TAG)
            if name and run.data.tags.get(FOLDER_TAG) == _folder(layout.run(name)):
                found.setdefault(name, []).append(run)
        token = page.token
        if not token:
            return found


def _import(client: Any, experiment: str, record: Record, runs: list[Any]) -> None:
    """Make exactly one of MLflow's runs show the record; the digest is set last."""
    current, *others = runs or [None]
    for run in others:
        client.delete_run(run.info.run_id)
    if current and current.data.tags.get(DIGEST_TAG) == record.digest:
        return
    logged = _rows_logged(client, current, record) if current else 0
    if logged is None:
        client.delete_run(current.info.run_id)
    if current is None or logged is None:
        current, logged = _create(client, experiment, record), 0
    _log(client, current, record, logged)


def _rows_logged(client: Any, run: Any, record: Record) -> int | None:
    """Return how many epochs of the record a run has, or None if it shows another training.

    MLflow changes no param and no point of a curve, so a run that has others must be replaced.
    """
    single = {key: v for key, v in run.data.metrics.items() if key not in record.columns}
    if (
        run.info.end_time not in {None, record.ended}
        or not run.data.params.items() <= record.params.items()
        or not single.items() <= record.measures.items()
    ):
        return None
    if not record.columns:
        return 0
    curve = record.columns[-1]  # an epoch is logged column by column: with its last it is complete
    points = client.get_metric_history(run.info.run_id, curve)
    logged = [value for _, value in sorted((point.step, point.value) for point in points)]
    same = logged == [row[curve] for row in record.rows[: len(logged)]]
    return len(logged) if same else None


def _create(client: Any, experiment: str, record: Record) -> Any:
    return client.create_run(
        experiment, start_time=record.started, tags=dict(record.tags), run_name=record.name
    )


def _log(client: Any, run: Any, record: Record, logged: int) -> None:
    from mlflow.entities import Metric, Param, RunTag

    def points(step: int, values: Mapping[str, float]) -> list[Metric]:
        # A time that is the same in every import lets MLflow drop a point that it has already.
        time = run.info.start_time + step * MILLISECONDS
        return [Metric(key, value, time, step) for key, value in values.items()]

    run_id, epochs = run.info.run_id, len(record.rows)
    curves = [p for step in range(logged, epochs) for p in points(step + 1, record.rows[step])]
    client.log_batch(
        run_id,
        metrics=curves + points(epochs, record.measures),
        params=[Param(*new) for new in record.params.items() - run.data.params.items()],
        tags=[RunTag(*new) for new in record.tags.items() - run.data.tags.items()],
    )
    for path in record.artifacts:
        client.log_artifact(run_id, path)
    if record.ended is not None:
        client.set_terminated(run_id, record.status, end_time=record.ended)
    client.set_tag(run_id, DIGEST_TAG, record.digest)


# The tracking server.


def _tracking_uri() -> str:
    """Return the user's server or the database here; a database's path is made absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    database = _database(uri)
    return f"sqlite:///{database}" if database else uri


def _database(uri: str) -> Path | None:
    """Return the absolute path of an SQLite database, None for any other server."""
    path = uri.removeprefix("sqlite:///")
    return Path(path).absolute() if path != uri else None


def _lock(uri: str, layout: Layout) -> Path:
    """Return a lock common to all that may create the tables, whichever data set they import."""
    database = _database(uri)
    folder = database.parent if database else layout.results.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (f"{database.name}.lock" if database else ".mlflow.lock")


def _open(uri: str, layout: Layout) -> tuple[Any, str]:
    """Return a client and the id of the data set's experiment, made if need be."""
    from mlflow import MlflowClient

    database = _database(uri)
    if database and not database.exists():
        _create_database(database)
    client = MlflowClient(tracking_uri=uri)
    artifacts = (database.parent / "mlruns" / layout.dataset).as_uri() if database else None
    experiment = client.get_experiment_by_name(layout.dataset)
    if experiment is None:
        return client, client.create_experiment(layout.dataset, artifact_location=artifacts)
    if artifacts not in {None, experiment.artifact_location}:
        raise TrackingUnavailable(
            f"{database} keeps the files of {layout.dataset} in {experiment.artifact_location}, "
            "as it was made in another folder or by hand; delete it, and `latentgrid track` makes "
            "it again from the results"
        )
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return client, experiment.experiment_id


def _create_database(database: Path) -> None:
    """Make the tables under another name: a kill half way leaves nothing that is used later."""
    from mlflow import MlflowClient

    part = database.with_name(f"{database.name}.part")
    part.unlink(missing_ok=True)
    MlflowClient(tracking_uri=f"sqlite:///{part}")
    part.replace(database)


@contextlib.contextmanager
def _one_error(uri: str, layout: Layout) -> Iterator[None]:
    """Turn whatever a server does wrong into one message."""
    for name, value in MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = (
            f"MLflow at {uri} could not be brought up to date. The results in {layout.results} "
            f"are safe, and `latentgrid track` catches up when it answers again ({reason})"
        )
        raise TrackingUnavailable(without_credentials(message)) from error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Drop the log lines of MLflow and its libraries; what matters comes as an exception."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
