"""A study: a folder with a citation, published numbers, claims, and records of trained runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentgrid.grid import catalogue
from latentgrid.studies.expressions import evaluate
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Comparison, Quantity, StudyFile


@dataclass(frozen=True)
class Study:
    """A study with all its facts.

    Attributes:
        name: of its folder, such as "vizoso-2020".
        folder: its folder.
        facts: the content of study.yaml.
        numbers: its published numbers, in the order of the file.
    """

    name: str
    folder: Path
    facts: StudyFile
    numbers: tuple[Number, ...]

    @property
    def citation(self) -> str:
        """Authors, year and title in one line."""
        authors = ", ".join(self.facts.authors) or "Unknown authors"
        year = self.facts.year or "no year"
        return f"{authors} ({year}). {self.facts.title}. {self.facts.place}."

    @property
    def cited(self) -> str:
        """How a text names the study: "Pérez 2022", or its title where there is no author."""
        facts = self.facts
        if facts.cited_as:
            return facts.cited_as
        if not facts.authors:
            return f"«{facts.title}»"
        others = " et al." if len(facts.authors) > 1 else ""
        return " ".join(filter(None, (facts.authors[0].split()[-1] + others, _year(facts.year))))

    @property
    def is_judged(self) -> bool:
        """Whether it has numbers or claims."""
        return bool(self.numbers) or self.has_claims

    @property
    def has_claims(self) -> bool:
        """Whether it has claims, in study.yaml or as files."""
        return bool(self.facts.claims) or self.has_claim_files

    @property
    def has_claim_files(self) -> bool:
        """Whether it has claims that are files of Python."""
        return any(self.folder.glob("claims/*.py"))

    @property
    def records(self) -> Path:
        """The folder of its records."""
        return self.folder / "records"

    @property
    def facts_files(self) -> list[Path]:
        """The files with the study's facts."""
        named = [self.folder / "study.yaml", self.folder / "numbers.csv"]
        return list(filter(Path.is_file, named))

    @property
    def files(self) -> list[Path]:
        """The files whose content decides on verdicts, but claims' code: facts and records."""
        return [*self.facts_files, *sorted(self.records.rglob("*.json"))]

    def quantity(self, number: Number) -> Quantity:
        """Return the quantity that a number is a value of."""
        return self.facts.quantities[number.quantity]

    def excess(self, number: Number) -> float:
        """Return the part of a number that says nothing about the model, in its unit."""
        excess = self.quantity(number).excess
        return evaluate(excess.value, _numeric(number.settings)) if excess else 0.0

    def numbers_of(self, comparison: Comparison) -> tuple[list[Number], list[Number]]:
        """Return the published numbers of both sides of a comparison, if it has any."""
        among = [
            one
            for one in self.numbers_at(comparison.among)
            if one.quantity in comparison.published_as
        ]
        side = [one for one in among if self._fits(one, comparison.side)]
        if isinstance(comparison.rival, str):
            return side, [one for one in among if one not in side]
        return side, [one for one in among if self._fits(one, comparison.rival)]

    def numbers_at(self, settings: Mapping[str, Any]) -> list[Number]:
        """Return the published numbers that were obtained with some settings."""
        return [one for one in self.numbers if self._fits(one, settings)]

    def _fits(self, number: Number, settings: Mapping[str, Any]) -> bool:
        """Tell whether a number was obtained with these settings."""
        return all(
            any(self._has(number, axis, one) for one in _listed(value))
            for axis, value in settings.items()
        )

    def _has(self, number: Number, axis: str, value: Any) -> bool:
        ours = self.ours(axis, value)
        if axis == "model":
            return value == number.model or (ours is not None and ours == number.ours)
        return bool(number.settings.get(axis) == ours)

    def built(self, model: str) -> dict[str, Any]:
        """Return what the study says of how one of our models is built, by hyperparameter."""
        of_models = self.facts.built.items()
        return {
            axis: value
            for printed, settings in of_models
            if self.ours("model", printed) == model
            for axis, value in settings.items()
        }

    def stated(self, model: str) -> dict[str, Any]:
        """Return what the study says of every run of one of our models, by setting.

        It is how the model is built and, unless it is in closed form, how it was trained.
        """
        hyperparameters = catalogue.model_hyperparameters(model)
        trained = {
            axis: self.ours(axis, value)
            for axis, value in self.facts.trained.items()
            if axis in hyperparameters or not catalogue.is_closed_form(model)
        }
        return {**trained, **self.built(model)}

    def ours(self, axis: str, value: Any) -> Any:
        """Return our name of what the study calls by this value of a setting."""
        names = self.facts.names.get(axis, {})
        return names.get(value, value) if isinstance(value, str) else value


def _year(year: int | None) -> str:
    return str(year) if year else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _numeric(settings: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
