"""Lists what `params.yaml` can name, and reads facts about it from its file, without torch.

`components` finds the files. A model's hyperparameters are the annotated arguments of its class's
constructor, except those that the data decide: `image_shape` and `classes`.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from latentgrid.errors import UserError
from latentgrid.grid import components, hyperparameters, plugins
from latentgrid.grid.components import file_of, module_of, statements

TYPES = "types are those of hyperparameters.py"
ARGUMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# The arguments of a model's constructor that the data decide, and not the configuration.
OF_THE_DATA = ("self", "image_shape", "classes")
Fields = dict[str, tuple[Any, Any]]
TRAINING: Fields = {
    "optimizer": (hyperparameters.Optimizer, ...),
    "learning_rate": (hyperparameters.LearningRate, ...),
    "epochs": (hyperparameters.PositiveInteger, ...),
    "batch_size": (hyperparameters.PositiveInteger, ...),
    "precision": (hyperparameters.Precision, ...),
}
# What may be set besides, for every model that takes steps; none is set by default.
OPTIONS: Fields = {
    "schedule": (hyperparameters.Schedule, None),
    "warm_up": (hyperparameters.PositiveInteger, None),
    "weight_decay": (hyperparameters.PositiveReal, None),
    "clip_norm": (hyperparameters.PositiveReal, None),
    "patience": (hyperparameters.PositiveInteger, None),
}
VALIDATION: Fields = {"validation": (hyperparameters.Share, 0.0)}
KL_WARM_UP: Fields = {"kl_warm_up": (hyperparameters.PositiveInteger, None)}
# What settings of runs have besides, and columns of tables; a hyperparameter is one of both too.
OF_RUNS = frozenset(
    {
        *("model", "hyperparameters", "fused", "snapshots", "seed", "entry", "setting"),
        *("run", "runs", "n", "best_by", "planned_epochs", "status", "reason"),
        *("hours", "path"),
    }
)
OF_MEANS = ("", "_sd", "_ci")  # of a measure over the seeds
# The constants of `models.Model` that are read without running a file.
OF_A_MODEL = {
    **dict.fromkeys(("closed_form", "loss_ranks"), components.FLAG),
    **dict.fromkeys(("loss_depends_on", "in_turn", "annealed", "own_rates"), components.TEXTS),
    "ranked_by": components.TEXT,
}
OTHER_FIGURES = "Further figures"  # the section of figures without a SECTION
CONTRACT = plugins.PACKAGE_FOLDER / "models" / "__init__.py"
# The methods of a `models.LatentVariableModel`.
DENSITIES = frozenset({"propose", "log_prior", "decode"})


def read_plugins() -> None:
    """Check the chosen plugins by reading all their files.

    Raises:
        UserError: something in a file is wrong; the text names the file.
    """
    for remembered in REMEMBERED:
        remembered.cache_clear()
    components.require_sound_plugins()
    for kind, name in components.of_plugins():
        if kind == "readers":
            _require_fit_names(file_of(kind, name), reader_class(name), frozenset({"name"}))
            fields = _arguments(file_of(kind, name), reader_class(name), ("self",))
            _require_fit_defaults(file_of(kind, name), fields)
        if kind == "models":
            _require_fit_names(file_of(kind, name), _class_of(name), taken(name))
            _require_fit_defaults(file_of(kind, name), model_hyperparameters(name))
            settings_schema(name)
            for constant in OF_A_MODEL:
                said(name, constant)
            if not description(name):
                raise UserError(
                    f"{_shown(name)}: its class needs a docstring, which says what it is"
                )
        if kind == "figures":
            figure(name)


def _require_fit_names(file: Path, definition: ast.ClassDef, others: Collection[str]) -> None:
    """Refuse arguments of a constructor whose names settings and tables could not have.

    Raises:
        UserError: the text names file and argument.
    """
    for name in _names(definition):
        if not ARGUMENT.fullmatch(name) or hasattr(BaseModel, name):
            reason = "cannot be a setting; allowed: a letter, then letters, digits and _"
        elif name in others:
            reason = "is the name of another setting or of a column of tables"
        else:
            continue
        raise UserError(f"{plugins.shown(file)}: {name}: {reason}; choose another name")


def _require_fit_defaults(file: Path, fields: Fields) -> None:
    """Refuse arguments of a constructor with a type that nothing can be checked against.

    And defaults that are not of their types; None means that a value is not set.

    Raises:
        UserError: the text names file and argument.
    """
    for name, (kind, default) in fields.items():
        place = f"{plugins.shown(file)}: {name}"
        try:
            adapter = TypeAdapter[Any](kind)
        except Exception as error:  # whatever pydantic makes of it
            raise UserError(f"{place}: {TYPES}") from error
        try:
            if default not in (..., None):
                adapter.validate_python(default)
        except ValidationError:
            raise UserError(f"{place}: its default {default!r} does not fit its type") from None


def taken(model: str) -> frozenset[str]:
    """Return the names that a model's hyperparameters cannot have."""
    of_measures = {name for measure in measures() for name in names_of_values(measure) or ()}
    numbers = of_measures | history_columns() | {"epochs", "parameters"}
    means = {f"{name}{of}" for name in numbers for of in OF_MEANS}
    training = TRAINING | VALIDATION | OPTIONS | KL_WARM_UP
    return OF_RUNS | means | training.keys() | {*said(model, "own_rates")}


def models() -> tuple[str, ...]:
    """Return the names of all models."""
    return components.names("models")


def same_from_any_mirror(kind: str, name: str) -> bool:
    """Return the constant SAME_FROM_ANY_MIRROR of a data set's or a reader's file, else False.

    It is True where all that is fetched is verified by checksums, and where nothing is.
    """
    return bool(components.constant(kind, file_of(kind, name), "SAME_FROM_ANY_MIRROR"))


def measures() -> tuple[str, ...]:
    """Return the names of all measures of a run."""
    return components.names("measures")


@cache
def measured() -> frozenset[str] | None:
    """Return the names of all values that measures and histories of runs can have.

    None if a plugin's measure does not say in a constant MEASURES under which names it returns
    values: then there may be any.
    """
    names = {"parameters", *history_columns()}
    for measure in measures():
        told = names_of_values(measure)
        if told is None:
            return None
        names.update(told)
    return frozenset(names)


def names_of_values(measure: str) -> Sequence[str] | None:
    """Return the constant MEASURES of a measure, the names of its single numbers, or None."""
    file = file_of("measures", measure)
    named: Sequence[str] | None = components.constant("measures", file, "MEASURES")
    return named


@cache
def history_columns() -> frozenset[str]:
    """Return the names of all columns that histories of runs can have."""
    terms = {term for model in models() for term in _terms(model)}
    parts = ("train", "validation", "test")
    losses = {f"{part}_{name}" for part in parts for name in ("loss", *terms)}
    of_training = {"train_batch_sum", "train_batch_sum_corrected", "train_learning_rate"}
    return frozenset(losses | of_training)


def figures() -> tuple[str, ...]:
    """Return the names of all figures."""
    return components.names("figures")


def experiments() -> tuple[str, ...]:
    """Return the names of all experiments on data of their own."""
    return components.names("experiments")


def claims() -> tuple[str, ...]:
    """Return the names of all claims of the sources that are examined."""
    return components.names("claims")


def modules_of(settings: Mapping[str, Any]) -> list[str]:
    """Return the modules of a run's model, optimizer, corruption and schedule."""
    model, given = settings["model"], settings["hyperparameters"]
    found = [module_of("models", model)]
    for name, field in settings_schema(model).model_fields.items():
        for named in field.metadata:
            if isinstance(named, hyperparameters.NameOf):
                value = given.get(name, settings.get(name, field.default))
                found += [module_of(named.kind, value)] if value is not None else []
    return found


@dataclass(frozen=True)
class Figure:
    """The facts about a figure that its file's docstring and constants say.

    Attributes:
        purpose: the first sentence of its docstring.
        title: TITLE, else the file's name.
        section: SECTION, its section of the report.
        place: PLACE among the figures of its section, from 1 on; figures without it come last.
        caption: CAPTION, what to look at.
        claim: CLAIM, what its source claims; empty if it claims nothing.
        claim_on: CLAIM_ON, the models that the claim is on; empty if it is on any.
        needs: NEEDS, the abilities that its models must have; None if it shows no models.
        reads: READS, the names of the results that it reads besides runs and tables.
        is_animated: ANIMATED, whether it has an animation too.
    """

    purpose: str
    title: str
    section: str
    place: float
    caption: str
    claim: str
    claim_on: tuple[str, ...]
    needs: frozenset[str] | None
    reads: tuple[str, ...]
    is_animated: bool


@cache
def figure(name: str) -> Figure:
    """Read a figure's facts from its file.

    Raises:
        UserError: it has no docstring or no caption, or the value of a constant cannot be read
            without running the file.
    """
    file = file_of("figures", name)
    lines = statements(file)
    first = lines[0] if lines else None
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        raise UserError(f"{plugins.shown(file)}: needs a docstring, which says what it shows")
    constants = components.KINDS["figures"].constants
    said_of = {name: components.constant("figures", file, name) for name in constants}
    caption = said_of["CAPTION"] or ""
    if not caption.strip():
        raise UserError(f"{plugins.shown(file)}: needs a CAPTION, which says what to look at")
    needs = said_of["NEEDS"]
    return Figure(
        purpose=str(first.value.value).partition("\n")[0],
        title=said_of["TITLE"] or name.replace("_", " ").capitalize(),
        section=said_of["SECTION"] or OTHER_FIGURES,
        place=said_of["PLACE"] or inf,
        caption=caption,
        claim=said_of["CLAIM"] or "",
        claim_on=tuple(said_of["CLAIM_ON"] or ()),
        needs=None if needs is None else frozenset(needs),
        reads=tuple(said_of["READS"] or ()),
        is_animated=bool(said_of["ANIMATED"]),
    )


@cache
def abilities(model: str) -> frozenset[str]:
    """Return the names of a model's methods; with `encode` and `decode`, also `reconstruct`."""
    methods = _methods(file_of("models", model), _class_of(model).name)
    pair = {"reconstruct"} if {"encode", "decode"} <= methods else set()
    return methods | pair


@cache
def model_hyperparameters(model: str) -> Fields:
    """Return `{name: (type, default)}` of a model's constructor; `...` stands for no default."""
    return _arguments(file_of("models", model), _class_of(model), OF_THE_DATA)


@cache
def options_schema(reader: str) -> type[Any]:
    """Return the pydantic model of a reader's options: its class's constructor's arguments."""
    fields = _arguments(file_of("readers", reader), reader_class(reader), ("self",))
    schema: type[Any] = create_model(reader, **fields)  # type: ignore[call-overload]
    return schema


@cache
def reader_class(reader: str) -> ast.ClassDef:
    """Return the class in a reader's file whose constructor's first argument has its name.

    Raises:
        UserError: there is none; the text names the file.
    """
    file = file_of("readers", reader)
    found = _class_with(file, reader)
    if found is None:
        raise UserError(f"{plugins.shown(file)}: needs a class with __init__(self, {reader}, ...)")
    return found


@cache
def options(model: str) -> Fields:
    """Return `{name: (type, default)}` of what need not be set for a model's training."""
    found = dict(VALIDATION)
    if not is_closed_form(model):
        found |= OPTIONS
        if not said(model, "loss_ranks"):
            del found["patience"]  # a larger loss does not say that a player gets worse
        found |= dict.fromkeys(said(model, "own_rates"), (hyperparameters.LearningRate, None))
    if said(model, "annealed"):
        found |= KL_WARM_UP
    return found


def defaults(model: str) -> dict[str, Any]:
    """Return the defaults of a model's hyperparameters and options; `...` stands for none."""
    fields = model_hyperparameters(model) | options(model)
    return {name: default for name, (_, default) in fields.items()}


@cache
def settings_schema(model: str) -> type[Any]:
    """Return the pydantic model of a run's hyperparameters: the model's own and the training's."""
    fields = model_hyperparameters(model)
    if not is_closed_form(model):
        fields = fields | TRAINING
    fields = fields | options(model)
    if said(model, "in_turn"):
        fields = fields | {"optimizer": (hyperparameters.OptimizerOf000, ...)}
    schema: type[Any] = create_model(
        model,
        __config__=ConfigDict(extra="forbid", protected_namespaces=()),
        **fields,  # type: ignore[call-overload]
    )
    return schema


@cache
def description(model: str) -> str:
    """Return the first sentence of the docstring of a model's class."""
    return (ast.get_docstring(_class_of(model)) or "").partition("\n")[0]


@cache
def docstrings(model: str) -> tuple[str, ...]:
    """Return the docstrings of a model's class, then of its base classes but `Model`."""
    bodies = _bodies(file_of("models", model), _class_of(model).name)
    return tuple(filter(None, map(_docstring, bodies)))


def about(model: str) -> str:
    """Return all that the docstrings of a model's file and classes say."""
    return "\n\n".join((origin(model), *docstrings(model)))


@cache
def origin(model: str) -> str:
    """Return the first sentence of a model's file, which says where the model is from."""
    return _docstring(statements(file_of("models", model))).partition("\n")[0]


@cache
def is_closed_form(model: str) -> bool:
    """Return whether the model's class has `closed_form: ClassVar = True`."""
    return bool(said(model, "closed_form"))


@cache
def said(model: str, constant: str) -> Any:
    """Return the value of a constant of `models.Model` that a model's class has or inherits.

    Raises:
        UserError: the value cannot be read without running the file.
    """
    file = file_of("models", model)
    value = _inherited(file, _class_of(model).name, constant) or _inherited(
        CONTRACT, "Model", constant
    )
    assert value is not None
    return components.plain(file, constant, value, OF_A_MODEL[constant])


@cache
def _class_of(model: str) -> ast.ClassDef:
    """Return the class in a model's file whose constructor takes `image_shape`."""
    found = _class_with(file_of("models", model), "image_shape")
    if found is None:
        raise UserError(f"{_shown(model)}: needs a class with __init__(self, image_shape, ...)")
    return found


def _class_with(file: Path, first: str) -> ast.ClassDef | None:
    """Return the class of a file whose constructor begins with this argument; None without one."""
    for definition in statements(file):
        if isinstance(definition, ast.ClassDef):
            for function in filter(_is_constructor, definition.body):
                assert isinstance(function, ast.FunctionDef)
                if [argument.arg for argument in function.args.args[:2]] == ["self", first]:
                    return definition
    return None


def _docstring(body: list[ast.stmt]) -> str:
    """Return the docstring of a class or file, without its indentation; "" if it has none."""
    return ast.get_docstring(ast.Module(body, [])) or ""


def _terms(model: str) -> Iterator[str]:
    """Yield the names of a model's loss terms, the keys of its `terms`, which may be inherited."""
    terms = _inherited(file_of("models", model), _class_of(model).name, "terms")
    keys = terms.keys if isinstance(terms, ast.Dict) else []
    yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))


def _inherited(file: Path, class_name: str, constant: str) -> ast.expr | None:
    """Return what a class, or else a base class other than `Model`, sets a constant to."""
    bodies = _bodies(file, class_name)
    values = (components.value_in(file, body, constant) for body in bodies)
    return next((value for value in values if value is not None), None)


def _methods(file: Path, class_name: str) -> frozenset[str]:
    """Return the names of the methods of a class and of its base classes except `Model`."""
    return frozenset(
        part.name
        for body in _bodies(file, class_name)
        for part in body
        if isinstance(part, ast.FunctionDef)
    )


def _bodies(file: Path, class_name: str) -> Iterator[list[ast.stmt]]:
    """Yield the statements of a class, then those of its base classes except `Model`."""
    for line in statements(file):
        if isinstance(line, ast.ClassDef) and line.name == class_name:
            yield line.body
            for base in line.bases:
                yield from _bodies(file, ast.unparse(base))
        elif isinstance(line, ast.ImportFrom):
            for name in line.names:
                source = _imported_file(file, line)
                if class_name == (name.asname or name.name) and source not in (None, CONTRACT):
                    yield from _bodies(source, name.name)


def _imported_file(file: Path, line: ast.ImportFrom) -> Path | None:
    """Return the file that a `from … import` in a file reads; None if a library has it."""
    if not line.level:
        return plugins.source(str(line.module))
    place = file.parents[line.level - 1].joinpath(*(line.module or "").split("."))
    return next((f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None)


def _is_constructor(part: ast.stmt) -> bool:
    return isinstance(part, ast.FunctionDef) and part.name == "__init__"


def _names(definition: ast.ClassDef) -> list[str]:
    """Return the names of the arguments of a class's constructor that are set by name."""
    names = [argument.arg for argument in _constructor(definition).args.args]
    return [name for name in names if name not in OF_THE_DATA]


def _constructor(definition: ast.ClassDef) -> ast.FunctionDef:
    found = next(filter(_is_constructor, definition.body))
    assert isinstance(found, ast.FunctionDef)
    return found


def _arguments(file: Path, definition: ast.ClassDef, left_out: tuple[str, ...]) -> Fields:
    """Return `{name: (type, default)}` of a class's constructor; `...` stands for no default."""
    constructor = _constructor(definition)
    arguments = constructor.args.args
    if constructor.args.kwonlyargs or constructor.args.vararg or constructor.args.kwarg:
        raise UserError(f"{plugins.shown(file)}: __init__ may not have *, *args or **kwargs")
    values = [components.plain(file, "default", value) for value in constructor.args.defaults]
    defaults = [...] * (len(arguments) - len(values)) + values
    return {
        argument.arg: (_annotation(file, argument), default)
        for argument, default in zip(arguments, defaults, strict=True)
        if argument.arg not in left_out
    }


def _shown(model: str) -> str:
    return plugins.shown(file_of("models", model))


def _annotation(file: Path, argument: ast.arg) -> Any:
    if argument.annotation is None:
        raise UserError(
            f"{plugins.shown(file)}: {argument.arg}: needs a type, as in latent_dim: LatentDim"
        )
    expression = ast.Expression(argument.annotation)
    try:
        # An annotation of a file that is going to be imported anyway.
        return eval(compile(expression, "annotation", "eval"), {**vars(hyperparameters)})  # noqa: S307
    except NameError as error:
        raise UserError(f"{plugins.shown(file)}: {argument.arg}: {error}; {TYPES}") from None
    except Exception as error:  # whatever an expression of the user's raises
        raise UserError(f"{plugins.shown(file)}: {argument.arg}: {TYPES}") from error


REMEMBERED = (
    measured,
    history_columns,
    figure,
    abilities,
    model_hyperparameters,
    options_schema,
    reader_class,
    options,
    settings_schema,
    description,
    docstrings,
    origin,
    is_closed_form,
    said,
    _class_of,
)
