"""What each job cost, in one table of a data set.

Snakemake's `benchmark:` would measure the process that it started, which waits while a fork does
the work. So each job writes down its own time and memory when it ends.
"""

import csv
import io
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from latentgrid.errors import damaged
from latentgrid.jobs.client import BEGAN, JOB
from latentgrid.jobs.orders import ORDERS

NAME = "benchmarks.csv"
MEGABYTE = 1_000_000
# `ru_maxrss` is in units of so many bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """What one job cost.

    Attributes:
        job: its name, as in `train:vae/latent_dim=2/seed=0`.
        rule: the part of it before the colon.
        seconds: wall time from when it loaded this package to its end.
        cpu_seconds: of all its threads, in user and system mode.
        memory_mb: the most that it held at a time, in 10⁶ bytes, with the libraries that forks
            share with one another.
    """

    job: str
    rule: str
    seconds: float
    cpu_seconds: float
    memory_mb: float


def write_down() -> None:
    """Add this process's cost to the table beside its orders; a job without orders has none."""
    job, orders = os.environ.get(JOB), os.environ.get(ORDERS)
    if not job or not orders:
        return
    table = Path(orders).with_name(NAME)
    try:
        with FileLock(table.with_name(f".{NAME}.lock")):
            _add(table, asdict(_cost(job)))
    except OSError as error:  # what a job cost is worth less than its results
        print(f"warning: {table}: {error.strerror}; this job's cost is lost", file=sys.stderr)


def _add(table: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a table in place of an unfinished line that a full disk or a kill left."""
    with table.open("a+b") as file:
        file.seek(0)
        there = _whole_lines(file.read())
        file.truncate(len(there))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(row))
        if not there:
            writer.writeheader()
        writer.writerow(row)
        file.write(text.getvalue().encode())


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _cost(job: str) -> Cost:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(
        job=job,
        rule=job.partition(":")[0],
        seconds=round(time.monotonic() - BEGAN, 3),
        cpu_seconds=round(used.ru_utime + used.ru_stime, 3),
        memory_mb=round(used.ru_maxrss * RSS_UNIT / MEGABYTE, 1),
    )


def read(table: Path) -> list[Cost]:
    """Return the cost of each job of a table, the last one where it ran several times.

    An unfinished line at the end is no row.

    Raises:
        UserError: the table is damaged.
    """
    try:
        text = _whole_lines(table.read_bytes()).decode()
        latest = {cost.job: cost for cost in _rows(io.StringIO(text, newline=""))}
    except (csv.Error, KeyError, OSError, TypeError, ValueError) as error:
        raise damaged(table, error) from None
    return list(latest.values())


def _rows(lines: Iterable[str]) -> Iterator[Cost]:
    for row in csv.DictReader(lines):
        numbers = (float(row[name]) for name in ("seconds", "cpu_seconds", "memory_mb"))
        yield Cost(row["job"], row["rule"], *numbers)
