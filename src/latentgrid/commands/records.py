"""Lists the records of a study and names each that cannot count."""

import contextlib
import subprocess
from collections.abc import Iterable
from datetime import datetime
from functools import cache

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from latentgrid.errors import printable
from latentgrid.evaluation.records import contradictions
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.studies.collection import Found, file_of, look_through
from latentgrid.studies.records import Machine, RecordedRun
from latentgrid.studies.study import Study

COLUMNS = ("model", "setting", "seed", "epochs", "final loss", "machine", "commit")


def listed(study: Study, console: Console) -> bool:
    """Print the records of a study, then what is wrong with each; tell whether all can count."""
    found = look_through(study)
    for one in found:
        if one.record and not one.faults:
            one.faults += deeper_faults(one.record.run)
    console.print(Text(f"{study.name}: {_count(found)}", "bold"))
    if any(one.record for one in found):
        console.print(_table(study, found))
    for one in found:
        for said in filter(None, [*one.faults, one.note]):
            console.print(Text(printable(f"{one.path}: {said}")))
    return not any(one.faults for one in found)


def deeper_faults(run: RecordedRun) -> list[str]:
    """Return what the model, the images here and the history of the code say against a record."""
    faults = [f"cannot be true: {fault}" for fault in contradictions(run)]
    description = Layout(run.dataset).description
    if description.is_file() and read_json(description, "sha256")["sha256"] != run.data_sha256:
        faults.append(f"is of other images than {description} tells of")
    committed = _committed(run.code.removesuffix("-dirty"))
    if committed and run.started < committed:
        faults.append(f"cannot be true: it began before its code was committed ({committed})")
    return faults


@cache
def _committed(commit: str) -> datetime | None:
    """Return when a commit was made; None if this repository does not have it."""
    asked = [
        "git",
        "show",
        "--no-patch",
        "--format=%cI",
        "--end-of-options",
        f"{commit}^{{commit}}",
    ]
    with contextlib.suppress(OSError, subprocess.CalledProcessError, ValueError):
        said = subprocess.run(asked, capture_output=True, encoding="utf-8", check=True)
        return datetime.fromisoformat(said.stdout.strip())
    return None


def _count(found: Iterable[Found]) -> str:
    every = list(found)
    bad = sum(bool(one.faults) for one in every)
    records = "1 record" if len(every) == 1 else f"{len(every)} records"
    return f"{records}, {bad} of which cannot count" if bad else records


def _table(study: Study, found: Iterable[Found]) -> Table:
    table = Table(*COLUMNS, box=SIMPLE_HEAD, pad_edge=False)
    for one in found:
        if one.record:
            table.add_row(*(Text(printable(cell)) for cell in _cells(study, one.record.run)))
    return table


def _cells(study: Study, run: RecordedRun) -> list[str]:
    settings = run.settings
    setting = file_of(study, run).stem.rpartition("seed=")[0].rstrip(",").replace(",", ", ")
    rows, columns = run.history.rows, run.history.columns
    loss = f"{rows[-1][columns.index('train_loss')]:.6g}" if rows else "none"
    epochs = f"{run.epochs} of {settings.epochs}" if run.reason else str(run.epochs)
    machine = machine_of(run.device, run.machine)
    return [settings.model, setting, str(settings.seed), epochs, loss, machine, run.code]


def machine_of(device: str, machine: Machine | None) -> str:
    """Return what a run was trained on, in words."""
    if device != "cpu":
        return device
    return f"{machine.cpu} ({machine.instructions})" if machine else "a CPU"
