"""Sums up what the jobs of a data set cost, rule by rule."""

from itertools import groupby
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.jobs.benchmarks import read


def by_rule(layout: Layout) -> Table:
    """Return a row per rule: jobs, seconds (median, longest, all), CPU seconds, most memory.

    Raises:
        UserError: no job has run yet, or `benchmarks.csv` is damaged.
    """
    if not layout.benchmarks.exists():
        raise UserError(f"{layout.benchmarks}: no such file; the first job makes it")
    table = Table("rule", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("jobs", "median s", "longest s", "all s", "all CPU s", "most MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    costs = sorted(read(layout.benchmarks), key=lambda cost: cost.rule)
    for rule, of_rule in groupby(costs, key=lambda cost: cost.rule):
        jobs = list(of_rule)
        seconds = [cost.seconds for cost in jobs]
        cpu = sum(cost.cpu_seconds for cost in jobs)
        most = max(cost.memory_mb for cost in jobs)
        numbers = (median(seconds), max(seconds), sum(seconds), cpu)
        table.add_row(rule, str(len(jobs)), *(f"{n:.1f}" for n in numbers), f"{most:.0f}")
    return table
