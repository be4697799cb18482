"""Compares runs in pairs with the same seed: the same initial weights, image order and draws."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from latentgrid.results.labels import setting_label
from latentgrid.verdicts.measuring import measured_alike
from latentgrid.verdicts.networks import once, settings_of
from latentgrid.verdicts.training import OF_A_RATE, shared, takes_steps, trained_alike

SETTINGS = ["first_setting", "second_setting"]
ALONE = -1  # in place of the other side's setting, where it has no run
NAMED = 3  # settings that are left out, before the others are only counted


@dataclass(frozen=True)
class Pairs:
    """Pairs of runs of two kinds; every seed has a pair for every setting.

    Attributes:
        table: a row per pair: its seed, and the measure of both runs as `first` and `second`.
        used: the runs that are in a pair.
        over: how many settings a seed's pairs have.
        left_out: the settings that only some seeds or one side have, in words.
        otherwise: how many runs are left out as they were measured otherwise, in words.
    """

    table: pd.DataFrame
    used: pd.DataFrame
    over: int = 0
    left_out: Sequence[str] = ()
    otherwise: str = ""

    @property
    def note(self) -> str:
        """Without which settings and runs the pairs are; "" if nothing is left out."""
        return "; ".join(filter(None, (self._over(), self.otherwise)))

    def _over(self) -> str:
        if not self.over or not self.left_out:
            return ""
        first, others = self.left_out[:NAMED], len(self.left_out[NAMED:])
        without = " and ".join([*first, *([f"{others} more"] if others else [])])
        return f"over {self.over} of {self.over + len(self.left_out)} settings, without {without}"

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
    """Return pairs of runs that share a seed, were made alike, and agree in some columns.

    They were trained alike (`trained_alike`) and measured alike (`measured_alike`).

    A run counts once, even if a record of it is there too. All seeds must average over the same
    settings. So only pairs of the largest complete block are returned, a set of settings and seeds
    in which every seed has every setting; a setting is all that both runs of a pair were set to.

    Args:
        first, second: the runs of both sides.
        measure: what is compared.
        alike: the columns in which a pair agrees.
        free: the columns of a training in which a pair may differ (`trained_alike`).
    """
    needed = [*alike, "seed", measure, "run"]
    if any(column not in of for of in (first, second) for column in needed):
        nothing = pd.DataFrame({"seed": [], "first": [], "second": []})
        return Pairs(nothing, first.head(0))
    either = frozenset({*alike, *free})
    first, second = (of.dropna(subset=[measure]) for of in (first, second))
    first, second, otherwise = measured_alike(first, second, measure)
    first, second = trained_alike(once(first), once(second), either)
    on = [*_rates(first, second, either), *alike, "seed"]
    runs = pd.concat([first, second], ignore_index=True)
    told = settings_of(runs)
    setting = told.groupby([*told], dropna=False, sort=False).ngroup()
    agreed = {name: told[name].combine_first(runs[name]) for name in on if name in told}
    rows = runs[on].assign(**agreed, value=runs[measure], run=runs["run"], setting=setting)
    left, right = _named(rows.head(len(first)), "first"), _named(rows.tail(len(second)), "second")
    found = left.merge(right, on=on, how="outer").fillna(dict.fromkeys(SETTINGS, ALONE))
    table = _block(found[(found[SETTINGS] != ALONE).all(axis=1)])
    in_a_pair = runs["run"].isin([*table["first_run"], *table["second_run"]])
    left_out = _left_out(found, table, told.groupby(setting).head(1).set_axis(setting.unique()))
    used = runs[in_a_pair].drop_duplicates("run")
    return Pairs(table, used, len(_keys(table)), left_out, otherwise)


def _named(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    """Return a side's rows with its name in the columns that are not of both sides."""
    named = {"value": side, "run": f"{side}_run", "setting": f"{side}_setting"}
    return rows.rename(columns=named)


def _rates(first: pd.DataFrame, second: pd.DataFrame, free: Container[str]) -> list[str]:
    """Return the columns, optimizer and learning rate, in which both sides' steps must agree."""
    if not (takes_steps(first).all() and takes_steps(second).all()):
        return []
    return [name for name in shared(first, second, free) if name in OF_A_RATE]


def _block(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of the largest complete block of settings and seeds."""
    if pairs.empty:
        return pairs
    setting = pairs.groupby(SETTINGS).ngroup()
    seeds = {number: frozenset(of) for number, of in pairs["seed"].groupby(setting)}
    blocks = [
        (common, [number for number, of in seeds.items() if common <= of])
        for common in sorted(_common(seeds.values()), key=sorted)
    ]
    common, settings = max(blocks, key=lambda block: (len(block[0]) * len(block[1]), len(block[0])))
    return pairs[setting.isin(settings) & pairs["seed"].isin(common)]


def _common(sets: Iterable[frozenset[int]]) -> set[frozenset[int]]:
    """Return what any of the sets have in common, each of them alone included."""
    found: set[frozenset[int]] = set()
    for one in set(sets):
        found |= {one, *(one & other for other in found)}
    return found


def _keys(rows: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the settings of both sides in these rows, each two once."""
    return list(dict.fromkeys(rows[SETTINGS].itertuples(index=False, name=None)))


def _left_out(found: pd.DataFrame, table: pd.DataFrame, told: pd.DataFrame) -> list[str]:
    """Name the settings of pairs that do not count, and of a side that never meets the other.

    Args:
        found: a row a pair, and a row a run without one.
        table: the pairs that count.
        told: the settings, a row each.
    """
    every, used = _keys(found), set(_keys(table))
    met = [set(of) for of in zip(*(key for key in every if ALONE not in key), strict=True)]
    known = {key for key in every if ALONE in key and any(map(set.__contains__, met, key))}
    rest = [key for key in every if key not in used | known]
    if not rest:
        return []
    sides = [told.loc[[*{*of} - {ALONE}]] for of in zip(*every, strict=True)]
    varied = [name for name in told if any(of[name].nunique(dropna=False) > 1 for of in sides)]
    names = (_label(told.loc[[one for one in key if one != ALONE], varied]) for key in rest)
    return list(dict.fromkeys(names))


def _label(sides: pd.DataFrame) -> str:
    """Name one setting, or two that are compared: "d = 2, hidden 128 against hidden 500"."""
    words = ({setting_label(one, [name]): None for _, one in sides.iterrows()} for name in sides)
    return ", ".join(filter(None, (" against ".join(filter(None, of)) for of in words)))
