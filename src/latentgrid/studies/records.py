"""Reads and writes records: what is small of a trained run, one JSON file each.

A record stands for a run whose weights lie elsewhere or nowhere. Its content has a digest of its
own, so that an edit is seen; whether it is true only training again can tell (`latentgrid verify`).
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import write_text
from latentgrid.grid.runs import FUSED, canonical

FORMAT = 1
MAX_BYTES = 1_000_000  # 50 epochs take some 12 kB
PREFIX = "record:"
FILES = frozenset({"config.json", "history.csv", "snapshots.safetensors", "weights.safetensors"})
WHERE = ("study", "records", "model", "file")
REMEDY = "delete it or take it from where it came"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="a SHA-256")]
NotNegative = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Measured = int | float | str | bool | None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has letters that cannot be printed")
    return text


def _finite(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -math.inf < value < math.inf:  # type: ignore[operator]
        raise ValueError("must be a finite number")
    return value


Text = Annotated[str, AfterValidator(_printable)]
# Any: a whole number stays one, as the epoch is in history.csv.
Number = Annotated[Any, AfterValidator(_finite)]


class Section(BaseModel):
    """A part of a record: its keys have spaces for _, and unknown ones are refused."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        populate_by_name=True,
        protected_namespaces=(),
        alias_generator=lambda name: name.replace("_", " "),
    )


class Settings(BaseModel):
    """Everything that a run's result depends on besides data and code, as in the plan.

    Options of the training, such as a schedule, stand beside the others where they are set.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, allow_inf_nan=False)

    model: Text
    hyperparameters: Mapping[str, Any]
    optimizer: Text | None
    learning_rate: float | None
    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    precision: Text
    seed: NotNegative
    snapshots: Mapping[str, Any]

    @property
    def options(self) -> dict[str, Any]:
        """The options that are set, by name; how many runs trained side by side is none."""
        return {name: value for name, value in (self.model_extra or {}).items() if name != FUSED}

    @property
    def flat(self) -> dict[str, Any]:
        """The settings by name, hyperparameters among them; those without a value are left out."""
        told = self.model_dump(exclude={"hyperparameters", "snapshots"})
        return {n: v for n, v in (told | dict(self.hyperparameters)).items() if v is not None}

    @property
    def identity(self) -> dict[str, Any]:
        """What two runs share that must give the same losses: all but the snapshots."""
        return self.model_dump(exclude={"snapshots"})


class History(Section):
    """The losses of every epoch.

    Attributes:
        columns: their names, as in history.csv; the first is the epoch.
        rows: a row per completed epoch.
    """

    columns: list[Text]
    rows: list[list[Number]]

    def column(self, name: str) -> list[float]:
        """Return a column's value for each epoch."""
        return [row[self.columns.index(name)] for row in self.rows]

    @property
    def as_csv(self) -> str:
        """The bytes of the run's history.csv."""
        if not self.rows:
            return ""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([int(epoch), *losses] for epoch, *losses in self.rows)
        return text.getvalue()


class Machine(Section):
    """The processor that a run trained on.

    Attributes:
        cpu: its name with its family and model.
        instructions: the instruction set that torch used, such as AVX512.
    """

    cpu: Text
    instructions: Text


class RecordedRun(Section):
    """The content of a record, without its digest.

    Attributes:
        format: the version of this schema.
        dataset: the name of the data set.
        data_sha256: of its images.
        settings: of the run.
        code: the commit; "-dirty" is appended if something was not committed.
        code_digest: the digest of the training code; None where an older run did not write it.
        device: "cpu", or the name of the GPU.
        machine: the processor; None where the run did not write it.
        libraries: their versions.
        started, ended: in UTC; of the last part, if it was interrupted.
        seconds_per_epoch: wall time of each epoch's training.
        continued_after_epochs: where an interrupted training went on.
        status: "finished" or "diverged".
        reason: why it diverged; empty if it finished.
        epochs: the number of completed epochs.
        measures: the run's measures that are a single value, and the silhouette of each class;
            None if it was not evaluated.
        evaluation: the settings by which it was evaluated.
        files: the SHA-256 of the run's other files.
        history: the losses of every epoch.
    """

    format: int
    dataset: Text
    data_sha256: Digest
    settings: Settings
    code: Text
    code_digest: Digest | None
    device: Text
    machine: Machine | None
    libraries: Mapping[str, Text]
    started: datetime
    ended: datetime
    seconds_per_epoch: list[Seconds]
    continued_after_epochs: list[NotNegative]
    status: Literal["finished", "diverged"]
    reason: Text
    epochs: NotNegative
    measures: Mapping[str, Measured] | None
    evaluation: Mapping[str, Any] | None
    files: Mapping[str, Digest]
    history: History

    @property
    def made_on(self) -> tuple[str, Machine | None, Mapping[str, str]]:
        """The machine and the libraries, which decide the last bits of a loss."""
        libraries = {name: v for name, v in self.libraries.items() if name != "latentgrid"}
        return self.device, self.machine, libraries

    @property
    def content(self) -> dict[str, Any]:
        """The record as plain JSON data."""
        told: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        return told

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return digest(self.content)


@dataclass(frozen=True)
class Record:
    """A record that was read.

    Attributes:
        path: its file, studies/<study>/records/<model>/<setting>,seed=<n>.json.
        run: its content.
    """

    path: Path
    run: RecordedRun

    @property
    def name(self) -> str:
        """Its name in the column `run` of tables: "record:" and its path below studies/."""
        return PREFIX + "/".join(self.path.absolute().parts[-len(WHERE) :])


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        UserError: it is missing, a link, no JSON of a record, was edited, or tells the impossible.
    """
    found = _json(path)
    if not isinstance(found, dict) or not isinstance(found.get("sha256"), str):
        raise _wrong(path, "is no record, as it has no sha256")
    if found.get("format") != FORMAT:
        raise _wrong(path, f"has another format than {FORMAT}, which this version reads")
    content = {key: value for key, value in found.items() if key != "sha256"}
    if digest(content) != found["sha256"]:
        raise _wrong(path, "was edited: its content does not fit its sha256")
    try:
        return Record(path, as_run(content))
    except ValueError as error:
        raise _wrong(path, str(error)) from None


def as_run(content: Mapping[str, Any]) -> RecordedRun:
    """Return plain JSON data, without the digest, as a recorded run.

    Raises:
        ValueError: a key is missing or of another type, or something in it cannot be true.
    """
    try:
        run = RecordedRun.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise ValueError(_first_fault(error)) from None
    for fault in impossible(run):
        raise ValueError(f"cannot be true: {fault}")
    return run


def write_record(path: Path, run: RecordedRun) -> None:
    """Write a record in one step."""
    write_text(path, as_text(run))


def as_text(run: RecordedRun) -> str:
    """Return a record as JSON: a line for each key, and one for each epoch of the history."""
    content = run.content
    rows = content["history"].pop("rows")
    lines = [f" {json.dumps(key)}: {_compact(v)}," for key, v in content.items()]
    lines[-1] = lines[-1].removesuffix("},") + ', "rows": ['  # the history is the last key
    epochs = ",\n".join(f"  {_compact(row)}" for row in rows)
    closing = f' ]}},\n "sha256": {_compact(run.sha256)}'
    return "\n".join(["{", *lines, *filter(None, [epochs]), closing, "}"]) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON data with sorted keys and without spaces."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def impossible(run: RecordedRun) -> list[str]:
    """Return what in a record cannot be true of any run, in words."""
    settings, history = run.settings, run.history
    faults = [*_of_outcome(run), *_of_shape(run)]
    if faults:
        return faults
    if hashlib.sha256(history.as_csv.encode()).hexdigest() != run.files["history.csv"]:
        faults.append("the history is not that of the run, whose history.csv has another SHA-256")
    faults += _of_times(run)
    if history.rows and {"train_batch_sum", "train_batch_sum_corrected"} <= {*history.columns}:
        sums = history.column("train_batch_sum")
        corrected = history.column("train_batch_sum_corrected")
        surplus = [a - b for a, b in zip(sums, corrected, strict=True)]
        if max(surplus) - min(surplus) > 1e-9 * max(map(abs, (*sums, *corrected))):
            faults.append("train_batch_sum and train_batch_sum_corrected differ by no constant")
    measures = run.measures or {}
    taken = {*settings.flat, "run", "entry", "planned_epochs", "reason"} & measures.keys()
    taken -= {"epochs"}  # a measure of every run, and perhaps an axis
    if taken:
        faults.append(f"a measure is called {', '.join(sorted(taken))}")
    if measures and (measures.get("status"), measures.get("epochs")) != (run.status, run.epochs):
        faults.append("the measures are of a run with another status or number of epochs")
    return faults


def _of_outcome(run: RecordedRun) -> list[str]:
    planned = run.settings.epochs
    fewest = 1 if "patience" in run.settings.options else planned
    if run.status == "finished" and (not fewest <= run.epochs <= planned or run.reason):
        return [f"it finished after {run.epochs} of {planned} epochs"]
    if run.status == "diverged" and (run.epochs >= planned or not run.reason):
        return [f"it diverged after {run.epochs} of {planned} epochs, for no reason"]
    if run.files.keys() != FILES:
        return [f"files must have the digests of {', '.join(sorted(FILES))}"]
    return []


def _of_shape(run: RecordedRun) -> list[str]:
    columns, rows = run.history.columns, run.history.rows
    if len(rows) != run.epochs:
        return [f"the history has {len(rows)} rows and the run {run.epochs} epochs"]
    if not rows:
        return []
    losses = columns[1:]
    if columns[:1] != ["epoch"] or len({*losses}) < len(losses):
        return ["the history's columns must be the epoch and losses, each once"]
    if not {"train_loss", "test_loss"} <= {*losses}:
        return ["the history lacks train_loss or test_loss"]
    for number, row in enumerate(rows, start=1):
        if row[:1] != [number] or list(map(type, row[1:])) != [float] * len(losses):
            return [f"row {number} must have the epoch {number} and {len(losses)} decimal numbers"]
    return []


def _of_times(run: RecordedRun) -> list[str]:
    counts = {run.epochs} if run.status == "finished" else {run.epochs, run.epochs + 1}
    if len(run.seconds_per_epoch) not in counts:
        return [f"it has the seconds of {len(run.seconds_per_epoch)} epochs"]
    if (run.started.tzinfo is None) or (run.ended.tzinfo is None):
        return ["started or ended has no time zone"]
    took = (run.ended - run.started).total_seconds()
    # Dates are whole seconds. An interrupted training began before `started`.
    if took < 0 or (not run.continued_after_epochs and math.fsum(run.seconds_per_epoch) > took + 2):
        return ["its epochs took longer than the time from started to ended"]
    return []


def _json(path: Path) -> Any:
    """Return the content of a JSON file in which nothing is ambiguous."""
    if path.is_symlink():
        raise _wrong(path, "is a link, and records are files")
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise _wrong(path, f"is larger than a record can be ({MAX_BYTES:,} bytes)")
        return json.loads(text.decode(), object_pairs_hook=_once_each, parse_constant=_no_number)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name a record, a JSON file") from None
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"is no JSON of a record ({one_line(error)})") from None


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands there twice: a reader may see one value, and Python take another."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    said = fault["msg"].removeprefix("Value error, ")
    return f"{one_line(place)}: {said}" if place else said


def _wrong(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: {reason}; {REMEDY}")
