"""What can be named in `params.yaml`, found by looking at the files and without importing torch.

A model is a file in `models/`, a data set a file in `data/sources/`, a figure a file in
`figures/`. A model's hyperparameters are the annotated arguments of its class's constructor.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, create_model

from latentgrid import hyperparameters

PACKAGE = Path(__file__).parent
Fields = dict[str, tuple[Any, Any]]
TRAINING: Fields = {
    "optimizer": (hyperparameters.Optimizer, ...),
    "learning_rate": (hyperparameters.LearningRate, ...),
    "epochs": (hyperparameters.PositiveInteger, ...),
    "batch_size": (hyperparameters.PositiveInteger, ...),
}


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


def measures() -> tuple[str, ...]:
    """Return the names of all measures of a run."""
    return modules("evaluation/measures")


def figures() -> tuple[str, ...]:
    """Return the names of all figures that compare runs."""
    return modules("figures/comparisons")


@cache
def model_hyperparameters(model: str) -> Fields:
    """Return `{name: (type, default)}` of a model's constructor; `...` where it has no default."""
    constructor = next(
        function
        for function in _class_of(model).body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
    )
    _self, _image_shape, *arguments = constructor.args.args
    values = [ast.literal_eval(value) for value in constructor.args.defaults]
    defaults = [...] * (len(arguments) - len(values)) + values
    return {
        argument.arg: (_annotation(argument), default)
        for argument, default in zip(arguments, defaults, strict=True)
    }


@cache
def settings_schema(model: str) -> type[Any]:
    """Return the pydantic model of one run's settings: the model's own and the training's."""
    fields = model_hyperparameters(model)
    if not is_closed_form(model):
        fields = fields | TRAINING
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
    return any(
        ast.unparse(line).replace(": ClassVar", "") == "closed_form = True"
        for line in _class_of(model).body
    )


@cache
def classifies(model: str) -> bool:
    """Return whether the model's class has `classify`, or builds on one that is a classifier."""
    definition = _class_of(model)
    methods = [line.name for line in definition.body if isinstance(line, ast.FunctionDef)]
    bases = [ast.unparse(base) for base in definition.bases]
    return "classify" in methods or any(base.endswith("Classifier") for base in bases)


@cache
def _class_of(model: str) -> ast.ClassDef:
    """Return the class in a model's file whose constructor takes the shape of an image."""
    tree = ast.parse((PACKAGE / "models" / f"{model}.py").read_text(encoding="utf-8"))
    return next(
        definition
        for definition in tree.body
        if isinstance(definition, ast.ClassDef)
        for function in definition.body
        if isinstance(function, ast.FunctionDef)
        and function.name == "__init__"
        and [argument.arg for argument in function.args.args[1:2]] == ["image_shape"]
    )


def _annotation(argument: ast.arg) -> Any:
    assert argument.annotation is not None, f"{argument.arg} needs a type"
    expression = ast.Expression(argument.annotation)
    namespace = {**vars(hyperparameters)}
    return eval(compile(expression, "annotation", "eval"), namespace)
