"""Sets every published number beside ours and gives it a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.evaluation.intervals import MIN_PAIRS, of_next, rank_correlation
from latentgrid.grid import catalogue
from latentgrid.results.labels import percent_beside
from latentgrid.results.tables import joined, separated
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study
from latentgrid.verdicts import rule
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.measuring import measured_alike
from latentgrid.verdicts.networks import COLUMNS as NAMES
from latentgrid.verdicts.networks import at_setting, options_set
from latentgrid.verdicts.rule import Verdict

COLUMNS = [
    *("study", "table", "dataset", "model", "setting", "quantity", "unit", "published"),
    *("excess", "tolerance", "reach", "n", "planned", "ours", "sd", "low", "high", "ratio"),
    *("runs", "verdict", "reason"),
]
OF_TRAINING = ("epochs", "batch_size")


def table(studies: Sequence[Study], evidence: Evidence) -> pd.DataFrame:
    """Return a row per published number: the number, what our runs gave, and the verdict.

    `ours` is the mean over n of the `planned` seeds that the study fixed before any run, and `sd`
    their standard deviation. From `low` to `high`, the value of one more seed is expected (95 %,
    from three seeds on). `ratio` is ours ÷ published, `tolerance` how far ours may lie from the
    published number, and `reach` the smallest deviation that these seeds would have shown.
    `excess` is the part of the number, and of ours, that says nothing about the model. `runs` has
    the names of our runs (separated by ;), and `reason` the reason of the verdict in words.
    Under-specified numbers have no runs here: `regions` searches settings that give them.
    """
    rows = [Judged(study, number, evidence).row() for study in studies for number in study.numbers]
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True)
class Judged:
    """A published number and the runs by which it is judged."""

    study: Study
    number: Number
    evidence: Evidence

    def row(self) -> dict[str, Any]:
        """Return the number's row of the table of verdicts."""
        number, quantity = self.number, self.study.quantity(self.number)
        compared = self.compared()
        ours = list(map(float, self.evidence.values(quantity, compared)))
        row = {
            "study": self.study.name,
            "table": number.table,
            "dataset": self.study.facts.dataset,
            "model": number.model,
            "setting": number.setting,
            "quantity": number.quantity,
            "unit": quantity.unit,
            "published": number.value,
            "excess": self.study.excess(number),
            "tolerance": quantity.tolerance(number.value),
            "reach": rule.reach(quantity, number.value, ours) if ours else np.nan,
            "planned": len(self.study.facts.seeds),
            "runs": joined(compared["run"]),
            **_summary(ours, number.value),
        }
        verdict, reason = self._verdict(ours)
        return row | {"verdict": verdict, "reason": reason}

    def compared(self) -> pd.DataFrame:
        """Return the finished runs in which the quantity was measured, one for each fixed seed."""
        return self._ran[0].drop_duplicates("seed")

    @cached_property
    def _ran(self) -> tuple[pd.DataFrame, str]:
        """Return all such runs, and how many others are left out and why (`measured_alike`)."""
        alike, quantity = self._with_fixed_seeds, self.study.quantity(self.number)
        measured = self.evidence.values(quantity, alike).notna()
        ran = alike[measured & (alike["status"] == "finished")]
        same, _, otherwise = measured_alike(ran, ran, str(quantity.measure))
        return same, otherwise

    def _verdict(self, ours: Sequence[float]) -> tuple[Verdict, str]:
        number, quantity = self.number, self.study.quantity(self.number)
        stated = self.study.facts.tables[number.table]
        if number.ours is None:
            return Verdict.OUT_OF_REACH, "no model here is this one"
        if quantity.measure is None:
            return Verdict.OUT_OF_REACH, "nothing here measures this quantity"
        if stated.open is not None:
            return Verdict(stated.open), str(stated.because)
        if not ours:
            return Verdict.NOT_RUN, self._why_not() + self._under_its_printed_name()
        allowed = rule.reach(quantity, number.value, ours)
        said = _distance(ours, number.value, allowed) + self._fewer_than_planned(len(ours))
        said = "; ".join(filter(None, (said, self._ran[1], self._without_result())))
        return rule.decide(quantity, number.value, ours), said

    @cached_property
    def _matching(self) -> pd.DataFrame:
        """Return the runs of the number's model and setting, however long they trained."""
        if self.number.ours is None or not self._is_specified():
            return self.evidence.runs.head(0)
        return at_setting(self.evidence.runs, self.number.ours, self._setting)

    @property
    def _setting(self) -> dict[str, Any]:
        assert self.number.ours is not None
        stated = {n: v for n, v in self.number.settings.items() if n not in OF_TRAINING}
        return {**self.study.built(self.number.ours), **stated}

    def _is_specified(self) -> bool:
        return bool(self.number.settings)

    @cached_property
    def _alike(self) -> pd.DataFrame:
        """Return the runs with the published number of epochs, batch size and precision."""
        matching = self._matching
        for name in OF_TRAINING:
            if name in self.number.settings:
                matching = matching[matching[NAMES.get(name, name)] == self.number.settings[name]]
        return matching[matching["precision"] == self.study.facts.precision]

    @property
    def _with_fixed_seeds(self) -> pd.DataFrame:
        """Return those of these runs that have one of the seeds that the study fixed."""
        return self._alike[self._alike["seed"].isin(self.study.facts.seeds)]

    def _without_result(self) -> str:
        """Say of how many seeds every run diverged or failed; "" if of none.

        A run and a record of it are one.
        """
        runs = self._with_fixed_seeds
        finished = runs.loc[runs["status"] == "finished", "seed"]
        lost = runs[~runs["seed"].isin(finished)].drop_duplicates("seed")
        counts = lost["status"].value_counts().items()
        return "; ".join(f"{n} of {runs['seed'].nunique()} runs {status}" for status, n in counts)

    def _why_not(self) -> str:
        matching, alike = self._matching, self._alike
        if matching.empty:
            return "no run of this setting" + self._with_options()
        if alike.empty:
            return f"trained {_trained(matching.iloc[0])}, published {self._as_published()}"
        runs = self._with_fixed_seeds
        if runs.empty:
            return f"only runs with other seeds than {_listed(self.study.facts.seeds)}"
        if not (runs["status"] == "finished").any():
            return self._without_result()
        measure = self.study.quantity(self.number).measure
        why = self._ran[1] or f"{measure} was not measured"
        return "; ".join(filter(None, (why, self._without_result())))

    def _with_options(self) -> str:
        """Say that there are runs of the setting, with an option that the study does not name."""
        model = self.number.ours
        if model is None or not self._is_specified():
            return ""
        runs = at_setting(self.evidence.runs, model, self._setting, catalogue.options(model))
        named = ", ".join(options_set(runs, model))
        return f"; runs with {named} are not compared, as the study names none" if named else ""

    def _as_published(self) -> str:
        settings = self.number.settings
        return (
            f"{settings.get('epochs', 'unknown')} epochs in batches of "
            f"{settings.get('batch_size', 'unknown')} in {self.study.facts.precision}"
        )

    def _under_its_printed_name(self) -> str:
        """Say that there are runs with a value that the study calls by the name of another one."""
        for axis, ours in self.number.settings.items():
            printed = self.number.printed_settings.get(axis, ours)
            if not isinstance(ours, str) or printed == ours or self.number.ours is None:
                continue
            built = self.study.built(self.number.ours)
            setting = {**built, **self.number.settings, axis: printed}
            if len(at_setting(self.evidence.runs, self.number.ours, setting)):
                return f"; runs with {printed} are not compared, as the study's is {ours} here"
        return ""

    def _fewer_than_planned(self, n: int) -> str:
        planned = len(self.study.facts.seeds)
        return f"; {n} of {planned} seeds so far" if n < planned else ""


def _summary(ours: Sequence[float], published: float) -> dict[str, float]:
    expected = of_next(ours) if ours else None
    return {
        "n": len(ours),
        "ours": float(np.mean(ours)) if ours else np.nan,
        "sd": float(np.std(ours, ddof=1)) if len(ours) > 1 else np.nan,
        "low": expected.low if expected else np.nan,
        "high": expected.high if expected else np.nan,
        "ratio": float(np.mean(ours)) / published if ours and published else np.nan,
    }


def _trained(run: pd.Series) -> str:
    return (
        f"{run['planned_epochs']:.0f} epochs in batches of {run['batch_size']:.0f} "
        f"in {run['precision']}"
    )


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _distance(ours: Sequence[float], published: float, allowed: float) -> str:
    """Say how far the mean of ours is from a published number, in per cent and in deviations."""
    mean = float(np.mean(ours))
    away = f"{'above' if mean > published else 'below'} it"
    if published:
        away = f"{percent_beside(abs(mean / published - 1), allowed / abs(published), 1)} {away}"
    if rule.is_hint(len(ours)):
        return f"{away}; {seeds(len(ours))}, so no interval"
    deviation = float(np.std(ours, ddof=1))
    if deviation == 0:
        return f"{away}; our {seeds(len(ours))} agree to the last digit"
    deviations = abs(mean - published) / deviation
    return f"{away}, {deviations:.1f} standard deviations of our {seeds(len(ours))}"


def seeds(n: int) -> str:
    """Return "one seed" or "3 seeds"."""
    return "one seed" if n == 1 else f"{n} seeds"


def tally(verdicts: pd.DataFrame) -> dict[str, int]:
    """Return how many published numbers have each verdict, including verdicts that none has."""
    counts = verdicts["verdict"].value_counts()
    return {str(verdict): int(counts.get(verdict, 0)) for verdict in Verdict}


def rank_agreement(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return, for each published table, how well ours rank its settings in the same order.

    Columns: study, table, model, n (the number of settings with a run), runs (the names of all
    these runs), rho (Spearman's ρ in [−1, 1]) and its interval from low to high; the last three are
    empty for fewer than four settings, and where a table has more than one quantity, and the last
    two for ρ = ±1.
    """
    columns = ["study", "table", "model", "n", "runs", "rho", "low", "high"]
    rows = []
    for (study, name), of_table in verdicts.groupby(["study", "table"], sort=False):
        ran = of_table.dropna(subset=["ours"])
        row = {"study": study, "table": name, "model": ", ".join(of_table["model"].unique())}
        row |= {"n": len(ran), "runs": joined(chain.from_iterable(map(separated, ran["runs"])))}
        row |= {"rho": np.nan, "low": np.nan, "high": np.nan}
        if len(ran) >= MIN_PAIRS and of_table["quantity"].nunique() == 1:
            rho, interval = rank_correlation(list(ran["published"]), list(ran["ours"]))
            row |= {"rho": rho, "low": interval.low, "high": interval.high}
        rows.append(row)
    return pd.DataFrame(rows, columns=columns)
