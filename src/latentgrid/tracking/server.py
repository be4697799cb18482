"""Opens MLflow's server, or its database beside the results."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError, one_line, without_credentials
from latentgrid.files.layout import Layout
from latentgrid.files.owners import user_name

MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    # A pool of connections would keep writing to a database file that was deleted meanwhile.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
# What MLflow's client says to a server's answer 401, and the variables that it logs in by.
NOT_KNOWN = "failed with error code 401"
PERSON = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
MAKE_AGAIN = "move it away, and `latentgrid track` makes it again from the results"


class TrackingUnavailable(UserError):  # noqa: N818 - says what is the case
    """MLflow could not be brought up to date; the results are safe and can be imported later."""


class DatabaseUnusable(TrackingUnavailable):
    """MLflow's database cannot be used until somebody does what the text says."""


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, else the local database; the path of a database is absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    database = database_of(uri)
    return f"sqlite:///{database}" if database else uri


def database_of(uri: str) -> Path | None:
    """Return the absolute path of an SQLite database; None for any other URI."""
    path = uri.removeprefix("sqlite:///")
    return Path(path).absolute() if path != uri else None


def lock_of(uri: str, layout: Layout) -> Path:
    """Return the lock of all processes that may create the tables, for any data set."""
    database = database_of(uri)
    folder = database.parent if database else layout.results.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (f"{database.name}.lock" if database else ".mlflow.lock")


def require_usable(database: Path) -> None:
    """Raise DatabaseUnusable at once for a database that MLflow would try for minutes, or damage.

    A database that does not exist yet is usable if it can be created.
    """
    if "?" in str(database):
        raise DatabaseUnusable(
            f"{database}: MLflow's addresses of databases cannot hold a question mark; rename the "
            "folder, or set MLFLOW_TRACKING_URI to another place"
        )
    if database.is_dir():
        raise DatabaseUnusable(f"{database} is a folder, where MLflow keeps a file; {MAKE_AGAIN}")
    for path in (database.parent, database):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise DatabaseUnusable(
                f"{path} belongs to {user_name(path.stat().st_uid)} and cannot be written, so that "
                "MLflow is not brought up to date; permit writing, or set MLFLOW_TRACKING_URI to "
                "another place"
            )
    if database.exists():
        _require_schema(database)


def open_experiment(uri: str, layout: Layout) -> tuple[Any, str]:
    """Return a client and the id of the data set's experiment; create it if it is missing."""
    from mlflow import MlflowClient

    database = database_of(uri)
    if database and not database.exists():
        _create_database(database)
    client = MlflowClient(tracking_uri=uri)
    artifacts = (database.parent / "mlruns" / layout.dataset).as_uri() if database else None
    experiment = client.get_experiment_by_name(layout.dataset)
    if experiment is None:
        return client, client.create_experiment(layout.dataset, artifact_location=artifacts)
    if artifacts not in {None, experiment.artifact_location}:
        raise DatabaseUnusable(
            f"{database} keeps the files of {layout.dataset} in {experiment.artifact_location}, "
            f"as it was made in another folder or by hand; {MAKE_AGAIN}"
        )
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return client, str(experiment.experiment_id)


@contextlib.contextmanager
def one_error(uri: str, layout: Layout) -> Iterator[None]:
    """Turn any error of a server or a database into one message."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        database = database_of(uri)
        if database and database.exists():
            _require_whole(database)
        then = "when it answers again"
        if NOT_KNOWN in str(error):
            then = f"once {' and '.join(PERSON)} are those of a user of it"
        message = (
            f"MLflow at {uri} could not be brought up to date. The results in {layout.results} "
            f"are safe, and `latentgrid track` catches up {then} ({one_line(error)})"
        )
        raise TrackingUnavailable(without_credentials(message)) from error


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Suppress the log lines of MLflow and its libraries; errors come as exceptions.

    MLflow reads its settings while it is imported, so it must be imported in this block.
    """
    for name, value in MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _create_database(database: Path) -> None:
    """Create the database under another name and rename it, so that no half of one is used."""
    from mlflow import MlflowClient

    part = database.with_name(f"{database.name}.part")
    part.unlink(missing_ok=True)
    MlflowClient(tracking_uri=f"sqlite:///{part}")
    part.replace(database)


def _require_schema(database: Path) -> None:
    """Raise DatabaseUnusable unless the file is empty or a database of this version of MLflow."""
    tables = {name for (name,) in _ask(database, "SELECT name FROM sqlite_master")}
    if not tables:
        return
    if "alembic_version" not in tables:
        raise DatabaseUnusable(f"{database} is a database, but none of MLflow's; {MAKE_AGAIN}")
    from mlflow.store.db import utils

    latest: Any = utils._get_latest_schema_revision
    versions = [version for (version,) in _ask(database, "SELECT * FROM alembic_version")]
    if versions != [latest()]:
        raise DatabaseUnusable(
            f"{database} is of another version of MLflow (schema {', '.join(versions)}); if that "
            f"was an older one, run `mlflow db upgrade sqlite:///{database}`, else {MAKE_AGAIN}"
        )


def _require_whole(database: Path) -> None:
    """Read all of a database and raise DatabaseUnusable if any part is damaged."""
    found = [text for (text,) in _ask(database, "PRAGMA quick_check(1)")]
    if found not in ([], ["ok"]):
        raise DatabaseUnusable(f"{database} is damaged ({one_line(found[0])}); {MAKE_AGAIN}")


def _ask(database: Path, question: str) -> list[tuple[Any, ...]]:
    """Return the rows that SQLite answers; none while another process locks the database."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        ) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.OperationalError:  # locked: MLflow waits for longer
        return []
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(f"{database} is damaged ({error}); {MAKE_AGAIN}") from None
