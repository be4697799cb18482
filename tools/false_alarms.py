"""Writes src/latentgrid/audit/false_alarms.json: how often each rule fires on sound studies.

Simulated: three tables of one quantity over 18 settings, whose effects multiply, act together a
little, and carry the spread of a seed; ten tables of another with three numbers each; means of
cases; a claim that is true; a sum. Real: the losses in tests/sound_grids.csv, as runs of this
project gave them, each seed a study, of one table or of all the models' at once, with claims that
are true of the mean of all seeds.
"""

import csv
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations, product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from latentgrid.audit.examine import RULES
from latentgrid.audit.false_alarms import MEASURED
from latentgrid.audit.rules import last_digits
from latentgrid.files.atomic import write_json
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import StudyFile
from latentgrid.studies.study import Study

SIMULATED = 10_000
GRIDS = Path("tests/sound_grids.csv")
AXES = ("latent_dim", "optimizer", "learning_rate")
LEVELS: tuple[tuple[Any, ...], ...] = (
    (2, 20, 50),
    ("adam", "rmsprop", "adadelta"),
    (0.0001, 0.00075),
)
MODELS = ("vae", "conv_vae", "mmd_vae")
CASES = 500
SMALL = tuple(f"S.{place}" for place in range(10))  # tables with a number for each dimension
# Of the logarithms: spread of the effects of a level, of two levels together, and of a seed.
EFFECTS, TOGETHER, SEED = 0.6, 0.15, (0.003, 0.05)
TRUE_EFFECT = 5  # of the claim, in spreads of a seed
# What nothing here can make fire: what a study lists, as differing or as obtained by somebody else.
NOT_SIMULATED = {"statements", "agreements"}
ON_REAL = {
    "equal_values",
    "impossible",
    "out_of_line",
    "claims_against_table",
    "too_few_digits",
    "last_digits",
}


def main() -> None:
    """Measure and write the rates."""
    simulated = rates(simulate(seed) for seed in range(SIMULATED))
    real = rates(real_studies())
    write_json(
        MEASURED,
        {
            rule: ({} if rule in NOT_SIMULATED else {"simulated": simulated[rule]})
            | ({"real": real[rule]} if rule in ON_REAL else {})
            for rule in RULES
        },
    )


def rates(studies: Iterable[Study]) -> dict[str, tuple[int, int]]:
    """Return, for each rule, on how many of how many studies it fires."""
    tried: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    for study in studies:
        for name, rule in RULES.items():
            if name != "last_digits" or last_digits.looked_at(study):
                tried[name] += 1
                fired[name] += any(rule.find(study))
    return {name: (fired[name], tried[name]) for name in RULES}


def simulate(seed: int) -> Study:
    """Return a sound study, made of random effects."""
    rng = np.random.default_rng([20, seed])
    spread = math.exp(rng.uniform(*map(math.log, SEED)))
    values = _grid(rng, spread)
    scale = 10 ** rng.uniform(0, 6)
    slope = float(rng.choice([0, rng.uniform(0, 0.05)]) * scale)
    written = _format(rng, scale)
    numbers = [
        _number(f"T.{MODELS.index(model)}", model, setting, "loss", written(value), line)
        for line, ((model, *setting), value) in enumerate(
            (((cell), scale * value + slope * cell[1]) for cell, value in values.items()), start=2
        )
    ]
    shares = [
        _number("T.3", "vae", setting, "share", f"{rng.binomial(CASES, 0.8) / CASES:.3f}", 90)
        for setting in product(*LEVELS)
    ]
    times = list(_small_tables(rng, scale, spread, written))
    first = [number.value for number in numbers[:6]]
    facts = _facts(
        ("T.0", "T.1", "T.2", "T.3", *SMALL),
        slope,
        [("adam", "adadelta", list(MODELS))],
        [{"printed": f"{mean(first):.5g}", "equals": f"({'+'.join(map(repr, first))}) / 6"}],
    )
    return Study("simulated", Path("simulated"), facts, (*numbers, *shares, *times))


def _small_tables(
    rng: np.random.Generator, scale: float, spread: float, written: Callable[[float], str]
) -> Iterator[Number]:
    """Yield the numbers of `SMALL` tables, in which only the dimension differs."""
    dimensions, *others = LEVELS
    fixed = [levels[0] for levels in others]
    of_dimensions = rng.normal(0, EFFECTS, len(dimensions))
    for line, table in enumerate(SMALL, start=200):
        of_table = rng.normal(0, EFFECTS)
        for d, effect in zip(dimensions, of_dimensions, strict=True):
            value = scale * math.exp(of_table + effect + rng.normal(0, spread))
            yield _number(table, "vae", (d, *fixed), "time", written(value), line)


def _grid(rng: np.random.Generator, spread: float) -> dict[tuple[Any, ...], float]:
    """Return the value of each model and setting; Adam's are better than Adadelta's."""
    axes = (MODELS, *LEVELS)
    alone = [rng.normal(0, EFFECTS, len(levels)) for levels in axes]
    pairs = {
        (a, b): rng.normal(0, TOGETHER, (len(axes[a]), len(axes[b])))
        for a in range(4)
        for b in range(a)
    }
    exact = {}
    for index in product(*(range(len(levels)) for levels in axes)):
        at = sum(effects[i] for effects, i in zip(alone, index, strict=True))
        exact[index] = at + sum(pairs[a, b][index[a], index[b]] for a, b in pairs)
    adam, adadelta = 0, 2
    for (model, d, optimizer, rate), value in exact.items():
        if optimizer == adam:
            best = exact[model, d, adadelta, rate] - TRUE_EFFECT * spread
            exact[model, d, optimizer, rate] = min(value, best)
    return {
        tuple(levels[i] for levels, i in zip(axes, index, strict=True)): math.exp(
            value + rng.normal(0, spread)
        )
        for index, value in exact.items()
    }


def _format(rng: np.random.Generator, scale: float) -> Callable[[float], str]:
    """Return a function that prints all numbers of a study in one format."""
    digits = int(rng.choice([4, 5]))
    decimals = max(0, digits - 1 - math.floor(math.log10(scale)))
    return [
        lambda value: f"{value:.{digits - 1}e}",
        lambda value: f"{value:.{decimals}f}",
        lambda value: f"{value:.{digits}g}",
    ][int(rng.integers(3))]


def _number(
    table: str, model: str, setting: Iterable[Any], quantity: str, printed: str, line: int
) -> Number:
    settings = dict(zip(AXES, setting, strict=True))
    cells = {axis: str(value) for axis, value in settings.items()}
    return Number(table, model, model, settings, cells, quantity, printed, None, line)


def _facts(
    tables: Iterable[str],
    slope: float,
    claims: Iterable[tuple[str, str, list[str]]],
    calculations: Iterable[Mapping[str, str]] = (),
) -> StudyFile:
    """Return what a study says beside its numbers; a claim is (better, worse, models)."""
    loss = {"called": "a loss", "unit": "nats", "measure": None, "better": "smaller", "least": 0}
    if slope:
        loss["excess"] = {"value": f"{slope!r} * latent_dim", "because": "simulated"}
    share = {"called": "a share", "unit": "of 1", "measure": None, "better": "larger"}
    time = {"called": "a time", "unit": "s", "measure": None, "better": "smaller", "least": 0}
    comparison = {
        "by": "min_train_loss",
        "better": "smaller",
        "published_as": "loss",
        "unit": "nats",
    }
    alike = ["model", "latent_dim", "learning_rate"]
    return StudyFile.model_validate(
        {
            "title": "A sound study",
            "authors": [],
            "year": None,
            "place": "nowhere",
            "dataset": "digits",
            "settings": list(AXES),
            "tables": {table: {"shows": "numbers"} for table in tables},
            "quantities": {
                "loss": loss,
                "time": time,
                "share": {**share, "least": 0, "most": 1, "mean_of": CASES},
            },
            "claims": {
                f"claim{position}": {
                    "says": f"{better} is better than {worse}",
                    "place": "nowhere",
                    "comparisons": [
                        {
                            **comparison,
                            "side": {"optimizer": better},
                            "rival": {"optimizer": worse},
                            "among": {"model": models},
                            "alike": alike,
                        }
                    ],
                }
                for position, (better, worse, models) in enumerate(claims)
            },
            "calculations": [{"place": "text", "says": "a mean", **one} for one in calculations],
        }
    )


def real_studies() -> Iterator[Study]:
    """Yield the studies that our own runs make: each table alone, and all of a seed at once."""
    with GRIDS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for dataset, seed in dict.fromkeys((row["dataset"], row["seed"]) for row in rows):
        of_seed = [row for row in rows if (row["dataset"], row["seed"]) == (dataset, seed)]
        models = list(dict.fromkeys(row["model"] for row in of_seed))
        true = _true_claims([row for row in rows if row["dataset"] == dataset])
        for together in [[model] for model in models] + [models] * (len(models) > 1):
            numbers = tuple(
                _number(
                    row["model"],
                    row["model"],
                    (int(row["latent_dim"]), row["optimizer"], float(row["learning_rate"])),
                    "loss",
                    f"{float(row['loss']):.4e}",
                    line,
                )
                for line, row in enumerate(of_seed, start=2)
                if row["model"] in together
            )
            claims = [claim for claim in true if claim[2][0] in together]
            yield Study("real", Path("real"), _facts(together, 0, claims), numbers)


def _true_claims(rows: Iterable[Mapping[str, str]]) -> list[tuple[str, str, list[str]]]:
    """Return which optimizer is better than which, at every setting in the mean of all seeds."""
    losses: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = {}
    for row in rows:
        settings = losses.setdefault((row["model"], row["optimizer"]), {})
        key = row["latent_dim"], row["learning_rate"]
        settings.setdefault(key, []).append(float(row["loss"]))
    return [
        (better, worse, [model])
        for (model, better), (other, worse) in permutations(losses, 2)
        if model == other
        and all(
            mean(values) < mean(losses[other, worse].get(key, [math.inf]))
            for key, values in losses[model, better].items()
        )
    ]


if __name__ == "__main__":
    sys.exit(main())
