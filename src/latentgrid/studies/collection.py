"""The records of a study, each looked at beside the others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.runs import canonical
from latentgrid.studies.records import Record, RecordedRun, read_record
from latentgrid.studies.served import why_foreign
from latentgrid.studies.study import Study

HIDDEN = "."
DIGITS = 8  # of a record's digest that tell two machines' records of one run apart
OF_TRAINING = ("epochs", "batch_size", "precision")


@dataclass
class Found:
    """A file among a study's records.

    Attributes:
        path: where it lies.
        record: its content; None if it cannot be read.
        faults: what is wrong with it, in words.
        note: what else a reader should know; may be empty.
    """

    path: Path
    record: Record | None
    faults: list[str] = field(default_factory=list)
    note: str = ""


def read_records(study: Study) -> list[Record]:
    """Return the records of a study that count, sorted by name: one for each run.

    Of records that two machines made of the same run, the first by name counts.

    Raises:
        UserError: a record is damaged, edited, impossible, foreign or there twice; the text names
            its file and what is wrong.
    """
    found = look_through(study)
    for one in found:
        for fault in one.faults:
            raise UserError(f"{one.path}: {fault}; latentgrid records {study.name} lists all")
    return [one.record for one in found if one.record and not one.note]


def checked(studies: Iterable[Study]) -> None:
    """Refuse studies with a record that cannot count, before anything runs.

    Raises:
        UserError: as `read_records`.
    """
    for study in studies:
        read_records(study)


def look_through(study: Study) -> list[Found]:
    """Return every file among a study's records with what is wrong with it, sorted by name."""
    found = list(map(_read, _files(study)))
    for one in found:
        if one.record:
            one.faults += _faults(study, one.record)
    readable = [(one, one.record) for one in found if one.record]
    _note_same_runs(readable)
    _note_same_losses(readable)
    _note_other_images(readable)
    return found


def file_of(study: Study, run: RecordedRun) -> Path:
    """Return where the record of a run belongs in a study.

    What the study says of all its runs is left out of the name.
    """
    settings = run.settings
    implied = {"precision": study.facts.precision, **study.facts.trained}
    named = {
        **settings.hyperparameters,
        "optimizer": settings.optimizer,
        "learning_rate": settings.learning_rate,
        **settings.options,
        **{name: v for name, v in settings.flat.items() if name in OF_TRAINING},
    }
    parts = [
        f"{name}={value}"
        for name, value in named.items()
        if value is not None and not (name in OF_TRAINING and implied.get(name) == value)
    ]
    return study.records / settings.model / f"{','.join([*parts, f'seed={settings.seed}'])}.json"


def of_another_machine(path: Path, run: RecordedRun) -> Path:
    """Return where a record belongs if another machine's record of the same run lies at `path`."""
    return path.with_name(f"{path.stem},{run.sha256[:DIGITS]}.json")


def _files(study: Study) -> Iterator[Path]:
    """Yield what lies in the folder of records and in its folders, but hidden files."""
    for folder in _inside(study.records):
        if folder.is_symlink() or not folder.is_dir():
            yield folder
        else:
            yield from _inside(folder)


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    paths = (path for path in folder.iterdir() if not path.name.startswith(HIDDEN))
    return sorted(paths, key=lambda path: path.stem)  # so that seed=0 is before seed=0,1a2b3c4d


def _read(path: Path) -> Found:
    try:
        return Found(path, read_record(path))
    except UserError as error:
        return Found(path, None, [str(error).removeprefix(f"{path}: ")])


def _faults(study: Study, record: Record) -> Iterator[str]:
    foreign = why_foreign(study, record.run)
    if foreign:
        yield f"is foreign: {foreign}"
        return
    place = file_of(study, record.run)
    if record.path not in {place, of_another_machine(place, record.run)}:
        yield f"has another name than its settings give it: {place.relative_to(study.records)}"


def _note_same_runs(found: Iterable[tuple[Found, Record]]) -> None:
    """Name records of one run: the same machine's as duplicated, another's as one that waits."""
    first: dict[str, tuple[Found, Record]] = {}
    for one, record in found:
        before, known = first.setdefault(_identity(record.run), (one, record))
        if before is one:
            continue
        if known.run.made_on == record.run.made_on:
            one.faults.append(f"is duplicated: {before.path} is the same run on the same machine")
        else:
            one.note = f"does not count: {before.path.name} is the same run on another machine"


def _note_same_losses(found: Iterable[tuple[Found, Record]]) -> None:
    """Name records whose losses are those of another run to the last bit."""
    alike: Mapping[str, list[tuple[Found, Record]]] = defaultdict(list)
    for one, record in found:
        model = record.run.settings.model
        # A model without steps has the same losses whatever its seed; so has one without epochs.
        if record.run.history.rows and not (
            model in catalogue.models() and catalogue.is_closed_form(model)
        ):
            alike[record.run.history.as_csv].append((one, record))
    for same in alike.values():
        runs = {_identity(record.run, without="epochs") for _, record in same}
        for one, _ in same if len(runs) > 1 else []:
            others = ", ".join(other.path.name for other, _ in same if other is not one)
            one.faults.append(f"is duplicated: it has the losses of {others}")


def _note_other_images(found: Iterable[tuple[Found, Record]]) -> None:
    """Name records of other images than most records of their data set have."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for _, record in found:
        counts[record.run.dataset][record.run.data_sha256] += 1
    for one, record in found:
        of_set = counts[record.run.dataset]
        most = max(of_set.values())
        if of_set[record.run.data_sha256] < most or list(of_set.values()).count(most) > 1:
            one.faults.append("is of other images than the other records")


def _identity(run: RecordedRun, without: str = "") -> str:
    settings: dict[str, Any] = run.settings.identity
    return canonical([run.dataset, {n: v for n, v in settings.items() if n != without}])
