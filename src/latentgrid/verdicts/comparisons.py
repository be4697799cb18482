"""Answers claims that a study states as comparisons of settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from latentgrid.errors import UserError
from latentgrid.grid.study_folders import STUDY
from latentgrid.results.labels import setting_label
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Claim, Comparison
from latentgrid.studies.study import Study
from latentgrid.verdicts.claims import Part
from latentgrid.verdicts.measuring import measured_alike
from latentgrid.verdicts.networks import COLUMNS, as_built, has_value, once
from latentgrid.verdicts.pairs import Pairs, paired
from latentgrid.verdicts.rule import Effect, Share
from latentgrid.verdicts.training import TRAINING, trained_alike

SMALLER = "smaller"
NOT_WHOLE = "no seed has all settings that the study printed, one of which might be the best"


def examine(study: Study, claim: Claim, runs: pd.DataFrame) -> Iterator[Part]:
    """Yield a part for each comparison of a claim, from the finished runs.

    Raises:
        UserError: a share is asked of a measure that is not above 0; the text names both.
    """
    of_study = _without_namesakes(study, runs)
    for comparison in claim.comparisons:
        yield _part(study, comparison, of_study)


def _without_namesakes(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Leave out runs with a value whose name the study gives to another one, as plain `adam`."""
    for axis, names in study.facts.names.items():
        taken = [printed for printed in names if printed not in names.values()]
        column = COLUMNS.get(axis, axis)
        if column in runs:
            runs = runs[~runs[column].isin(taken)]
    return runs


def _part(study: Study, comparison: Comparison, runs: pd.DataFrame) -> Part:
    among = _selected(study, runs, comparison, comparison.among)
    side = _selected(study, among, comparison, comparison.side)
    note = comparison.note or ""
    alike = [COLUMNS.get(axis, axis) for axis in comparison.alike]
    free = {COLUMNS.get(axis, axis) for axis in (*_named(comparison), *study.facts.settings)}
    if isinstance(comparison.rival, str):
        side, others = trained_alike(side, among.drop(side.index), free)
        side, rival, note = _bests(study, comparison, side, others)
    else:
        rival = _selected(study, among, comparison, comparison.rival)
    pairs = paired(side, rival, comparison.by, alike, free)
    if pairs.used.empty:
        note = _why_not(comparison, side, rival) or note
    else:
        not_run = _not_run(study, comparison, pd.concat([side, rival]))
        pairs = replace(pairs, left_out=[*pairs.left_out, *not_run])
    return Part(
        comparison.described,
        _effect(study, comparison, pairs),
        pairs.used,
        least=comparison.least,
        note="; ".join(filter(None, (note, pairs.note))),
    )


def _not_run(study: Study, comparison: Comparison, runs: pd.DataFrame) -> list[str]:
    """Name the settings that the study printed for a side and that no run of either side has."""
    alike = [COLUMNS.get(axis, axis) for axis in comparison.alike]
    if isinstance(comparison.rival, str) or not alike:
        return []
    settings = [{**comparison.among, **of} for of in (comparison.side, comparison.rival)]
    told = [_columns(number) for of in settings for number in study.numbers_at(of)]
    printed = pd.DataFrame([of for of in told if {*alike} <= {*of}], columns=alike)
    measured = runs.dropna(subset=[comparison.by])[alike]
    every = pd.concat([measured, printed], ignore_index=True).drop_duplicates()
    varied = [name for name in alike if every[name].nunique() > 1]
    return [setting_label(one, varied) for _, one in every.loc[len(measured) :].iterrows()]


def _bests(
    study: Study, comparison: Comparison, side: pd.DataFrame, others: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the runs of the best setting of a side and of the best other, and what to know."""
    side, others, otherwise = _measured_alike(comparison, side, others)
    every = pd.concat([side, others])
    whole = _whole(study, comparison, every)
    known = [of[of.index.isin(whole)] for of in (side, others)]
    best, rival = (_best(study, comparison, of) for of in known)
    if not (best.empty or rival.empty):
        note = _tried(study, every, known, best, rival)
    else:
        note = "" if side.empty or others.empty else NOT_WHOLE
    return best, rival, "; ".join(filter(None, (note, otherwise)))


def _measured_alike(
    comparison: Comparison, side: pd.DataFrame, others: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the runs of two sides that have the measure and have it alike (`measured_alike`)."""
    if any(comparison.by not in of for of in (side, others)):
        return side.head(0), others.head(0), ""
    known = [of.dropna(subset=[comparison.by]) for of in (side, others)]
    return measured_alike(known[0], known[1], comparison.by)


def _named(comparison: Comparison) -> set[str]:
    """Return the settings that a comparison says something of."""
    rival = {} if isinstance(comparison.rival, str) else comparison.rival
    return {*comparison.among, *comparison.side, *rival}


def _selected(
    study: Study, runs: pd.DataFrame, comparison: Comparison, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the runs with these settings, of models as the study builds and trains them.

    A hyperparameter of which neither the comparison nor the study says anything has the model's
    default.
    """
    named = _named(comparison)
    free = frozenset({*named, *comparison.alike, *study.facts.settings})
    wanted = _listed(study.ours("model", settings["model"])) if "model" in settings else None
    models = [study.ours("model", one) for one in wanted] if wanted else runs["model"].unique()
    ours = [model for model in models if model is not None]
    found = [runs.head(0)]
    for model in ours:
        stated = {axis: v for axis, v in study.stated(model).items() if axis not in named}
        of_model = as_built(runs, model, stated, free)
        for axis, value in {**stated, **settings}.items():
            if axis != "model":
                allowed = [study.ours(axis, one) for one in _listed(value)]
                of_model = of_model[has_value(of_model, model, axis, allowed)]
        found.append(of_model)
    return pd.concat(found)


def _why_not(comparison: Comparison, side: pd.DataFrame, rival: pd.DataFrame) -> str:
    """Say why two sides cannot be compared; nothing if one of them has no runs at all."""
    if side.empty or rival.empty:
        return ""
    if any(comparison.by not in runs or runs[comparison.by].isna().all() for runs in (side, rival)):
        return f"{comparison.by} was not measured"
    if not {*side["seed"]} & {*rival["seed"]}:
        return "no seed was run on both sides"
    side, rival, _ = _measured_alike(comparison, side, rival)
    if not {*side["seed"]} & {*rival["seed"]}:
        return "no seed was measured alike on both sides"
    return f"not trained alike: {_trained(side)} against {_trained(rival)}"


def _trained(runs: pd.DataFrame) -> str:
    """Say how runs were trained: "adam, lr 0.001, 2 epochs in batches of 100"."""
    known = [name for name in TRAINING if name in runs]
    ways = [setting_label(way, known) for _, way in runs[known].drop_duplicates().iterrows()]
    return " or ".join(ways)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _whole(study: Study, comparison: Comparison, runs: pd.DataFrame) -> pd.Index:
    """Return the index of runs, of those seeds that have every setting that the study printed.

    A setting that is missing might be the best. Of other settings those count that all these seeds
    have: the mean of fewer may be the best by chance.
    """
    columns = _axes(study, runs)
    printed = {
        tuple({"model": one.ours, **_columns(one)}[name] for name in columns)
        for one in study.numbers_at(comparison.among)
        if one.ours is not None and {"model", *_columns(one)} >= set(columns)
    }
    measured = once(runs)
    seeds = [
        seed
        for seed, of_seed in measured.groupby("seed")
        if printed <= set(of_seed[columns].itertuples(index=False, name=None))
    ]
    whole = measured[measured["seed"].isin(seeds)]
    had = whole.groupby(columns, dropna=False)["seed"].transform("nunique")
    return whole.index[had == len(seeds)]


def _axes(study: Study, runs: pd.DataFrame) -> list[str]:
    """Return the columns that tell one setting of a study from another."""
    return [
        name
        for axis in ("model", *study.facts.settings)
        if (name := COLUMNS.get(axis, axis)) in runs
    ]


def _columns(number: Number) -> dict[str, Any]:
    """Return the settings of a published number by the columns of the table of runs."""
    return {COLUMNS.get(axis, axis): value for axis, value in number.settings.items()}


def _best(study: Study, comparison: Comparison, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of that one of the settings whose mean is the best."""
    if comparison.by not in runs or runs[comparison.by].isna().all():
        return runs.head(0)
    setting = runs.groupby(_axes(study, runs), dropna=False).ngroup()
    means = runs.groupby(setting)[comparison.by].mean()
    return runs[setting == (means.idxmin() if comparison.better == SMALLER else means.idxmax())]


def _tried(
    study: Study,
    every: pd.DataFrame,
    known: Sequence[pd.DataFrame],
    best: pd.DataFrame,
    rival: pd.DataFrame,
) -> str:
    """Say which settings are the best of a side and of the others, and among how many.

    Args:
        study: whose settings these are.
        every: the measured runs of both sides.
        known: those of the side and of the others that all seeds have.
        best, rival: the runs of the best settings.
    """
    side, others = known
    axes, models = _axes(study, others), others["model"].nunique()
    run, whole = (len(of[axes].drop_duplicates()) for of in (every, pd.concat([others, side])))
    count = f"{run} settings were run"
    if whole < run:
        count += f", of which {whole} have all seeds"
    said = f"the best other is {_label(rival, axes, models)}; {count}"
    if len(side[axes].drop_duplicates()) == 1:
        return said
    return f"its best setting is {_label(best, axes, models)}; {said}"


def _label(best: pd.DataFrame, axes: Sequence[str], models: int) -> str:
    """Name a setting by its values, and by its model where there are several."""
    setting = setting_label(best.iloc[0], [axis for axis in axes if axis != "model"])
    return ", ".join(filter(None, (best["model"].iloc[0] if models > 1 else "", setting)))


def _effect(study: Study, comparison: Comparison, pairs: Pairs) -> Effect:
    """Return by how much the side is better than its rival."""
    sign = -1 if comparison.better == SMALLER else 1
    if not comparison.as_share:
        return Effect([sign * value for value in pairs.gained], comparison.unit)
    _require_positive(study, comparison, pairs)
    return Share([sign * value for value in pairs.gained_logs], comparison.unit, sign)


def _require_positive(study: Study, comparison: Comparison, pairs: Pairs) -> None:
    """Raise a UserError where a share is asked of a value that is not above 0."""
    for side in ("first", "second"):
        for _, pair in pairs.table[pairs.table[side] <= 0].iterrows():
            name = next(n for n, of in study.facts.claims.items() if comparison in of.comparisons)
            raise UserError(
                f"{study.folder / STUDY}: claims.{name}: as_share: {comparison.by} is "
                f"{pair[side]:g} in {pair[f'{side}_run']}, and a share needs values above 0; "
                "leave as_share out"
            )
