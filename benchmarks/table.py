"""How the benchmarks print ratios, and figures beside their limits."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """A ratio that was measured several times, and the least it should be.

    Attributes:
        name: what was compared with.
        ratios: one of each repeat.
        goal: None where there is none.
    """

    name: str
    ratios: Sequence[float]
    goal: float | None = None


def print_rows(title: str, rows: Sequence[Row]) -> None:
    """Print the median of each row, its spread, and whether the goal is reached."""
    table = Table(
        "compared with", "median", "least", "most", "goal", "", title=title, box=SIMPLE_HEAD
    )
    for row in rows:
        median = statistics.median(row.ratios)
        goal = ("", "") if row.goal is None else (f"≥ {row.goal:g}", _word(median >= row.goal))
        table.add_row(
            row.name,
            *(f"{value:.2f}" for value in (median, min(row.ratios), max(row.ratios))),
            *goal,
        )
    Console().print(table)


@dataclass(frozen=True)
class Limit:
    """A figure, and the most it should be; None where there is no limit."""

    name: str
    value: float
    most: float | None = None


def print_limits(title: str, rows: Sequence[Limit]) -> None:
    """Print each figure, and whether it keeps within its limit."""
    table = Table("", "measured", "goal", "", title=title, box=SIMPLE_HEAD)
    for row in rows:
        goal = ("", "") if row.most is None else (f"≤ {row.most:g}", _word(row.value <= row.most))
        table.add_row(row.name, f"{row.value:.2f}", *goal)
    Console().print(table)


def _word(reached: bool) -> str:
    return "reached" if reached else "not reached"
