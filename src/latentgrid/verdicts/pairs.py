"""Compares runs in pairs with the same seed: the same initial weights, image order and draws."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from latentgrid.verdicts.training import OF_A_RATE, shared, takes_steps, trained_alike


@dataclass(frozen=True)
class Pairs:
    """Pairs of runs of two kinds; every seed has a pair for every setting.

    Attributes:
        table: a row per pair: its seed, and the measure of both runs as `first` and `second`.
        used: the runs that are in a pair.
    """

    table: pd.DataFrame
    used: pd.DataFrame

    @property
    def gained(self) -> list[float]:
        """For each seed, the mean over its pairs of first − second."""
        return self._by_seed(self.table["first"] - self.table["second"])

    @property
    def gained_logs(self) -> list[float]:
        """For each seed, the mean over its pairs of log(first ÷ second), of values above 0."""
        return self._by_seed(np.log(self.table["first"]) - np.log(self.table["second"]))

    def _by_seed(self, values: "pd.Series[float]") -> list[float]:
        return [float(value) for value in values.groupby(self.table["seed"]).mean()]


def paired(
    first: pd.DataFrame,
    second: pd.DataFrame,
    measure: str,
    alike: Sequence[str] = (),
    free: Iterable[str] = (),
) -> Pairs:
    """Return the pairs of runs that share a seed, were trained alike, and agree in some columns.

    All seeds must average over the same settings. So only pairs of the largest complete block are
    returned, a set of settings and seeds in which every seed has every setting.

    Args:
        first, second: the runs of both sides.
        measure: what is compared.
        alike: the columns in which a pair agrees.
        free: the columns of a training in which a pair may differ (`trained_alike`).
    """
    keys = [*alike, "seed"]
    needed = [*keys, measure, "run"]
    if any(column not in of for of in (first, second) for column in needed):
        nothing = pd.DataFrame({"seed": [], "first": [], "second": []})
        return Pairs(nothing, first.head(0))
    either = frozenset({*alike, *free})
    first, second = first.dropna(subset=[measure]), second.dropna(subset=[measure])
    first, second = trained_alike(first, second, either)
    rates = _rates(first, second, either)
    left, right = (of[[*rates, *needed]] for of in (first, second))
    left = left.rename(columns={measure: "first", "run": "first_run"})
    right = right.rename(columns={measure: "second", "run": "second_run"})
    table = _block(left.merge(right, on=[*rates, *keys]), [*rates, *alike])
    runs = pd.concat([first, second])
    in_a_pair = runs["run"].isin([*table["first_run"], *table["second_run"]])
    return Pairs(table, runs[in_a_pair])


def _rates(first: pd.DataFrame, second: pd.DataFrame, free: Container[str]) -> list[str]:
    """Return the columns, optimizer and learning rate, in which both sides' steps must agree."""
    if not (takes_steps(first).all() and takes_steps(second).all()):
        return []
    return [name for name in shared(first, second, free) if name in OF_A_RATE]


def _block(pairs: pd.DataFrame, alike: Sequence[str]) -> pd.DataFrame:
    """Return the pairs of the largest complete block of settings and seeds."""
    if not alike or pairs.empty:
        return pairs
    setting = pairs.groupby(list(alike), dropna=False).ngroup()
    seeds = {number: frozenset(of) for number, of in pairs["seed"].groupby(setting)}
    blocks = [
        (common, [number for number, of in seeds.items() if common <= of])
        for common in sorted(set(seeds.values()), key=sorted)
    ]
    common, settings = max(blocks, key=lambda block: (len(block[0]) * len(block[1]), len(block[0])))
    return pairs[setting.isin(settings) & pairs["seed"].isin(common)]
