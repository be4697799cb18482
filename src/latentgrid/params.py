"""Reading and checking `params.yaml`, before anything else happens."""

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from latentgrid import catalogue
from latentgrid.errors import UserError
from latentgrid.hyperparameters import Device, Integer, PositiveInteger

NAME = re.compile(r"[a-z][a-z0-9_]*")
TRAINING_KEYS = ("optimizer", "learning_rate", "epochs", "batch_size")


def _distinct(values: list[int]) -> list[int]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{twice[0]} stands there twice")
    return values


Count = Annotated[Integer, Field(ge=0)]
Counts = Annotated[list[Count], Field(min_length=1), AfterValidator(_distinct)]


class Section(BaseModel):
    """A part of `params.yaml`; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Training(Section):
    """What all runs share while they train."""

    epochs: PositiveInteger
    batch_size: PositiveInteger
    device: Device
    jobs_per_gpu: PositiveInteger


class Snapshots(Section):
    """What is kept of a run besides its weights."""

    epochs: Counts
    samples: Annotated[PositiveInteger, Field(le=10_000)]
    manifold: Annotated[Integer, Field(ge=2, le=64)]


class Evaluation(Section):
    """How trained runs are measured."""

    silhouette_images: Annotated[Integer, Field(ge=2)]


class ModelGrid(Section):
    """One entry under `models:`: the model it trains and the values of each axis."""

    model: str
    axes: dict[str, list[Any]]


class Params(Section):
    """The whole of `params.yaml`."""

    dataset: str
    mirror: str | None
    seeds: Counts
    training: Training
    snapshots: Snapshots
    evaluation: Evaluation
    models: Annotated[dict[str, ModelGrid], Field(min_length=1)]

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        return _one_of(name, catalogue.datasets())

    @field_validator("models", mode="before")
    @classmethod
    def _grids(cls, entries: object) -> object:
        if not isinstance(entries, Mapping) or not entries:
            raise ValueError("must name at least one model")
        return {name: _grid(name, entry) for name, entry in entries.items()}


class _KeyError(ValueError):
    """A wrong value further down than pydantic can see."""

    def __init__(self, key: str, found: object, problem: str) -> None:
        super().__init__(problem)
        self.key, self.found = key, found


def load(paths: Iterable[Path] = (Path("params.yaml"),), overrides: object = None) -> Params:
    """Read one or more YAML files, later ones over earlier ones, then `overrides`, and check all.

    Raises:
        UserError: a file is missing or no YAML, or a value is wrong; the text names the file, the
            key, what stood there and what is allowed.
    """
    files = [Path(path) for path in paths]
    raw: dict[str, Any] = {}
    for path in files:
        _merge(raw, read_yaml(path))
    _merge(raw, overrides or {})
    return check(raw, " + ".join(map(str, files)))


def check(raw: Mapping[str, Any], origin: str) -> Params:
    """Return `raw` as checked parameters; `origin` is the file that error messages name."""
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        lines = [_sentence(origin, problem) for problem in error.errors()]
        raise UserError("\n       ".join(lines)) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML 1.2 file holds; a key given twice is refused."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name another with --configfile") from None
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UserError(f"{path}: is not a text file ({error})") from None
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = str(error.problem or error.context).splitlines()[0]
        raise UserError(f"{path}: is not valid YAML{line}: {problem}") from None
    except Exception as error:
        raise UserError(f"{path}: is not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold keys and values, not {_shown(content)}")
    return content


def _merge(base: dict[str, Any], over: object) -> None:
    if not isinstance(over, Mapping):
        raise UserError(f"--config must give keys and values, not {_shown(over)}")
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def _grid(name: object, entry: object) -> dict[str, Any]:
    """Check one entry under `models:` and put its axes into the order of the model's signature."""
    key = f"models.{name}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _KeyError(key, name, "must be lower-case letters, digits and underscores")
    if not isinstance(entry, Mapping):
        raise _KeyError(key, entry, "must be hyperparameters with their values")
    given = dict(entry)
    model = given.pop("model", name)
    if model not in catalogue.models():
        known = ", ".join(catalogue.models())
        raise _KeyError(f"{key}.model" if "model" in entry else key, model, f"known models: {known}")
    schema = catalogue.settings_schema(model).model_fields
    for axis in given:
        if axis not in schema:
            raise _KeyError(f"{key}.{axis}", given[axis], f"unknown key; allowed: {', '.join(schema)}")
    for axis, field in schema.items():
        if field.is_required() and axis not in given and axis not in {"epochs", "batch_size"}:
            raise _KeyError(key, ", ".join(map(str, given)) or "nothing", f"lacks {axis}")
    axes = {axis: _axis(f"{key}.{axis}", schema[axis], given[axis]) for axis in schema if axis in given}
    return {"model": model, "axes": axes}


def _axis(key: str, field: Any, given: object) -> list[Any]:
    """Return the checked, distinct values of one axis; a single value is an axis of one."""
    values = given if isinstance(given, list) else [given]
    if not values:
        raise _KeyError(key, given, "must hold at least one value")
    adapter = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    checked: list[Any] = []
    for position, value in enumerate(values):
        here = f"{key}[{position}]" if isinstance(given, list) else key
        try:
            checked.append(adapter.validate_python(value))
        except ValidationError as error:
            raise _KeyError(here, value, _allowed(error.errors()[0])) from None
        if checked[-1] in checked[:-1]:
            raise _KeyError(here, value, "the value stands there twice")
    return checked


def _one_of(name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise ValueError(f"known: {', '.join(known)}")
    return name


def _sentence(origin: str, problem: Any) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, _KeyError):
        return f"{origin}: {cause.key}: found {_shown(cause.found)}, but {cause}"
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in problem["loc"]).lstrip(".")
    if problem["type"] == "missing":
        return f"{origin}: {key}: is missing"
    if problem["type"] == "extra_forbidden":
        section = Params
        for part in problem["loc"][:-1]:
            section = section.model_fields[str(part)].annotation  # type: ignore[assignment]
        return f"{origin}: {key}: unknown key; allowed here: {', '.join(section.model_fields)}"
    return f"{origin}: {key}: found {_shown(problem['input'])}, but {_allowed(problem)}"


def _allowed(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:].replace("Input should", "it should").strip()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def combinations(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values of the axes, the last axis running fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
