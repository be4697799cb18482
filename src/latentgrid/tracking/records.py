"""Reads from the runs' files what MLflow shows of them."""

import contextlib
import csv
import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from latentgrid.errors import damaged
from latentgrid.files.atomic import read_rows, sha256
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import canonical, read_plan
from latentgrid.results.run_json import (
    Outcome,
    Timing,
    as_trained,
    flat,
    read_config,
    read_failure,
    read_metrics,
    read_outcome,
    read_timing,
)
from latentgrid.tracking import notes
from latentgrid.tracking.names import curve, final, setting

NAME_TAG = "latentgrid.run"
STATUS_TAG = "latentgrid.status"
FOLDER_TAG = "mlflow.latentgrid.folder"  # MLflow's pages hide tags that begin with its name
COMMIT_TAG = "mlflow.source.git.commit"
SOURCE = {"mlflow.source.name": "latentgrid train", "mlflow.source.type": "JOB"}
VERDICT_TAG = "latentgrid.verdict"
TALLY = "latentgrid.published"
QUALITY_TAG = "latentgrid.quality"

MILLISECONDS = 1000


@dataclass(frozen=True)
class Record:
    """What MLflow shows of one run, read from the run's files.

    Attributes:
        name: of the run.
        status: MLflow's word: RUNNING, FINISHED or FAILED.
        started: when training began, in milliseconds since 1970.
        ended: when training ended; None while it runs.
        params: the settings, flat.
        rows: one per epoch in their order, each from column name to value.
        measures: single numbers computed after training.
        tags: further facts, in words.
        artifacts: from the path of a file to a text that changes with its content.
        note: what the run is, as markdown; empty while it runs.
        data: the SHA-256 of the images; empty while it runs.
        snapshots: a text that changes with the snapshots; empty if none can be drawn.
        weights: a text that changes with the trained weights; empty if there are none to load.
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
    note: str = ""
    data: str = ""
    snapshots: str = ""
    weights: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the curves."""
        return list(self.rows[0]) if self.rows else []

    @property
    def digest(self) -> str:
        """SHA-256 of the whole record; a run that MLflow has with this digest is up to date."""
        return hashlib.sha256(canonical(asdict(self)).encode()).hexdigest()


def fingerprint(layout: Layout) -> frozenset[tuple[str, int, int, bool]]:
    """Return a value that changes whenever a file changes that MLflow shows."""
    found = set()
    files = (layout.plan, *layout.verdict_files, layout.controls, layout.quality, layout.audit)
    for path in (*files, *_files_below(layout.runs), *_files_below(layout.state)):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            held = path.name == "lock" and is_held(path)
            found.add((str(path), stat.st_mtime_ns, stat.st_size, held))
    return frozenset(found)


def names(layout: Layout, planned: Mapping[str, Any]) -> set[str]:
    """Return the names of the runs that have files.

    It looks for runs in training first: a run that ends meanwhile is then found in its folder.
    """
    unfinished = {name for name in planned if layout.run(name).state.is_dir()}
    ended = {
        path.parent.relative_to(layout.runs).as_posix()
        for path in _files_below(layout.runs)
        if path.name == "outcome.json"
    }
    return unfinished | ended


def read(
    layout: Layout,
    name: str,
    planned: Mapping[str, Any],
    published: Mapping[str, str],
    flagged: Mapping[str, str],
) -> Record | None:
    """Return the record of a run, or None if its files appear or disappear at this moment.

    Args:
        layout: where the files are.
        name: of the run.
        planned: the settings of all planned runs.
        published: the verdicts on published numbers by the names of runs.
        flagged: the flags of quality control by the names of runs.
    """
    verdict = published.get(name, "nothing published of this setting")
    record = _of_files(layout, name, planned, verdict)
    if record is None:
        return None
    judged = {VERDICT_TAG: verdict, QUALITY_TAG: flagged.get(name, "no flag")}
    return replace(record, tags={**record.tags, **judged})


def _of_files(layout: Layout, name: str, planned: Mapping[str, Any], verdict: str) -> Record | None:
    files = layout.run(name)
    unfinished = None
    with contextlib.suppress(FileNotFoundError):
        unfinished = _unfinished(files, name, planned)
    # Checked after the state, because a run that ends writes its outcome first.
    if not files.outcome.exists():
        return unfinished
    with contextlib.suppress(FileNotFoundError):
        return _ended(files, name, verdict, layout.images.exists())
    return None


def _ended(files: RunFiles, name: str, verdict: str, has_images: bool) -> Record:
    outcome, config, timing = read_outcome(files), read_config(files), read_timing(files)
    rows = _rows(as_trained(files, files.history))
    if len(rows) != outcome.epochs:
        raise damaged(files.history, f"it does not hold {outcome.epochs} epochs")
    status = outcome.status if outcome.is_finished else f"{outcome.status}: {outcome.reason}"
    return Record(
        name=name,
        status="FINISHED" if outcome.is_finished else "FAILED",
        started=_milliseconds(timing.started.timestamp()),
        ended=_milliseconds(timing.ended.timestamp()),
        params=_params(name, config.settings),
        rows=rows,
        measures=_measures(files, rows, timing),
        tags=_tags(files, name, status) | {COMMIT_TAG: config.code},
        artifacts={str(path): sha256(path) for path in (files.overview,) if path.exists()},
        note=notes.of_run(name, str(files.folder), config, outcome, timing, verdict),
        data=config.data_sha256,
        # The checksums of files that may be gigabytes are in the outcome already.
        snapshots=_version(outcome) if has_images else "",
        weights=_version(outcome) if outcome.is_finished else "",
    )


def _version(outcome: Outcome) -> str:
    return hashlib.sha256(canonical(outcome.sha256).encode()).hexdigest()


def _unfinished(files: RunFiles, name: str, planned: Mapping[str, Any]) -> Record | None:
    times = [path.stat().st_mtime for path in _files_below(files.state)]
    if not times:
        return None
    training = is_held(files.lock)
    reason = "process ended"
    if files.failure.exists():
        reason = read_failure(files).reason
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


def planned_runs(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return the settings of each run of the plan; nothing if there is no plan yet."""
    if not layout.plan.exists():
        return {}
    return {run["name"]: run["settings"] for run in read_plan(layout.plan)}


def _params(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    entry, _, _ = name.partition("/")
    # `flat` leaves missing values out: a "None" among numbers would make MLflow's plots treat an
    # axis as words.
    told = {"entry": entry, "setting": setting(name)}
    return told | {key: str(value) for key, value in flat(settings).items()}


def _rows(history: Path) -> list[dict[str, float]]:
    """Return each epoch's columns without its number: epochs count from one without a gap."""
    try:
        with history.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{curve(key): float(row[key]) for key in row if key != "epoch"} for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise damaged(history, error) from None


def _measures(files: RunFiles, rows: list[dict[str, float]], timing: Timing) -> dict[str, float]:
    """Return the run's single numbers, without those that are the last point of a curve."""
    measured = read_metrics(files).numbers if files.metrics.exists() else {}
    curves = rows[0] if rows else {}
    trained = {final("training_seconds"): sum(timing.seconds_per_epoch)} if rows else {}
    return trained | {
        final(key): value
        for key, value in measured.items()
        if math.isfinite(value) and curve(key) not in curves and key != "epochs"
    }


def _tags(files: RunFiles, name: str, status: str) -> dict[str, str]:
    return {NAME_TAG: name, FOLDER_TAG: folder_of(files), STATUS_TAG: status, **SOURCE}


def verdicts(layout: Layout) -> dict[str, str]:
    """Return, for each run of a published setting, the verdicts on the published numbers."""
    said: dict[str, list[str]] = {}
    for row in _table(layout, "verdicts.csv", "study", "verdict", "published", "table", "runs"):
        where = f"{row['study']}, table {row['table']}"
        for run in filter(None, row["runs"].split(";")):
            said.setdefault(run, []).append(f"{row['verdict']}: {row['published']} in {where}")
    return {run: "; ".join(verdicts) for run, verdicts in said.items()}


def flags(layout: Layout) -> dict[str, str]:
    """Return, for each run that quality control flags by its name, what it flags of it."""
    kinds: dict[str, list[str]] = {}
    for row in _table(layout, "quality.csv", "flag", "where", "found"):
        kinds.setdefault(row["where"], []).append(f"{row['flag']}: {row['found']}")
    return {where: "; ".join(found) for where, found in kinds.items()}


def tallies(layout: Layout) -> dict[str, str]:
    """Return as tags how many published numbers have each verdict, and comparisons each answer.

    And how many flags of each kind there are, and how many controls lie inside their ranges.
    """
    findings = Counter(row["study"] for row in _table(layout, "audit.csv", "study"))
    numbers = Counter(row["verdict"] for row in _table(layout, "verdicts.csv", "verdict"))
    comparisons = Counter(row["answer"] for row in _table(layout, "claims.csv", "answer"))
    flagged = Counter(row["flag"] for row in _table(layout, "quality.csv", "flag"))
    controls = Counter(
        "inside" if row["inside"] == "yes" else "outside"
        for row in _table(layout, "controls.csv", "inside")
    )
    return {
        f"{prefix}.{word}": str(n)
        for prefix, counts in (
            (f"{TALLY}.numbers", numbers),
            (f"{TALLY}.comparisons", comparisons),
            (f"{TALLY}.findings", findings),
            (f"{QUALITY_TAG}.flags", flagged),
            (f"{QUALITY_TAG}.controls", controls),
        )
        for word, n in counts.items()
    }


def _table(layout: Layout, name: str, *columns: str) -> list[dict[str, str]]:
    """Return the rows of a table with these and other columns; nothing if it does not exist."""
    try:
        return read_rows(layout.tables / name, *columns)
    except FileNotFoundError:
        return []


def folder_of(files: RunFiles) -> str:
    """Return a text that tells these files from the same files in another copy of the project."""
    return str(files.folder.absolute())


def _milliseconds(seconds: float) -> int:
    return int(seconds * MILLISECONDS)


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
