"""Reading and checking `params.yaml`, before anything else happens."""

import itertools
import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from latentgrid.errors import UserError, one_line, without_credentials
from latentgrid.grid import catalogue
from latentgrid.grid.hyperparameters import (
    MOST,
    Device,
    Flag,
    Integer,
    NameOf,
    PositiveInteger,
    Precision,
)
from latentgrid.grid.plugins import PLUGIN_LIST, choose

NAME = re.compile(r"[a-z][a-z0-9_]*")
LONGEST = 60
LONGEST_NAME = 240  # letters; the name of a folder while a run trains, and disks take 255
MOST_RUNS = 100_000
MOST_LINES = 5
# Epochs of ten digits each still fit into an argument of a job, which takes 128 KiB on Linux.
MOST_EPOCHS = 10_000
COMMAND_LINE = "--config"
# Aliases let a few lines of YAML stand for more than memory holds.
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxlist, SHOWN.maxdict = 3, 10, 10
SHOWN.maxstring = SHOWN.maxother = SHOWN.maxlong = 2 * LONGEST


def _distinct(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("a value stands there twice")
    return values


Count = Annotated[Integer, Field(ge=0)]
Counts = Annotated[
    list[Count],
    Field(
        min_length=1,
        max_length=MOST_EPOCHS,
        description="a list of whole numbers, each 0 or more and there once, "
        f"{MOST_EPOCHS:,} at most",
    ),
    AfterValidator(_distinct),
]
Seed = Annotated[Integer, Field(ge=0, lt=2**32)]
Seeds = Annotated[
    list[Seed],
    Field(
        min_length=1, description="a list of whole numbers from 0 to 4294967295, each there once"
    ),
    AfterValidator(_distinct),
]
TwoOrMore = Annotated[
    Integer, Field(ge=2, le=MOST, description=f"a whole number, 2 or more, {MOST} at most")
]


class Section(BaseModel):
    """A part of `params.yaml`; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Training(Section):
    """What all runs share while they train."""

    epochs: PositiveInteger = 50
    batch_size: PositiveInteger = 100
    precision: Precision = "float32"
    device: Device = "auto"
    jobs_per_gpu: PositiveInteger = 4
    cuda_graphs: Flag = True


class Snapshots(Section):
    """What is kept of a run besides its weights."""

    epochs: Counts = [0, 1, 2, 5, 10, 20, 30, 40]
    samples: Annotated[
        Integer, Field(ge=1, le=10_000, description="a whole number from 1 to 10000")
    ] = 64
    manifold: Annotated[Integer, Field(ge=2, le=64, description="a whole number from 2 to 64")] = 16


class Likelihood(Section):
    """Of how many test images, and by how many draws for each, likelihoods are bounded."""

    images: TwoOrMore = 500
    draws: PositiveInteger = 500


class Evaluation(Section):
    """How trained runs are measured."""

    test_images: TwoOrMore = 10_000
    judge: Annotated[
        str | None, Field(description="an entry of models: that classifies, or null for none")
    ] = None
    likelihood: Likelihood | None = Likelihood()


class ModelGrid(Section):
    """One entry under `models:`: the model it trains and the values of each axis."""

    model: str
    axes: dict[str, list[Any]]


class Params(Section):
    """The whole of `params.yaml`, whose values are the defaults of all keys but two."""

    dataset: str
    mirror: Annotated[
        str | None, Field(min_length=1, description="a URL or a folder, or null for none")
    ] = None
    seeds: Seeds = [0]
    training: Training = Training()
    snapshots: Snapshots = Snapshots()
    evaluation: Evaluation = Evaluation()
    models: dict[str, ModelGrid]
    figures: Annotated[
        Any,
        Field(description="all, a list of figures, or figures each with the entries it shows"),
    ] = "all"
    plugins: Annotated[
        list[Annotated[str, Field(min_length=1)]], Field(description=PLUGIN_LIST)
    ] = []

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in catalogue.datasets():
            raise ValueError("unknown data set")
        return name

    @field_validator("figures")
    @classmethod
    def _all_or_named(cls, figures: object) -> object:
        if figures != "all" and not isinstance(figures, list | dict):
            raise ValueError("neither all nor names")
        return figures

    @field_validator("models", mode="before")
    @classmethod
    def _grids(cls, entries: object) -> object:
        if not isinstance(entries, Mapping) or not entries:
            raise ValueError("no models")
        return {name: _grid(name, entry) for name, entry in entries.items()}

    @field_validator("mirror")
    @classmethod
    def _without_password(cls, mirror: str | None) -> str | None:
        if mirror is None:
            return None
        if not mirror.isprintable():
            raise ValueError("no place has such a name")
        if without_credentials(mirror) != mirror:
            found = "has a user name, a password or a query, which results and logs would repeat"
            raise _EntryError("mirror", found, "a URL without them, or a folder")
        return mirror

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        left = MOST_RUNS
        for entry, grid in self.models.items():
            name = run_name(
                entry,
                {axis: max(map(str, values), key=len) for axis, values in grid.axes.items()},
                max(self.seeds),
            )
            if len(name) > LONGEST_NAME:
                found = f"makes folders of {len(name)} letters"
                raise _EntryError(
                    f"models.{entry}", found, f"a shorter name, {LONGEST_NAME} in all"
                )
            left -= math.prod(map(len, grid.axes.values())) * len(self.seeds)
            if left < 0:
                raise _EntryError(
                    f"models.{entry}", "too many values", f"{MOST_RUNS:,} runs in all"
                )
        return self

    @model_validator(mode="after")
    def _judge_is_trained(self) -> Self:
        judge = self.evaluation.judge
        judges = [
            name
            for name, entry in self.models.items()
            if "classify" in catalogue.abilities(entry.model)
        ]
        if judge is not None and judge not in judges:
            known = (
                f"null, {', '.join(judges)}" if judges else "null (no entry of models: classifies)"
            )
            raise _EntryError("evaluation.judge", f"found {shown(judge)}", known)
        return self

    @model_validator(mode="after")
    def _figures_can_be_drawn(self) -> Self:
        self.figures_to_draw()
        return self

    def figures_to_draw(self) -> dict[str, list[str]]:
        """Return each figure to draw with the entries of `models` that it shows.

        Of all figures, those that could show nothing are left out.
        """
        match self.figures:
            case "all":
                able = {figure: self._able(figure) for figure in catalogue.figures()}
                return {
                    figure: entries
                    for figure, entries in able.items()
                    if entries or catalogue.figure(figure).needs is None
                }
            case list(names):
                return {figure: self._asked(figure) for figure in names}
            case chosen:
                return {figure: self._chosen(figure, entries) for figure, entries in chosen.items()}

    def with_likelihood(self) -> list[str]:
        """Return the entries of `models` whose likelihood is bounded: none unless asked for."""
        if self.evaluation.likelihood is None:
            return []
        return [
            name
            for name, entry in self.models.items()
            if catalogue.abilities(entry.model) >= catalogue.DENSITIES
        ]

    def _able(self, figure: str) -> list[str]:
        """Return the entries whose models can do what a figure needs."""
        if figure not in catalogue.figures():
            raise _EntryError(
                "figures", f"unknown figure {shown(figure)}", ", ".join(catalogue.figures())
            )
        needed = catalogue.figure(figure).needs
        return [
            name
            for name, entry in self.models.items()
            if needed is not None and needed <= catalogue.abilities(entry.model)
        ]

    def _asked(self, figure: str) -> list[str]:
        """Return the entries that a figure asked for by name can show: at least one."""
        able, needed = self._able(figure), catalogue.figure(figure).needs
        if needed and not able:
            found = f"{figure} can show no entry of models:"
            raise _EntryError("figures", found, f"with an entry that can {_listed(needed)}")
        return able

    def _chosen(self, figure: str, entries: object) -> list[str]:
        able = self._asked(figure)
        if entries == "all":
            return able
        allowed = f"all, or a list of {', '.join(able)}" if able else "all, as it shows no models"
        if not isinstance(entries, list) or not entries:
            raise _EntryError(f"figures.{figure}", f"found {shown(entries)}", allowed)
        for position, entry in enumerate(entries):
            if entry not in able:
                needed = catalogue.figure(figure).needs
                found = f"found {shown(entry)}"
                found += f", which is no entry that can {_listed(needed)}" if needed else ""
                raise _EntryError(f"figures.{figure}[{position}]", found, allowed)
        return entries


def _listed(needed: Iterable[str]) -> str:
    return ", ".join(sorted(needed))


class _EntryError(ValueError):
    """A wrong value further down than pydantic can see."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key}: {found}; allowed: {allowed}")
        self.key = key


Sources = Mapping[str, Mapping[str, Any]]


def load(paths: Iterable[Path] = (Path("params.yaml"),), given: Iterable[str] = ()) -> Params:
    """Read one or more YAML files, later ones over earlier ones, then what `--config` gave.

    Args:
        paths: of the files.
        given: texts `key=value`, of which each value is YAML too. What Snakemake makes of them is
            not looked at, as it reads another YAML: 1e-4 is text to it where it is nested.

    Raises:
        UserError: a file is missing or no YAML, or a value is wrong; the text names the file or
            `--config`, the key, what stood there and what is allowed.
    """
    sources = {str(path): read_yaml(Path(path)) for path in paths}
    for text in given:
        sources[COMMAND_LINE] = _merged(sources.get(COMMAND_LINE, {}), read_entry(text))
    return _checked(sources)


def load_plugins(paths: Iterable[Path]) -> None:
    """Choose the plugins that YAML files name, whatever else stands in them.

    Raises:
        UserError: a file is missing or no YAML, or something is wrong with a plugin.
    """
    sources = {str(path): read_yaml(Path(path)) for path in paths}
    _use_plugins(sources, _all_of(sources))


def check(raw: Mapping[str, Any], origin: str) -> Params:
    """Return `raw` as checked parameters; `origin` is the file that error messages name."""
    return _checked({origin: raw})


def _checked(sources: Sources) -> Params:
    raw = _all_of(sources)
    _use_plugins(sources, raw)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        lines = [_sentence(sources, problem) for problem in error.errors()]
        if len(lines) > MOST_LINES:
            lines[MOST_LINES - 1 :] = [f"{len(lines) - MOST_LINES + 1} more mistakes"]
        raise UserError("\n       ".join(lines)) from None


def _all_of(sources: Sources) -> dict[str, Any]:
    """Return the content of all sources, later ones over earlier ones."""
    raw: dict[str, Any] = {}
    for content in sources.values():
        raw = _merged(raw, content)
    return raw


def _use_plugins(sources: Sources, raw: Mapping[str, Any]) -> None:
    """Make what `plugins` names the plugins, if it is a list of names: all else hangs on them."""
    named = raw.get("plugins")
    names = named if isinstance(named, list) and all(isinstance(n, str) for n in named) else []
    try:
        choose(filter(None, names))
    except UserError as error:
        raise UserError(f"{_origin(sources, ['plugins'])}: {error}") from None
    catalogue.read_plugins()


def read_entry(text: str) -> dict[str, Any]:
    """Return the key and value of one `key=value` of a command line."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UserError(f"{COMMAND_LINE}: found {shown(text)}; allowed: key=value")
    return {key: _parsed(value, f"{COMMAND_LINE}: {_key(key)}")}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML 1.2 file holds; a key given twice is refused."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name another with --configfile") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a text file in UTF-8 ({error.reason})") from None
    content = _parsed(text, str(path))
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold keys and values, not {shown(content)}")
    return content


def _parsed(text: str, origin: str) -> Any:
    """Return what a text in YAML 1.2 says; `origin` is what messages name."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = one_line(without_credentials(str(error.problem or error.context)))
        raise UserError(f"{origin}: is not valid YAML{line}: {problem}") from None
    except Exception as error:
        raise UserError(f"{origin}: is not valid YAML: {one_line(error)}") from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid on it; neither is changed, as YAML's aliases share parts."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _grid(name: object, entry: object) -> dict[str, Any]:
    """Check one entry under `models:` and put its axes into the order of the model's signature."""
    key = f"models.{_key(name)}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _EntryError(key, "unfit name", "a letter, then letters, digits and _, all lower-case")
    if not isinstance(entry, Mapping):
        raise _EntryError(key, f"found {shown(entry)}", "hyperparameters with their values")
    model = entry.get("model", name)
    if model not in catalogue.models():
        here = f"{key}.model" if "model" in entry else key
        raise _EntryError(here, f"unknown model {shown(model)}", ", ".join(catalogue.models()))
    schema = catalogue.settings_schema(model).model_fields
    for axis, given in entry.items():
        if axis not in schema and axis != "model":
            found = f"unknown key, found {shown(given)}"
            raise _EntryError(f"{key}.{_key(axis)}", found, ", ".join(schema))
    axes = {}
    for axis, field in schema.items():
        if axis in entry:
            axes[axis] = _axis(f"{key}.{axis}", field, entry[axis])
        elif field.is_required() and axis not in Training.model_fields:
            raise _EntryError(f"{key}.{axis}", "is missing", allowed(field))
    return {"model": model, "axes": axes}


def _axis(key: str, field: FieldInfo, given: object) -> list[Any]:
    """Return the checked, distinct values of one axis; a single value is an axis of one."""
    values = given if isinstance(given, list) else [given]
    if not values:
        raise _EntryError(key, "found []", "at least one value")
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    adapter = TypeAdapter[Any](kind)
    checked: list[Any] = []
    for position, value in enumerate(values):
        here = f"{key}[{position}]" if isinstance(given, list) else key
        try:
            checked.append(adapter.validate_python(value))
        except ValidationError:
            raise _EntryError(here, f"found {shown(value)}", allowed(field)) from None
        if checked[-1] in checked[:-1]:
            raise _EntryError(here, f"found {shown(value)} twice", "each value once")
    return checked


def allowed(field: FieldInfo) -> str:
    """Return in words what a hyperparameter may be."""
    choices = get_args(field.annotation)
    for named in field.metadata:
        if isinstance(named, NameOf):
            choices = named.names()
    return field.description or ", ".join(map(str, choices))


def _sentence(sources: Sources, problem: Any) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, _EntryError):
        return f"{_origin(sources, cause.key.partition('[')[0].split('.'))}: {cause}"
    place = problem["loc"]
    origin = _origin(sources, place)
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{_key(p)}" for p in place).lstrip(".")
    match problem["type"]:
        case "missing":
            found = "is missing"
        case "extra_forbidden" | "invalid_key":
            found, place = f"unknown key, found {shown(problem['input'])}", place[:-1]
        case _:
            found = f"found {shown(problem['input'])}"
    return f"{origin}: {key}: {found}; allowed: {_allowed(place)}"


def _origin(sources: Sources, place: Sequence[str | int]) -> str:
    """Return which source the value at a place is from: of several, the last one that has it.

    All of them, if none has: then it is missing.
    """
    holding = [name for name, content in sources.items() if _holds(content, place)]
    return holding[-1] if holding else " + ".join(sources)


def _holds(content: Any, place: Sequence[str | int]) -> bool:
    for part in place:
        if not isinstance(content, Mapping):
            break  # the value is this one, or a part of it
        if part not in content:
            return False
        content = content[part]
    return True


def _allowed(place: Sequence[str | int]) -> str:
    """Return what may stand in `params.yaml` at `place`: a section's keys, or a value's kind."""
    section: Any = Params
    none: Sequence[Any] = ()
    if place[:1] in NAMED:
        return NAMED[place[:1]]()
    for part in place:
        field = section.model_fields[part]
        if field.description:
            return str(field.description)
        section, *none = get_args(field.annotation) or (field.annotation,)
    return f"the keys {', '.join(section.model_fields)}{', or null for none' if none else ''}"


# What may stand there depends on the plugins, of which nothing is known before.
NAMED: Mapping[Sequence[str | int], Callable[[], str]] = {
    ("dataset",): lambda: ", ".join(catalogue.datasets()),
    ("models",): lambda: f"at least one of {', '.join(catalogue.models())}, each with its axes",
}


def _key(name: object) -> str:
    """Return a key as it stands in the file, or shown if it is long or would not be printed."""
    text = without_credentials(str(name))
    return text if text.isprintable() and len(text) <= LONGEST else shown(text)


def shown(value: object) -> str:
    """Return a value as messages show it: cut short, and without passwords."""
    if value is None:
        return "nothing"
    try:
        text = without_credentials(SHOWN.repr(value))
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def run_name(entry: str, axes: Mapping[str, Any], seed: int) -> str:
    """Return a run's folder below `runs/`: its entry, its value on each axis, its seed."""
    settings = ",".join(f"{axis}={value}" for axis, value in axes.items())
    return f"{entry}/{settings or 'default'}/seed={seed}"


def combinations(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values of the axes, the last axis running fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
