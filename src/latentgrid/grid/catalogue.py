"""What can be named in `params.yaml`, found by looking at the files and without importing torch.

A model is a file in `models/`, a data set a file in `data/sources/`, a figure a file in
`figures/`. A model's hyperparameters are the annotated arguments of its class's constructor, but
for what the data say: `image_shape` and `classes`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, create_model

from latentgrid.errors import UserError
from latentgrid.grid import hyperparameters

# What a model's constructor gets from the code that builds it, and from no configuration.
OF_THE_DATA = ("self", "image_shape", "classes")
PACKAGE = Path(__file__).parents[1]
Fields = dict[str, tuple[Any, Any]]
TRAINING: Fields = {
    "optimizer": (hyperparameters.Optimizer, ...),
    "learning_rate": (hyperparameters.LearningRate, ...),
    "epochs": (hyperparameters.PositiveInteger, ...),
    "batch_size": (hyperparameters.PositiveInteger, ...),
    "precision": (hyperparameters.Precision, ...),
}
OTHER_FIGURES = "Further figures"  # the heading of those that name none
# The methods of a `models.LatentVariableModel`.
DENSITIES = frozenset({"propose", "log_prior", "decode"})


@cache
def modules(folder: str) -> tuple[str, ...]:
    """Return the names of the public modules in a folder of the package, sorted."""
    files = (PACKAGE / folder).glob("[!_]*.py")
    return tuple(sorted(file.stem for file in files))


def models() -> tuple[str, ...]:
    """Return the names of all models."""
    return modules("models")


def datasets() -> tuple[str, ...]:
    """Return the names of all data sets."""
    return modules("data/sources")


def same_from_any_mirror(dataset: str) -> bool:
    """Return whether a source says so, its constant SAME_FROM_ANY_MIRROR.

    It then verifies what it fetches by checksums of its own, or fetches nothing.
    """
    return bool(_constant(f"data/sources/{dataset}.py", "SAME_FROM_ANY_MIRROR"))


def measures() -> tuple[str, ...]:
    """Return the names of all measures of a run."""
    return modules("evaluation/measures")


def figures() -> tuple[str, ...]:
    """Return the names of all figures."""
    return modules("figures/comparisons")


def experiments() -> tuple[str, ...]:
    """Return the names of all experiments on data of their own."""
    return modules("experiments")


def claims() -> tuple[str, ...]:
    """Return the names of all claims of the sources that are examined."""
    return modules("verdicts/claims")


@dataclass(frozen=True)
class Figure:
    """What a figure's file says of it, by its docstring and constants.

    Attributes:
        purpose: the first sentence of its docstring.
        title: TITLE, else the file's name.
        section: SECTION, the heading of the report that it stands below.
        place: PLACE among the figures of its section, from 1 on; one without stands last.
        caption: CAPTION, what to look at.
        claim: CLAIM, what its source claims of it; may be missing.
        needs: NEEDS, what its models must be able to do; None if it shows no models.
        reads: READS, the results that it draws beside runs and tables, by name.
        is_animated: ANIMATED, whether it has an animation too.
    """

    purpose: str
    title: str
    section: str
    place: float
    caption: str
    claim: str
    needs: frozenset[str] | None
    reads: tuple[str, ...]
    is_animated: bool


@cache
def figure(name: str) -> Figure:
    """Return what a figure says of itself.

    Raises:
        UserError: it has no docstring, no caption, or a constant that is none.
    """
    file = f"figures/comparisons/{name}.py"
    first, caption = _lines(file)[0], _constant(file, "CAPTION")
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        raise UserError(f"src/{PACKAGE.name}/{file}: needs a docstring, which says what it shows")
    if not isinstance(caption, str) or not caption.strip():
        raise UserError(f"src/{PACKAGE.name}/{file}: needs a CAPTION, which says what to look at")
    needs = _constant(file, "NEEDS")
    return Figure(
        purpose=str(first.value.value).partition("\n")[0],
        title=_constant(file, "TITLE") or name.replace("_", " ").capitalize(),
        section=_constant(file, "SECTION") or OTHER_FIGURES,
        place=_constant(file, "PLACE") or inf,
        caption=caption,
        claim=_constant(file, "CLAIM") or "",
        needs=None if needs is None else frozenset(needs),
        reads=tuple(_constant(file, "READS") or ()),
        is_animated=bool(_constant(file, "ANIMATED")),
    )


@cache
def abilities(model: str) -> frozenset[str]:
    """Return the names of a model's methods; what encodes and decodes can `reconstruct` too."""
    methods = _methods(f"models/{model}.py", _class_of(model).name)
    pair = {"reconstruct"} if {"encode", "decode"} <= methods else set()
    return methods | pair


@cache
def model_hyperparameters(model: str) -> Fields:
    """Return `{name: (type, default)}` of a model's constructor; `...` where it has no default."""
    constructor = next(
        function
        for function in _class_of(model).body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
    )
    arguments = constructor.args.args
    if constructor.args.kwonlyargs or constructor.args.vararg or constructor.args.kwarg:
        raise UserError(f"{_file(model)}: __init__ may not have *, *args or **kwargs")
    values = [_plain(model, "default", value) for value in constructor.args.defaults]
    defaults = [...] * (len(arguments) - len(values)) + values
    return {
        argument.arg: (_annotation(model, argument), default)
        for argument, default in zip(arguments, defaults, strict=True)
        if argument.arg not in OF_THE_DATA
    }


@cache
def settings_schema(model: str) -> type[Any]:
    """Return the pydantic model of one run's settings: the model's own and the training's."""
    fields = model_hyperparameters(model)
    if not is_closed_form(model):
        fields = fields | TRAINING
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
    """Return the first sentence of what the model's class says of itself."""
    return (ast.get_docstring(_class_of(model)) or "").partition("\n")[0]


@cache
def is_closed_form(model: str) -> bool:
    """Return whether the model's class says `closed_form: ClassVar = True`."""
    return bool(said(model, "closed_form"))


@cache
def said(model: str, constant: str) -> Any:
    """Return the value of a constant of `models.Model` that a model's class has or inherits.

    Raises:
        UserError: the value cannot be read without running the file.
    """
    classes = [*_bodies(f"models/{model}.py", _class_of(model).name)]
    for body in [*classes, *_bodies("models/__init__.py", "Model")]:
        for line in body:
            if isinstance(line, ast.Assign | ast.AnnAssign) and _target(line) == constant:
                return _plain(model, constant, line.value)
    raise LookupError(f"Model has no constant {constant}")


@cache
def _class_of(model: str) -> ast.ClassDef:
    """Return the class in a model's file whose constructor takes the shape of an image."""
    for definition in _lines(f"models/{model}.py"):
        if isinstance(definition, ast.ClassDef):
            for function in definition.body:
                if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                    names = [argument.arg for argument in function.args.args[:2]]
                    if names == ["self", "image_shape"]:
                        return definition
    raise UserError(f"{_file(model)}: needs a class with __init__(self, image_shape, ...)")


@cache
def _lines(file: str) -> list[ast.stmt]:
    """Return the statements of a file of the package."""
    try:
        return ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body
    except SyntaxError as error:
        place = f"src/{PACKAGE.name}/{file}, line {error.lineno}"
        raise UserError(f"{place}: is not valid Python: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"src/{PACKAGE.name}/{file}: is no text in UTF-8 ({error})") from None


def _constant(file: str, name: str) -> Any:
    """Return the value of a constant of a file, or None if there is none of that name."""
    for line in _lines(file):
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            return ast.literal_eval(line.value)
    return None


def _target(line: ast.Assign | ast.AnnAssign) -> str:
    return ast.unparse(line.targets[0] if isinstance(line, ast.Assign) else line.target)


def _methods(file: str, class_name: str) -> frozenset[str]:
    """Return the names of the methods of a class and of the classes it builds on but `Model`."""
    return frozenset(
        part.name
        for body in _bodies(file, class_name)
        for part in body
        if isinstance(part, ast.FunctionDef)
    )


def _bodies(file: str, class_name: str) -> Iterator[list[ast.stmt]]:
    """Yield the statements of a class and then of the classes it builds on but `Model`."""
    for line in _lines(file):
        if isinstance(line, ast.ClassDef) and line.name == class_name:
            yield line.body
            for base in line.bases:
                yield from _bodies(file, ast.unparse(base))
        elif isinstance(line, ast.ImportFrom) and class_name in {name.name for name in line.names}:
            module = PACKAGE.joinpath(*str(line.module).split(".")[1:]).with_suffix(".py")
            if str(line.module).startswith("latentgrid.models.") and module.exists():
                yield from _bodies(module.relative_to(PACKAGE).as_posix(), class_name)


def _file(model: str) -> str:
    return f"src/{PACKAGE.name}/models/{model}.py"


def _plain(model: str, what: str, value: ast.expr | None) -> Any:
    """Return a value that a file spells out."""
    try:
        return ast.literal_eval(value or "")
    except ValueError:
        found = ast.unparse(value) if value else "no value"
        raise UserError(f"{_file(model)}: {what} {found}: must be a plain value") from None


def _annotation(model: str, argument: ast.arg) -> Any:
    if argument.annotation is None:
        raise UserError(
            f"{_file(model)}: {argument.arg}: needs a type, as in latent_dim: LatentDim"
        )
    expression = ast.Expression(argument.annotation)
    try:
        # An annotation of a file of this package, which is going to be imported anyway.
        return eval(compile(expression, "annotation", "eval"), {**vars(hyperparameters)})  # noqa: S307
    except NameError as error:
        raise UserError(
            f"{_file(model)}: {argument.arg}: {error}; types are those of hyperparameters.py"
        ) from None
