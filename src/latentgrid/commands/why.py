"""Finds the runs behind a number, figure or file of the results, and what made these runs."""

import glob
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from latentgrid.commands.records import machine_of
from latentgrid.errors import UserError, damaged, printable
from latentgrid.files.atomic import read_json, read_rows, sha256
from latentgrid.files.layout import QUALITY, TABLES, VERDICTS, Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import catalogue, plugins, reading
from latentgrid.grid.datasets import said_of
from latentgrid.grid.runs import canonical, planned_runs
from latentgrid.grid.study_folders import STUDIES
from latentgrid.provenance import code_version
from latentgrid.results.run_json import (
    Config,
    Timing,
    as_trained,
    flat,
    read_config,
    read_outcome,
    read_timing,
)
from latentgrid.studies.records import PREFIX, Record, RecordedRun, read_record
from latentgrid.text import duration, size

RESULTS = Path("results")
KINDS = "a table or a row of it, a figure, the report, a model's page, a run or a file of one"
CELLS = 5  # the number of a row's cells that are shown to recognise it
DIGITS = 12  # the number of digits of a checksum that are shown where there are several
DIRTY, UNKNOWN = "-dirty", "unknown"  # as `code_version` returns them
PARAMS = Path("params.yaml")
CHECKSUM = "data, SHA-256"
UNFINISHED = "no run with this value finished with the settings and seeds of the other values"
COLUMNS = ("code", CHECKSUM, "device")  # shown for each run if the runs differ in them


@dataclass(frozen=True)
class Origin:
    """The runs from which a number, a figure or a file was made.

    Attributes:
        layout: of the data set.
        what: the number, figure or file, in words.
        runs: the names of the runs.
        note: what else a reader should know.
    """

    layout: Layout
    what: str
    runs: list[str]
    note: str = ""


@dataclass(frozen=True)
class Made:
    """What a run was made with, read from its files."""

    name: str
    files: RunFiles

    @cached_property
    def config(self) -> Config:
        """The run's settings and versions."""
        return read_config(self.files)

    @property
    def ended(self) -> bool:
        """Whether the run has a result."""
        return self.files.outcome.exists()

    @property
    def settings(self) -> dict[str, str]:
        """The run's settings without those of its snapshots, flat."""
        return {name: str(value) for name, value in flat(self.config.settings).items()}

    @property
    def facts(self) -> dict[str, str]:
        """The run's code, data and device."""
        return {
            "code": self.config.code,
            CHECKSUM: self.config.data_sha256,
            "device": f"{self.config.device} of {self.timing.host}",
        }

    @cached_property
    def timing(self) -> Timing:
        """When, where and how long the run trained."""
        return read_timing(self.files)

    @property
    def seconds(self) -> float:
        """The seconds that all its epochs took."""
        return sum(self.timing.seconds_per_epoch)

    @property
    def started(self) -> str:
        """When the process that ended the training began with it."""
        return self.timing.started.strftime("%Y-%m-%d %H:%M UTC")

    @property
    def outcome(self) -> str:
        """How the training ended."""
        if not self.ended:
            return "no result"
        outcome = read_outcome(self.files)
        return f"{outcome.status}, {outcome.epochs} epoch{'' if outcome.epochs == 1 else 's'}"


def origin(what: str) -> Origin:
    """Find the runs from which something was made.

    Args:
        what: the path of a table below `results/`, or of one of its rows with `:ROW`, counted from
            1 below the header; of a figure; of the report; of a model's page; of a run's file or
            folder; of a folder of runs; the name of a run; or a record's path or name.

    Raises:
        UserError: it is none of these, or does not exist.
    """
    if what.startswith(PREFIX) or Path(what).absolute().is_relative_to(STUDIES.absolute()):
        found = _record(what)
        return Origin(Layout(found.run.dataset), str(found.path), [found.name])
    table, _, row = what.rpartition(":")
    path, row = (table, row) if table.endswith(".csv") else (what, "")
    layout, inside = _place(path)
    file = layout.results.joinpath(*inside)
    if not file.exists():
        raise UserError(f"{file}: no such file")
    match inside:
        case ["tables", name] if name in (*TABLES, *VERDICTS, *QUALITY):
            return _of_table(layout, file, row)
        case ["runs", *_]:
            return Origin(layout, str(file), _runs_at(layout, file))
        case ["figures", name] if not name.endswith(".json"):
            return _of_figure(layout, file)
        case [name] if name == layout.report.name:
            return Origin(layout, str(file), [row["run"] for row in _finished(layout)])
        case ["models", name] if not name.startswith("."):
            return _of_model(layout, file)
    raise UserError(f"{file}: no run is known to be behind it; name {KINDS}")


def _place(path: str) -> tuple[Layout, list[str]]:
    """Split a path below `results/` into its data set and the parts of the path within that."""
    if os.path.lexists(path) or Path(path).is_relative_to(RESULTS):
        below = os.path.relpath(path, RESULTS)
    else:
        runs = sorted(RESULTS.glob(f"*/runs/{glob.escape(path)}")) if path else []
        if len(runs) > 1:
            raise UserError(f"{path}: is a run in {' and '.join(map(str, runs))}; name one of them")
        if not runs:
            raise UserError(f"{path}: neither a run nor a file; name {KINDS}")
        below = os.path.relpath(runs[0], RESULTS)
    dataset, *inside = Path(below).parts or [os.pardir]
    if dataset == os.pardir:
        raise UserError(f"{path}: is not below {RESULTS}; name {KINDS}")
    return Layout(dataset), inside


def _of_table(layout: Layout, file: Path, number: str) -> Origin:
    rows = _rows(file)
    what = str(file)
    if number:
        if not number.isdecimal() or not 1 <= int(number) <= len(rows):
            allowed = f"1 to {len(rows)}" if rows else "none, for the table is empty"
            raise UserError(
                f"{file}: has no row {number}; rows count from 1 below the header: {allowed}"
            )
        rows = [rows[int(number) - 1]]
        what = f"{file}, row {number} ({_recognised(rows[0])})"
    if rows and not rows[0].keys() & {"run", "runs"}:
        raise UserError(f"{file}: does not name its runs; make it again with snakemake")
    runs = dict.fromkeys(run for row in rows for run in _named(file, row))
    reason = _reason(rows[0]) if len(rows) == 1 and not runs else ""
    return Origin(layout, what, list(runs), reason)


def _reason(row: Mapping[str, str]) -> str:
    """Say why a row has no runs, as far as it tells."""
    return row.get("reason", "") or (UNFINISHED if "unfinished" in row else "")


def _rows(file: Path, *columns: str) -> list[dict[str, str]]:
    if not file.exists():
        raise UserError(f"{file}: no such file; make it with snakemake")
    return read_rows(file, *columns)


def _named(file: Path, row: Mapping[str, str]) -> list[str]:
    """Return the runs that a row names, which lie below the folder of all runs."""
    named = [run for run in (row.get("run") or row.get("runs") or "").split(";") if run]
    for run in named:
        if os.pardir in Path(run).parts or Path(run).is_absolute():
            raise damaged(file, f"{run} is no run's name")
    return named


def _recognised(row: Mapping[str, str]) -> str:
    cells = [f"{name} {cell}" for name, cell in row.items() if cell and name not in {"run", "runs"}]
    return ", ".join(cells[:CELLS])


def _runs_at(layout: Layout, place: Path) -> list[str]:
    """Return the names of the runs in a folder, or of the run to which a folder or file belongs."""
    folders = sorted(layout.runs.glob("*/*/seed=*"))
    runs = [f for f in folders if f.is_relative_to(place) or place.is_relative_to(f)]
    return [folder.relative_to(layout.runs).as_posix() for folder in runs]


def _of_figure(layout: Layout, file: Path) -> Origin:
    said = layout.seen(file.stem)
    if not said.exists():
        raise UserError(f"{file}: no figure of the pipeline's; {said}, which says so, is not there")
    seen = read_json(said, "entries", "missing")
    if seen["missing"]:
        return Origin(layout, str(file), [], seen["missing"])
    runs = [row["run"] for row in _finished(layout) if row["entry"] in seen["entries"]]
    note = "It shows these runs, or the best of them where its caption says so."
    if not seen["entries"]:
        drawn_from = map(str, map(layout.tensors, catalogue.figure(file.stem).reads))
        note = f"It shows no models and is drawn from {', '.join(drawn_from)}."
    return Origin(layout, str(file), runs, note)


def _of_model(layout: Layout, file: Path) -> Origin:
    """Return the runs of a model, finished or not, for its page or its configuration."""
    rows = _rows(layout.tables / "runs.csv", "run", "model", "status")
    runs = [row["run"] for row in rows if row["model"] == file.stem and row["status"] != "failed"]
    return Origin(layout, str(file), runs)


def _finished(layout: Layout) -> list[dict[str, str]]:
    rows = _rows(layout.tables / "runs.csv", "run", "entry", "status")
    return [row for row in rows if row["status"] == "finished"]


def show(found: Origin, console: Console) -> None:
    """Print the runs: first what all of them share, then a line for each; then those of records."""
    console.print(_text(f"{found.what}: {_count(found.runs)}", style="bold"))
    if found.note:
        console.print(_text(found.note))
    names = [name for name in found.runs if not name.startswith(PREFIX)]
    made = [Made(name, found.layout.run(name)) for name in names]
    if made or not found.runs:
        _show_runs(found, made, console)
    records = [_record(name) for name in found.runs if name.startswith(PREFIX)]
    if len(records) == 1:
        console.print(_of_record(records[0]))
    elif records:
        console.print(_lines_of_records(records))


def _show_runs(found: Origin, made: Sequence[Made], console: Console) -> None:
    trained = [run for run in made if run.ended]
    shared = _shared(trained)
    facts = Table.grid("", "", padding=(0, 2))
    for name, value in (
        shared | _places(found.layout, made) | _again(found.layout, trained)
    ).items():
        facts.add_row(_text(name), _text(value))
    console.print(facts)
    if len(made) == len(trained) == 1:
        console.print(_files(made[0]))
    elif made:
        console.print(_lines(made, [name for name in COLUMNS if trained and name not in shared]))


def _text(text: str, style: str = "") -> Text:
    """Return a text to be printed as it is, without markup or control characters."""
    return Text(printable(text), style)


def _count(made: Sequence[object]) -> str:
    return "one run" if len(made) == 1 else f"{len(made)} runs" if made else "no run"


def _shared(made: Sequence[Made]) -> dict[str, str]:
    """Return the facts that all runs share, and all libraries that they used."""
    if not made:
        return {}
    settings = _alike([run.settings for run in made])
    versions = (version for run in made for version in run.config.libraries.items())
    return {
        "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        **_alike([run.facts for run in made]),
        "libraries": ", ".join(f"{name} {version}" for name, version in sorted(set(versions))),
    }


def _alike(every: Sequence[dict[str, str]]) -> dict[str, str]:
    shared = set.intersection(*(set(one.items()) for one in every))
    return {name: value for name, value in every[0].items() if (name, value) in shared}


def _places(layout: Layout, made: Sequence[Made]) -> dict[str, str]:
    """Return where to find the runs' files, their logs and their runs in MLflow."""
    if not made:
        return {}
    name = made[0].name if len(made) == 1 else "RUN"
    return {
        "folder": str(layout.run(name).folder),
        "log": f"{layout.logs / 'train' / name}.log",
        "MLflow": f"experiment {layout.dataset}, tags.`latentgrid.run` = '{name}'",
    }


def _again(layout: Layout, made: Sequence[Made]) -> dict[str, str]:
    """Return how long the training took, and the commands that repeat it."""
    if not made:
        return {}
    took = duration(sum(run.seconds for run in made))
    now = code_version(root.folder for root in plugins.roots())
    versions = {run.config.code for run in made}
    commands = []
    for code in versions - {UNKNOWN} if len(versions) == 1 else ():
        if code != now:
            commands.append(f"git switch --detach {code.removesuffix(DIRTY)}")
        if code.endswith(DIRTY):
            commands.append("# and changes that were not committed")
    options = _configuration(layout, {run.name: run.config.settings for run in made})
    if options is None:
        commands.append("# with a configuration that has these settings; none here does")
    else:
        forced = ["--force", str(made[0].files.outcome)] if len(made) == 1 else []
        commands.append(shlex.join(["snakemake", "--cores", "all", *forced, *options]))
    return {"trained": f"{took} in all" if len(made) > 1 else f"{made[0].started}, {took}"} | {
        "made again by": "\n".join(commands)
    }


def _configuration(layout: Layout, settings: Mapping[str, Any]) -> list[str] | None:
    """Return the `--configfile` options of the smallest configuration that has these settings."""
    found = []
    for file in (PARAMS, *sorted(Path("config").glob("*.yaml"))):
        options = [] if file == PARAMS else ["--configfile", str(file)]
        try:
            chosen = reading.load([file])
            if chosen.dataset != layout.dataset:
                override = f"dataset={json.dumps(said_of(layout), ensure_ascii=False)}"
                chosen = reading.load([file], [override])
                options += ["--config", override]
        except UserError:  # such a configuration made no run
            continue
        planned = {run.name: json.loads(canonical(run.settings)) for run in planned_runs(chosen)}
        if all(planned.get(name) == of_run for name, of_run in settings.items()):
            found.append((len(planned), options))
    return min(found, key=itemgetter(0))[1] if found else None


def _files(run: Made) -> Table:
    table = Table("file", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("SHA-256", overflow="fold")
    for path in run.files.results:
        as_trained(run.files, path)
    for path in sorted(run.files.folder.glob("[!.]*")):
        table.add_row(_text(path.name), size(path.stat().st_size), sha256(path))
    return table


def _lines(made: Sequence[Made], differing: Sequence[str]) -> Table:
    """Return a line for each run, with the facts in which the runs differ."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for heading in (*differing, "ended", "trained", "for", "weights"):
        table.add_column(heading, overflow="fold")
    for run in made:
        cells = [""] * len(differing)
        if run.ended:
            facts = run.facts | {CHECKSUM: run.config.data_sha256[:DIGITS]}
            cells = [facts[name] for name in differing]
            weights = sha256(as_trained(run.files, run.files.weights))[:DIGITS]
            rest = [run.outcome, run.started, duration(run.seconds), weights]
        else:
            rest = [run.outcome, "", "", ""]
        table.add_row(*map(_text, (run.name, *cells, *rest)))
    return table


def _record(what: str) -> Record:
    """Read a record by its path, or by its name in tables, "record:" and the path in studies/."""
    return read_record(
        STUDIES / what.removeprefix(PREFIX) if what.startswith(PREFIX) else Path(what)
    )


def _of_record(record: Record) -> Table:
    """Return what a record says of its run, and how to train it again."""
    run = record.run
    settings = run.settings.flat.items()
    facts = {
        "settings": ", ".join(f"{name} {value}" for name, value in settings),
        "code": run.code,
        CHECKSUM: run.data_sha256,
        "device": machine_of(run.device, run.machine),
        "libraries": ", ".join(f"{name} {v}" for name, v in sorted(run.libraries.items())),
        "record": str(record.path),
        "ended": _ended(run),
        "trained": f"{_started(run)}, {duration(sum(run.seconds_per_epoch))}",
        "made again by": shlex.join(
            ["latentgrid", "verify", "--epochs", str(run.settings.epochs), str(record.path)]
        ),
        **{f"{name}, SHA-256": sha for name, sha in sorted(run.files.items())},
    }
    table = Table.grid("", "", padding=(0, 2))
    for name, value in facts.items():
        table.add_row(_text(name), _text(value))
    return table


def _lines_of_records(records: Sequence[Record]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("record", "code", "device", "ended", "trained", "for", "weights"):
        table.add_column(heading, overflow="fold")
    for record in records:
        run = record.run
        cells = [record.name.removeprefix(PREFIX), run.code, machine_of(run.device, run.machine)]
        cells += [_ended(run), _started(run), duration(sum(run.seconds_per_epoch))]
        table.add_row(*map(_text, (*cells, run.files["weights.safetensors"][:DIGITS])))
    return table


def _ended(run: RecordedRun) -> str:
    return f"{run.status}, {run.epochs} epoch{'' if run.epochs == 1 else 's'}"


def _started(run: RecordedRun) -> str:
    return run.started.strftime("%Y-%m-%d %H:%M UTC")
