"""A value lies far from what its neighbours on the grid predict.

Three cells that form a rectangle with a fourth predict it: where two axes act each by a factor of
its own, a(x, y) = a(x, y′) · a(x′, y) / a(x′, y′). Each cell has many such rectangles, over each
pair of axes; table and model are one axis, so that a table of the same quantity for another model
helps too. The prediction is their median, and its width the median distance of the rectangles from
it, or the median of all cells' widths, or the rounding of the printed digits, whichever is
largest: where neighbours disagree because axes act together, nothing fires. The rule fires where a
value is `TIMES` widths or more away. The farthest one is then set aside and the rest looked at
again, as a wrong value spoils the rectangles of its neighbours (as in the sequential test of
Rosner, Technometrics 25 (1983) 165). The known excess is taken off first. Values are compared by
their logarithms where all are positive, else as they are, and a cell with fewer than `RECTANGLES`
is left alone.

Interaction contrasts of a two-way table are Tukey's (Exploratory Data Analysis, 1977, chapter 10);
the median makes them bear some wrong neighbours. `TIMES` is such that about one sound study in a
thousand fires (docs/audit.md).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from latentgrid.audit.cells import Setting, by_quantity, grid_of, without_excess
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.study import Study
from latentgrid.text import number as in_words

TITLE = "Values out of line with their neighbours"
RECTANGLES = 5
TIMES = 8.0


@dataclass(frozen=True)
class Stray:
    """A value that its neighbours do not predict.

    Attributes:
        cell: where it is on the axes.
        predicted: the median of what its rectangles predict.
        width: how far these lie from it.
        times: the distance of the value in widths.
        rectangles: how many there are.
    """

    cell: Setting
    predicted: float
    width: float
    times: float
    rectangles: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each value that is out of line."""
    for numbers in by_quantity(study).values():
        grid = grid_of(study, numbers)
        values = {cell: without_excess(study, number) for cell, number in grid.items()}
        as_logs = all(value > 0 for value in values.values())
        if as_logs:
            rounding = {cell: number.resolution / values[cell] for cell, number in grid.items()}
            values = {cell: math.log(value) for cell, value in values.items()}
        else:
            rounding = {cell: number.resolution for cell, number in grid.items()}
        for stray in strays(values, rounding):
            number = grid[stray.cell]
            at = values[stray.cell]
            found, predicted = (
                (math.exp(at), math.exp(stray.predicted)) if as_logs else (at, stray.predicted)
            )
            width = f"a factor of {math.exp(stray.width):.2f}" if as_logs else f"{stray.width:.2g}"
            taken = f", {in_words(found)} without the known excess," if study.excess(number) else ""
            yield Finding(
                "out_of_line",
                Place.of(study, number),
                f"{number.printed}{taken} where its neighbours predict {in_words(predicted)}: "
                f"{stray.rectangles} rectangles agree within {width}, and it lies "
                f"{stray.times:.0f} times as far off",
            )


def strays(values: Mapping[Setting, float], rounding: Mapping[Setting, float]) -> Iterator[Stray]:
    """Yield the values that are out of line, the farthest first, each without those before it.

    Args:
        values: by their place; effects of the axes add up.
        rounding: one unit of the last digit of each.
    """
    left = dict(values)
    while found := _looked_at(left, rounding):
        farthest = max(found, key=lambda stray: stray.times)
        if farthest.times < TIMES:
            return
        yield farthest
        del left[farthest.cell]


def _looked_at(values: Mapping[Setting, float], rounding: Mapping[Setting, float]) -> list[Stray]:
    """Return all cells that have enough rectangles."""
    levels = [dict.fromkeys(level) for level in zip(*values, strict=True)]
    predicted = {}
    for cell in values:
        rectangles = list(_rectangles(values, levels, cell))
        if len(rectangles) >= RECTANGLES:
            middle = median(rectangles)
            width = median(abs(rectangle - middle) for rectangle in rectangles)
            predicted[cell] = (middle, width, len(rectangles))
    if not predicted:
        return []
    common = median(width for _, width, _ in predicted.values())
    found = []
    for cell, (middle, own, count) in predicted.items():
        width = max(own, common, rounding[cell])
        times = abs(values[cell] - middle) / width
        found.append(Stray(cell, middle, width, times, count))
    return found


def _rectangles(
    values: Mapping[Setting, float], levels: list[dict[object, None]], cell: Setting
) -> Iterator[float]:
    """Yield what each rectangle predicts for a cell."""
    for one, other in combinations(range(len(cell)), 2):
        for level in levels[one]:
            beside = (*cell[:one], level, *cell[one + 1 :])
            if level == cell[one] or beside not in values:
                continue
            for level2 in levels[other]:
                above = (*cell[:other], level2, *cell[other + 1 :])
                corner = (*beside[:other], level2, *beside[other + 1 :])
                if level2 != cell[other] and above in values and corner in values:
                    yield values[beside] + values[above] - values[corner]
