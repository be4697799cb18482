"""Finds names in study.yaml that mean nothing: data sets, models, settings, quantities."""

from collections.abc import Iterator, Mapping
from typing import Any

from latentgrid.grid import catalogue, datasets
from latentgrid.grid.messages import allowed
from latentgrid.studies.expressions import names_in
from latentgrid.studies.schema import Comparison, StudyFile
from latentgrid.studies.settings import all_fields, fields, is_number, is_value

Place = tuple[str | int, ...]
Unknown = tuple[Place, object, str]
# What the scale of a quantity can name besides the settings of a run.
OF_A_RUN = ("images", "batches", "pixels")


def unknown_names(facts: StudyFile) -> Iterator[Unknown]:
    """Yield each name that means nothing: its place, the name, and the allowed ones in words."""
    yield from _of_dataset(facts)
    yield from _of_settings(facts)
    yield from _of_names(facts)
    yield from _of_built(facts)
    yield from _of_quantities(facts)
    yield from _of_claims(facts)
    for position, statement in enumerate(facts.statements):
        if statement.holds is not None and statement.holds not in statement.said:
            place = ("statements", position, "holds")
            yield place, statement.holds, ", ".join(statement.said)
    for position, calculation in enumerate(facts.calculations):
        for name in sorted(names_in(calculation.equals)):
            yield ("calculations", position, "equals"), name, "numbers and + - * / **"


def _of_dataset(facts: StudyFile) -> Iterator[Unknown]:
    known = datasets.names()
    needed = bool(facts.tables or facts.claims)
    if facts.dataset not in known and (needed or facts.dataset is not None):
        yield ("dataset",), facts.dataset, ", ".join(known)


def _of_settings(facts: StudyFile) -> Iterator[Unknown]:
    settings = sorted(all_fields())
    for position, axis in enumerate(facts.settings):
        if axis not in settings:
            yield ("settings", position), axis, ", ".join(settings)
    of_all = [axis for axis in settings if axis not in facts.settings]
    for axis, value in facts.trained.items():
        if axis not in of_all:
            yield (
                ("trained", axis),
                axis,
                f"{', '.join(of_all)}, which are no column of numbers.csv",
            )
        else:
            yield from _of_value(facts, ("trained", axis), axis, value)


def _of_names(facts: StudyFile) -> Iterator[Unknown]:
    axes = ("model", *facts.settings, *facts.trained)
    for axis in facts.names:
        if axis not in axes:
            yield ("names", axis), axis, ", ".join(axes)
        elif axis != "model":
            for printed, ours in facts.names[axis].items():
                yield from _of_value(facts, ("names", axis, printed), axis, ours)
    for printed, ours in facts.names.get("model", {}).items():
        if ours is not None and ours not in catalogue.models():
            yield ("names", "model", printed), ours, f"null, {', '.join(catalogue.models())}"


def _of_built(facts: StudyFile) -> Iterator[Unknown]:
    known = {name: name for name in catalogue.models()} | dict(facts.names.get("model", {}))
    for printed, settings in facts.built.items():
        model = known.get(printed)
        if model is None:
            yield ("built", printed), printed, ", ".join(n for n, ours in known.items() if ours)
            continue
        of_model = {name: fields(model)[name] for name in catalogue.model_hyperparameters(model)}
        for axis, value in settings.items():
            place = ("built", printed, axis)
            if axis not in of_model:
                yield place, axis, ", ".join(of_model)
                continue
            for one in value if isinstance(value, list) else [value]:
                if not is_value(of_model[axis], one):
                    yield place, one, allowed(of_model[axis])


def _of_value(facts: StudyFile, place: Place, axis: str, value: object) -> Iterator[Unknown]:
    """Yield a value that no model can have; it would fit no run."""
    names, possible = facts.names.get(axis, {}), all_fields()[axis]
    ours = names.get(value, value) if isinstance(value, str) else value
    if not any(is_value(field, ours) for field in possible):
        yield place, value, ", ".join(dict.fromkeys((*names, *map(allowed, possible))))


def _of_quantities(facts: StudyFile) -> Iterator[Unknown]:
    numbers = {name for name, of_models in all_fields().items() if any(map(is_number, of_models))}
    settings = {*facts.settings, *facts.trained} & numbers
    for name, quantity in facts.quantities.items():
        names = catalogue.history_columns() if quantity.epoch else catalogue.measured()
        if quantity.measure is not None and names and quantity.measure not in names:
            yield ("quantities", name, "measure"), quantity.measure, ", ".join(sorted(names))
        expressions = {"scale": (quantity.scale, {*settings, *OF_A_RUN})}
        if quantity.excess:
            expressions["excess"] = quantity.excess.value, settings
        for key, (expression, known) in expressions.items():
            for unknown in sorted(names_in(expression) - known):
                yield ("quantities", name, key), unknown, ", ".join(sorted(known))


def _of_claims(facts: StudyFile) -> Iterator[Unknown]:
    for name, claim in facts.claims.items():
        for position, comparison in enumerate(claim.comparisons):
            place: Place = ("claims", name, "comparisons", position)
            yield from _of_comparison(facts, comparison, place)


def _of_comparison(facts: StudyFile, comparison: Comparison, place: Place) -> Iterator[Unknown]:
    sides: dict[str, Mapping[str, Any]] = {"side": comparison.side, "among": comparison.among}
    if not isinstance(comparison.rival, str):
        sides["rival"] = comparison.rival
    axes = {"model", *all_fields()}
    for key, settings in sides.items():
        for axis, value in settings.items():
            if axis not in axes:
                yield (*place, key, axis), axis, ", ".join(sorted(axes))
            elif axis == "model":
                yield from _of_models(facts, (*place, key, axis), value)
            else:
                for one in value if isinstance(value, list) else [value]:
                    yield from _of_value(facts, (*place, key, axis), axis, one)
    for axis in comparison.alike:
        if axis not in axes:
            yield (*place, "alike"), axis, ", ".join(sorted(axes))
    measured = catalogue.measured()
    if measured and comparison.by not in measured:
        yield (*place, "by"), comparison.by, ", ".join(sorted(measured))
    for quantity in comparison.published_as:
        if quantity not in facts.quantities:
            yield (*place, "published_as"), quantity, ", ".join(facts.quantities)


def _of_models(facts: StudyFile, place: Place, value: object) -> Iterator[Unknown]:
    known = dict.fromkeys((*facts.names.get("model", {}), *catalogue.models()))
    for model in value if isinstance(value, list) else [value]:
        if model not in known:
            yield place, model, ", ".join(known)
