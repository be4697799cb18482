"""Tells whether a trained run can serve a study: whether it is a run of what the study did."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.messages import shown, shown_key
from latentgrid.grid.runs import FUSED, planned_runs
from latentgrid.grid.schema import Params
from latentgrid.grid.study_folders import GRID
from latentgrid.grid.yaml_files import read_yaml
from latentgrid.studies.numbers import Number
from latentgrid.studies.records import RecordedRun, Settings
from latentgrid.studies.schema import Comparison, Open
from latentgrid.studies.study import Study


def why_foreign(study: Study, run: RecordedRun) -> str:
    """Return why a run serves no number and no claim of a study; "" if it serves one.

    It serves a number of its model and settings, or a claim on whose sides it stands. Claims that
    are files of Python do not declare what they compare; what the study's own grid trains may serve
    them.
    """
    settings = run.settings
    if run.dataset != study.facts.dataset:
        return f"is of the data set {shown(run.dataset)}, and {study.name} of {study.facts.dataset}"
    unknown = unknown_settings(settings)
    if unknown:
        return unknown
    other = _trained_otherwise(study, settings)
    if other:
        return other
    numbers = [number for number in study.numbers if number.ours == settings.model]
    claims = [one for claim in study.facts.claims.values() for one in claim.comparisons]
    serves_number = any(obtained_with(study, number, settings) for number in numbers)
    if serves_number or any(_compared_by(study, claim, settings) for claim in claims):
        return ""
    if may_serve_claim_files(study, [settings]):
        return ""
    return f"has settings that are no number and no claim of {study.name}"


def unknown_settings(settings: Settings) -> str:
    """Return which of the settings no model here could have been trained with; "" if none."""
    if settings.model not in catalogue.models():
        return f"has an unknown model {shown(settings.model)}"
    schema = catalogue.settings_schema(settings.model).model_fields
    for name in settings.hyperparameters:
        if name not in catalogue.model_hyperparameters(settings.model):
            return f"has an unknown hyperparameter {shown_key(name)} of {settings.model}"
    for name in settings.options:
        if name not in catalogue.options(settings.model):
            return f"has an unknown setting {shown_key(name)} of {settings.model}"
    for name, field in schema.items():
        value = settings.flat.get(name)
        if value is None and (name in settings.hyperparameters or field.is_required()):
            return f"has no value of {name}"
        kind: Any = field.annotation
        if field.metadata:
            kind = Annotated[field.annotation, *field.metadata]
        try:
            if value is not None:
                TypeAdapter[Any](kind).validate_python(value)
        except ValidationError:
            return f"has a {name} of {shown(value)}, which {settings.model} does not take"
    return ""


def _trained_otherwise(study: Study, settings: Settings) -> str:
    """Return what differs from how all runs of the study were trained; "" if nothing does."""
    schema = catalogue.settings_schema(settings.model).model_fields
    wanted = {"precision": study.facts.precision, **study.facts.trained}
    for name, value in wanted.items():
        if name in schema and settings.flat.get(name) != value:
            found = shown(settings.flat.get(name))
            return f"has {name} {found}, and {study.name} {shown(value)}"
    for axis, names in study.facts.names.items():
        value = settings.flat.get(axis)
        if isinstance(value, str) and value in names and value not in names.values():
            return f"has the {axis} {value}; what {study.name} calls so is {names[value]} here"
    return ""


def obtained_with(study: Study, number: Number, settings: Settings) -> bool:
    """Tell whether a number was obtained with these settings.

    What the number does not name is as the study builds the model, or else the model's default.
    """
    if study.facts.tables[number.table].open is Open.UNDER_SPECIFIED:
        return True
    known, defaults = settings.flat, catalogue.defaults(settings.model)
    wanted = {**study.built(settings.model), **number.settings}
    unnamed = settings.hyperparameters.keys() - wanted.keys()
    return (
        all(known.get(axis, defaults.get(axis)) == value for axis, value in wanted.items())
        and all(settings.hyperparameters[name] == defaults[name] for name in unnamed)
        and not _unnamed_options(study, settings, number.settings)
    )


def _compared_by(study: Study, comparison: Comparison, settings: Settings) -> bool:
    """Tell whether runs with these settings stand on one of the sides of a comparison.

    "others" are the settings of the study's numbers, which `obtained_with` looks at.
    """
    rival = {} if isinstance(comparison.rival, str) else comparison.rival
    named = {**comparison.among, **comparison.side, **rival}
    if not fits(study, settings, comparison.among) or _unnamed_options(study, settings, named):
        return False
    return fits(study, settings, comparison.side) or (
        not isinstance(comparison.rival, str) and fits(study, settings, rival)
    )


def may_serve_claim_files(study: Study, found: Iterable[Settings]) -> list[Settings]:
    """Return those of the settings that a study's own grid trains, if it has claims that are files.

    Such claims do not declare what they compare.
    """
    trained = _trained_by_its_grid(study) if study.has_claim_files else []
    return [settings for settings in found if _but_for_the_seed(settings) in trained]


def _trained_by_its_grid(study: Study) -> list[dict[str, Any]]:
    """Return the settings of all runs of a study's own grid, but its judge's and but their seeds.

    There are none if the grid cannot be read with the plugins that are chosen now.
    """
    file = study.folder / GRID
    if not file.is_file():
        return []
    with suppress(UserError, ValidationError):
        params = Params.model_validate(read_yaml(file))
        runs = [run for run in planned_runs(params) if run.entry != params.evaluation.judge]
        return [_but_for_the_seed(Settings.model_validate(run.settings)) for run in runs]
    return []


def _but_for_the_seed(settings: Settings) -> dict[str, Any]:
    return {name: v for name, v in settings.flat.items() if name not in {"seed", FUSED}}


def _unnamed_options(study: Study, settings: Settings, named: Iterable[str]) -> set[str]:
    """Return the options of a run, such as a schedule, that neither study nor comparison names."""
    return settings.options.keys() - {*named, *study.facts.trained}


def fits(study: Study, settings: Settings, wanted: Mapping[str, Any]) -> bool:
    """Tell whether settings have these values, which may be the study's names of them.

    A value may be a list of allowed values. What a run does not say has the model's default.
    """
    defaults = catalogue.defaults(settings.model)
    return all(
        settings.flat.get(axis, defaults.get(axis))
        in [study.ours(axis, one) for one in (value if isinstance(value, list) else [value])]
        for axis, value in wanted.items()
    )


def stands_on(
    study: Study, comparison: Comparison, side: Mapping[str, Any], settings: Settings
) -> bool:
    """Tell whether a run with these settings stands on a side of a comparison.

    What the comparison leaves open is as the study builds the model, or else the model's default.
    """
    rival = {} if isinstance(comparison.rival, str) else comparison.rival
    named = {*comparison.among, *comparison.side, *rival}
    stated = {axis: v for axis, v in study.stated(settings.model).items() if axis not in named}
    free = {*named, *comparison.alike, *study.facts.settings, *stated}
    defaults = catalogue.defaults(settings.model)
    unnamed = {
        n: default for n, default in defaults.items() if default is not ... and n not in free
    }
    return fits(study, settings, {**unnamed, **stated, **comparison.among, **side})
