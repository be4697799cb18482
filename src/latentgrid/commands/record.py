"""Writes the record of a finished run into the study that it can serve."""

import csv
import glob
import io
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError, damaged
from latentgrid.evaluation.records import contradictions
from latentgrid.files.atomic import read_json, sha256
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.study_folders import STUDIES, study_names
from latentgrid.results.run_json import as_trained, read_metrics, read_outcome, read_timing
from latentgrid.stamps import made
from latentgrid.studies import reading
from latentgrid.studies.collection import file_of, of_another_machine
from latentgrid.studies.records import (
    FORMAT,
    RecordedRun,
    as_run,
    read_record,
    write_record,
)
from latentgrid.studies.served import why_foreign
from latentgrid.studies.study import Study

RESULTS, DATA = Path("results"), Path("data")


def record(what: str, study: str | None) -> str:
    """Write the record of a run and return a line that says where.

    Args:
        what: the folder of a run, or its name below results/<dataset>/runs.
        study: a study's name or folder; None for the only one that the run can serve.

    Raises:
        UserError: it is no finished run, is damaged, serves no study, or another record of the same
            run lies there.
    """
    files = _files(what)
    run = recorded(files, _dataset(files))
    chosen = reading.load(study) if study else _served(files, run)
    foreign = why_foreign(chosen, run)
    if foreign:
        raise UserError(f"{files.folder}: {foreign}; name another study by --study")
    for fault in contradictions(run):
        raise UserError(f"{files.folder}: cannot be true: {fault}")
    path = file_of(chosen, run)
    if path.exists():
        there = read_record(path).run
        if there == run:
            return f"{path}: is there already"
        if there.made_on == run.made_on:
            raise UserError(
                f"{path}: is another record of this run from the same machine; they differ in "
                f"{_differences(there, run)}; delete the one that you do not want"
            )
        path = of_another_machine(path, run)
        if path.exists():
            return f"{path}: is there already"
    write_record(path, run)
    epochs = "1 epoch" if run.epochs == 1 else f"{run.epochs} epochs"
    return f"{path}: recorded, {run.status} after {epochs}"


def recorded(files: RunFiles, dataset: str) -> RecordedRun:
    """Return what is small of a finished run on a data set; its weights need not be there.

    Raises:
        UserError: the run has not ended, a file was changed or is damaged, or what they say cannot
            be true.
    """
    outcome, timing = read_outcome(files), read_timing(files)
    for path in filter(Path.exists, (files.weights, files.snapshots)):
        as_trained(files, path)
    keys = ("settings", "data sha256", "code", "device", "libraries")
    config = read_json(as_trained(files, files.config), *keys)
    stamp = made.read_stamp(files.outcome)
    content = {
        "format": FORMAT,
        **{key: config[key] for key in keys},
        "dataset": dataset,
        "code digest": config.get("code digest") or stamp.get("code"),
        "machine": timing.machine,
        "started": timing.started.isoformat(),
        "ended": timing.ended.isoformat(),
        "seconds per epoch": timing.seconds_per_epoch,
        "continued after epochs": timing.continued_after_epochs,
        "status": outcome.status,
        "reason": outcome.reason,
        "epochs": outcome.epochs,
        **_evaluated(files),
        "files": dict(outcome.sha256),
        "history": _history(as_trained(files, files.history)),
    }
    try:
        return as_run(content)
    except ValueError as error:
        raise UserError(f"{files.folder}: {error}") from None


def _files(what: str) -> RunFiles:
    """Return the files of a run by its folder, or by its name below results/<dataset>/runs."""
    named = sorted(RESULTS.glob(f"*/runs/{glob.escape(what)}")) if what else []
    if len(named) > 1:
        raise UserError(f"{what}: is a run in {' and '.join(map(str, named))}; name one of them")
    folder = Path(what) if Path(what).is_dir() or not named else named[0]
    if not what or not folder.is_dir():
        raise UserError(f"{what}: is no folder of a run, nor the name of one in {RESULTS}")
    files = RunFiles(folder, state=folder)
    if not files.outcome.is_file():
        raise UserError(f"{folder}: is no finished run, as it has no {files.outcome.name}")
    return files


def _dataset(files: RunFiles) -> str:
    """Return the name of the data set that a run was trained on.

    Raises:
        UserError: neither data/ nor a record tells what they are.
    """
    images = read_json(as_trained(files, files.config), "data sha256")["data sha256"]
    for description in sorted(DATA.glob("*/description.json")):
        if read_json(description, "sha256")["sha256"] == images:
            return description.parent.name
    for path in sorted(STUDIES.glob("*/records/*/*.json")):
        known = read_record(path).run
        if known.data_sha256 == images:
            return known.dataset
    raise UserError(
        f"{files.folder}: was trained on images (SHA-256 {images}) that are of no data set in "
        f"{DATA} and of no record; make them there by snakemake and run again"
    )


def _history(path: Path) -> dict[str, Any]:
    """Return a history as JSON data: columns and rows, the epoch as a whole number."""
    try:
        lines = [*csv.reader(io.StringIO(path.read_text(encoding="utf-8")))]
        columns, rows = (lines[0], lines[1:]) if lines else ([], [])
        numbers = [[int(epoch), *map(float, losses)] for epoch, *losses in rows]
    except (ValueError, csv.Error) as error:
        raise damaged(path, error) from None
    return {"columns": columns, "rows": numbers}


def _evaluated(files: RunFiles) -> dict[str, Any]:
    """Return a run's measures and the settings by which it was evaluated.

    Both are None where no stamp says that the measures are those of this training.
    """
    stamp = made.read_stamp(files.metrics)
    known = sha256(files.outcome) in stamp.get("inputs", {}).values()
    if not files.metrics.is_file() or not known:
        return {"measures": None, "evaluation": None}
    made.require_as_written(files.metrics)
    metrics = read_metrics(files)
    return {"measures": metrics.columns | metrics.silhouettes, "evaluation": stamp["settings"]}


def _served(files: RunFiles, run: RecordedRun) -> Study:
    """Return the only study that a run can serve."""
    known = list(map(reading.load, study_names()))
    served = [study for study in known if not why_foreign(study, run)]
    if len(served) == 1:
        return served[0]
    if served:
        names = ", ".join(study.name for study in served)
        raise UserError(f"{files.folder}: can serve {names}; name one of them by --study")
    near = [s for s in known if any(n.ours == run.settings.model for n in s.numbers)]
    why = f" (it {why_foreign(near[0], run)})" if near else ""
    names = ", ".join(study.name for study in known) or "no study"
    raise UserError(
        f"{files.folder}: serves no number and no claim of {names}{why}; name another by --study"
    )


def _differences(there: RecordedRun, here: RecordedRun) -> str:
    """Return the names of what two records tell differently."""
    told, ours = there.content, here.content
    return ", ".join(name for name, value in told.items() if ours[name] != value)
