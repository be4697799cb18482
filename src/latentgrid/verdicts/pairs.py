"""Runs compared in pairs that share a seed: the same weights to start from, order and draws."""

from collections.abc import Sequence

import pandas as pd


def gained(
    first: pd.DataFrame, second: pd.DataFrame, measure: str, alike: Sequence[str] = ()
) -> list[float]:
    """Return, for each seed, how much larger a measure is in the first runs than in the second.

    The mean of first − second over the pairs that agree in the columns `alike`; a pair counts only
    if every seed has it, so that all seeds average over the same settings.
    """
    pairs = _paired(first, second, measure, alike)
    return _by_seed(pairs, pairs["first"] - pairs["second"])


def saved(
    first: pd.DataFrame, second: pd.DataFrame, measure: str, alike: Sequence[str] = ()
) -> list[float]:
    """Return, for each seed, by how many per cent of the second runs' loss the first's is smaller.

    The mean of 100·(1 − first ÷ second), over pairs as in `gained`; losses are positive.
    """
    pairs = _paired(first, second, measure, alike)
    return _by_seed(pairs, 100 * (1 - pairs["first"] / pairs["second"]))


def _paired(
    first: pd.DataFrame, second: pd.DataFrame, measure: str, alike: Sequence[str]
) -> pd.DataFrame:
    keys = [*alike, "seed"]
    if any(column not in of for of in (first, second) for column in (*keys, measure)):
        return pd.DataFrame(columns=[*keys, "first", "second"])
    left, right = (
        of[[*keys, measure]].dropna(subset=[measure]).rename(columns={measure: name})
        for of, name in ((first, "first"), (second, "second"))
    )
    pairs = left.merge(right, on=keys)
    if not alike or pairs.empty:
        return pairs
    seeds = pairs.groupby(list(alike), dropna=False)["seed"].transform("nunique")
    return pairs[seeds == pairs["seed"].nunique()]


def _by_seed(pairs: pd.DataFrame, values: "pd.Series[float]") -> list[float]:
    return [float(value) for value in values.groupby(pairs["seed"]).mean()]
