"""What each building block of a network does to the error, all else equal (source 001)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.evaluation.intervals import of_mean
from latentgrid.grid import catalogue
from latentgrid.results.tables import joined

MEASURE = "test_squared_error"
# Hyperparameters that exchange a building block, in the order in which they are shown.
BLOCKS = (
    "padding",
    "downsampling",
    "upsampling",
    "normalisation",
    "activation",
    "block",
    "augmentation",
)
COLUMNS = [
    *("model", "question", "choice", "against", "level", "n", "effect", "low", "high"),
    *(MEASURE, "parameters", "parameters_against", "runs"),
]


@dataclass(frozen=True)
class Question:
    """Two values of a block, compared with one another where all else is equal.

    Attributes:
        name: of the question.
        block: the hyperparameter that is compared.
        against: the value that others are compared with.
        choices: these others; none for all.
        level: a hyperparameter with two or more values, at each of which they are compared; "" for
            none.
    """

    name: str
    block: str
    against: str
    choices: tuple[str, ...] = ()
    level: str = ""


QUESTIONS = (
    Question("kernel", "block", against="wide", choices=("plain",)),
    Question("depth", "block", against="plain", choices=("residual",), level="depth"),
    Question("batch_size", "normalisation", against="none", level="batch_size"),
)


def ablation_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each building block that is compared with another, all else equal.

    Of the runs of a model, that setting is the baseline from which most others differ in a single
    block, the first of several; `question` is then the block's name. For the other `QUESTIONS` the
    rival is fixed, and `level` is the number of blocks or images at which the two are compared.

    Columns: model, question, choice, against (both are values of the block), level (empty for
    most), n (the number of seeds that both have), effect (by how many per cent of the rival's the
    test squared error of the choice is larger, the geometric mean over these seeds), low and high
    (its 95 % interval, that of the mean logarithm; empty for fewer than three seeds),
    test_squared_error (the choice's mean), parameters (the choice's), parameters_against (the
    rival's), runs.
    """
    if MEASURE not in runs:
        return pd.DataFrame(columns=COLUMNS)
    measured = runs[(runs["status"] == "finished") & runs[MEASURE].notna()]
    rows = [
        row
        for model, of_model in measured.groupby("model", sort=False)
        if _has_blocks(str(model))
        for row in _of_model(str(model), of_model)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _has_blocks(model: str) -> bool:
    return len(set(BLOCKS) & set(catalogue.model_hyperparameters(model))) > 1


def _of_model(model: str, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a model, once for each set of its other settings."""
    filled = _settings(model, runs)
    blocks = [name for name in BLOCKS if name in filled]
    fixed = [name for name in filled if name not in (*blocks, "depth", "batch_size")]
    for _, alike in filled.groupby(fixed, sort=False):
        of_alike = runs.loc[alike.index]
        for row in (*_against_baseline(alike, blocks), *_of_questions(alike)):
            compared = _compared(of_alike, row)
            if compared["n"]:
                yield {"model": model} | compared


def _settings(model: str, runs: pd.DataFrame) -> pd.DataFrame:
    """Return each run's settings; what a run does not name has the model's default, or is ""."""
    columns = {"epochs": "planned_epochs"}
    settings = {}
    for name, field in catalogue.settings_schema(model).model_fields.items():
        default = "" if field.is_required() or field.default is None else field.default
        of_runs = runs.get(columns.get(name, name), pd.Series(default, index=runs.index))
        settings[name] = of_runs.astype(object).where(of_runs.notna(), default)
    return pd.DataFrame(settings)


def _against_baseline(settings: pd.DataFrame, blocks: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a comparison for each setting that differs from the baseline in one block."""
    distinct = settings.drop_duplicates()
    differs = {place: (distinct != setting).sum(axis=1) for place, setting in distinct.iterrows()}
    in_blocks = {
        place: (distinct[blocks] != setting[blocks]).sum(axis=1)
        for place, setting in distinct.iterrows()
    }
    near = {place: (differs[place] == 1) & (in_blocks[place] == 1) for place in differs}
    place = max(near, key=lambda one: near[one].sum())
    baseline = distinct.loc[place]
    for block in blocks:
        for _, setting in distinct[near[place] & (distinct[block] != baseline[block])].iterrows():
            yield _comparison(block, block, settings, setting, baseline)


def _of_questions(settings: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the comparisons of `QUESTIONS`."""
    for question in QUESTIONS:
        if {question.block, question.level} - {""} <= set(settings):
            others = [name for name in settings if name not in (question.block, question.level)]
            for _, alike in settings.groupby(others, sort=False):
                yield from _of_question(question, settings, alike)


def _of_question(
    question: Question, settings: pd.DataFrame, alike: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a question's comparisons among settings that are alike but for its block and level."""
    block, level = question.block, question.level
    for choice, of_choice in alike.drop_duplicates().groupby(block, sort=False):
        is_meant = choice in question.choices or not question.choices
        if choice == question.against or not is_meant or (level and len(of_choice) == 1):
            continue
        for _, setting in of_choice.sort_values(level or block).iterrows():
            rival = setting.copy()
            rival[block] = question.against
            at = {"level": setting[level]} if level else {}
            yield _comparison(question.name, block, settings, setting, rival) | at


def _comparison(
    question: str, block: str, settings: pd.DataFrame, setting: pd.Series, rival: pd.Series
) -> dict[str, Any]:
    """Return what is compared; `of` and `rivals` are the places of the runs."""
    return {
        "question": question,
        "choice": setting[block],
        "against": rival[block],
        "of": settings.index[(settings == setting).all(axis=1)],
        "rivals": settings.index[(settings == rival).all(axis=1)],
    }


def _compared(runs: pd.DataFrame, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with what the runs of both sides have reached, in pairs of one seed."""
    pairs = [runs.loc[places].drop_duplicates("seed") for places in (row["of"], row["rivals"])]
    both = pairs[0].merge(pairs[1], on="seed", suffixes=("", "_against"))
    ratios = np.log(both[MEASURE] / both[f"{MEASURE}_against"])
    interval = of_mean(ratios.tolist())
    return {name: value for name, value in row.items() if name not in ("of", "rivals")} | {
        "n": len(both),
        "effect": _in_per_cent(ratios.mean()),
        "low": _in_per_cent(interval.low) if interval else np.nan,
        "high": _in_per_cent(interval.high) if interval else np.nan,
        MEASURE: both[MEASURE].mean(),
        "parameters": both["parameters"].mean(),
        "parameters_against": both["parameters_against"].mean(),
        "runs": joined(pd.concat([both["run"], both["run_against"]])),
    }


def _in_per_cent(ratio: float) -> float:
    """Return by how many per cent a number exceeds another, from the logarithm of their ratio."""
    return float(100 * np.expm1(ratio))
