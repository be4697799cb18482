"""What MLflow's own interface does slowly or not at all, such as changing a point of a curve.

A server offers none of it; there, functions that ask for it do nothing or say so.
"""

from collections.abc import Collection
from typing import Any


def sessions(client: Any) -> Any:
    """Return the function that opens sessions of MLflow's database; None if it is a server."""
    return getattr(client._tracking_client.store, "ManagedSessionMaker", None)


def curves(client: Any, run: Any, columns: list[str]) -> dict[str, list[tuple[int, float]]]:
    """Return the curves of a run as (step, value), by one query to the database."""
    from mlflow.store.tracking.dbmodels.models import SqlMetric

    found: dict[str, list[tuple[int, float]]] = {column: [] for column in columns}
    with sessions(client)() as session:
        asked = session.query(SqlMetric.key, SqlMetric.step, SqlMetric.value)
        here = SqlMetric.run_uuid == run.info.run_id, SqlMetric.key.in_(columns)
        for key, step, value in asked.filter(*here).order_by(SqlMetric.step):
            found[key].append((step, value))
    return found


def forget_metrics(client: Any, run: Any, metrics: Collection[str]) -> None:
    """Delete metrics of a run from the database."""
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric

    with sessions(client)(read_only=False) as session:
        for table in (SqlMetric, SqlLatestMetric):
            _delete(session, table, run, metrics)


def forget_output(client: Any, run: Any, model: str) -> None:
    """Delete the note that a run made a logged model from the database."""
    from mlflow.store.tracking.dbmodels.models import SqlInput

    if not sessions(client):
        return
    with sessions(client)(read_only=False) as session:
        outputs = session.query(SqlInput).filter(
            SqlInput.source_id == run.info.run_id, SqlInput.destination_id == model
        )
        outputs.delete(synchronize_session=False)


def empty(
    client: Any,
    run: Any,
    started: int,
    metrics: Collection[str],
    params: Collection[str],
    tags: Collection[str],
    data: str,
) -> None:
    """Delete what we logged in a run, and let it run since `started`.

    Args:
        client: of the database.
        run: the run.
        started: in milliseconds since 1970.
        metrics, params, tags: the keys to delete.
        data: the digest of the data set that the run was said to be of.
    """
    from mlflow.store.tracking.dbmodels.models import (
        SqlDataset,
        SqlInput,
        SqlLatestMetric,
        SqlMetric,
        SqlParam,
        SqlRun,
        SqlTag,
    )

    run_id = run.info.run_id
    with sessions(client)(read_only=False) as session:
        _delete(session, SqlMetric, run, metrics)
        _delete(session, SqlLatestMetric, run, metrics)
        _delete(session, SqlParam, run, params)
        _delete(session, SqlTag, run, tags)
        sets = session.query(SqlDataset.dataset_uuid).filter(SqlDataset.digest == data)
        session.query(SqlInput).filter(
            SqlInput.destination_id == run_id, SqlInput.source_id.in_([row[0] for row in sets])
        ).delete(synchronize_session=False)
        session.query(SqlRun).filter(SqlRun.run_uuid == run_id).update(
            {"start_time": started, "end_time": None, "status": "RUNNING"}
        )


def _delete(session: Any, table: Any, run: Any, keys: Collection[str]) -> None:
    rows = session.query(table).filter(table.run_uuid == run.info.run_id, table.key.in_(keys))
    rows.delete(synchronize_session=False)
