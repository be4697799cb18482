"""The schema of `params.yaml`: its keys, their types, and which values fit together."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from latentgrid.errors import without_credentials
from latentgrid.grid import catalogue, datasets
from latentgrid.grid.hyperparameters import (
    MAX_INTEGER,
    Device,
    Flag,
    Integer,
    PositiveInteger,
    Precision,
    Seed,
    Share,
)
from latentgrid.grid.messages import EntryError, allowed, shown, shown_key
from latentgrid.grid.options import require_sense
from latentgrid.grid.plugins import PLUGIN_LIST

NAME = re.compile(r"[a-z][a-z0-9_]*")
# Letters in a run's name. It is a folder's name while the run trains, which disks limit to 255.
MAX_NAME_LENGTH = 240
MAX_RUNS = 100_000
# So many epochs of ten digits each fit into one argument of a job, which Linux limits to 128 KiB.
MAX_EPOCHS = 10_000


def _distinct(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("a value stands there twice")
    return values


Count = Annotated[Integer, Field(ge=0)]
Counts = Annotated[
    list[Count],
    Field(
        min_length=1,
        max_length=MAX_EPOCHS,
        description="a list of whole numbers, each 0 or more and there once, "
        f"{MAX_EPOCHS:,} at most",
    ),
    AfterValidator(_distinct),
]
Seeds = Annotated[
    list[Seed],
    Field(
        min_length=1, description="a list of whole numbers from 0 to 4294967295, each there once"
    ),
    AfterValidator(_distinct),
]
TwoOrMore = Annotated[
    Integer,
    Field(ge=2, le=MAX_INTEGER, description=f"a whole number, 2 or more, {MAX_INTEGER} at most"),
]


class Section(BaseModel):
    """A part of `params.yaml`; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Training(Section):
    """What all runs share while they train."""

    epochs: PositiveInteger = 50
    batch_size: PositiveInteger = 100
    precision: Precision = "float32"
    validation: Share = 0.0
    device: Device = "auto"
    jobs_per_gpu: PositiveInteger = 4
    fused: PositiveInteger = 1
    cuda_graphs: Flag = True


class Snapshots(Section):
    """After which epochs a run takes snapshots, and how many images are in them."""

    epochs: Counts = [0, 1, 2, 5, 10, 20, 30, 40]
    samples: Annotated[
        Integer, Field(ge=1, le=10_000, description="a whole number from 1 to 10000")
    ] = 64
    manifold: Annotated[Integer, Field(ge=2, le=64, description="a whole number from 2 to 64")] = 16


class Likelihood(Section):
    """The numbers of test images and of draws for each with which likelihoods are bounded."""

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


def _all_or_names(value: object) -> object:
    is_list = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    if value != "all" and not is_list:
        raise ValueError("neither all nor a list")
    return value


class Params(Section):
    """All of `params.yaml`; its values there are the defaults, except of dataset and models."""

    source: Annotated[datasets.Source, Field(alias="dataset")]
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
    studies: Annotated[
        Literal["all"] | list[str],
        PlainValidator(_all_or_names),
        Field(description="all, or a list of studies, as in [vizoso-2020]"),
    ] = "all"
    plugins: Annotated[
        list[Annotated[str, Field(min_length=1)]], Field(description=PLUGIN_LIST)
    ] = []

    @field_validator("source", mode="before")
    @classmethod
    def _known(cls, given: object) -> object:
        return datasets.read(given)

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return self.source.name

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
            raise EntryError("mirror", found, "a URL without them, or a folder")
        return mirror

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        left = MAX_RUNS
        for entry, grid in self.models.items():
            name = run_name(
                entry,
                {axis: max(map(str, values), key=len) for axis, values in grid.axes.items()},
                max(self.seeds),
            )
            if len(name) > MAX_NAME_LENGTH:
                found = f"makes folders of {len(name)} letters"
                raise EntryError(
                    f"models.{entry}", found, f"a shorter name, {MAX_NAME_LENGTH} in all"
                )
            left -= math.prod(map(len, grid.axes.values())) * len(self.seeds)
            if left < 0:
                raise EntryError(f"models.{entry}", "too many values", f"{MAX_RUNS:,} runs in all")
        return self

    @model_validator(mode="after")
    def _options_go_together(self) -> Self:
        for entry, grid in self.models.items():
            rates = ("learning_rate", *catalogue.said(grid.model, "own_rates"))
            try:
                require_sense(self._hardest(grid, rates), rates)
            except EntryError as error:
                raise error.below(f"models.{entry}") from None
        return self

    def _hardest(self, grid: ModelGrid, rates: Iterable[str]) -> dict[str, Any]:
        """Return of each option of an entry the value that goes least well with the others."""
        shared = {"epochs": self.training.epochs, "validation": self.training.validation}
        least = {key: min(grid.axes.get(key, [value])) for key, value in shared.items()}
        options = (*rates, "weight_decay", "warm_up", "kl_warm_up", "patience")
        return least | {key: max(grid.axes[key]) for key in options if key in grid.axes}

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
            raise EntryError("evaluation.judge", f"found {shown(judge)}", known)
        return self

    @model_validator(mode="after")
    def _figures_can_be_drawn(self) -> Self:
        self.figures_to_draw()
        return self

    def figures_to_draw(self) -> dict[str, list[str]]:
        """Return each figure to draw with the entries of `models` that it shows.

        With `figures: all`, figures that no entry fits are left out.
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
                asked = {figure: self._asked(figure) for figure in names}
                _require_each_once("figures", names)
                return asked
            case chosen:
                return {figure: self._chosen(figure, entries) for figure, entries in chosen.items()}

    def with_likelihood(self) -> list[str]:
        """Return the entries of `models` whose likelihood is bounded; none by default."""
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
            raise EntryError(
                "figures", f"unknown figure {shown(figure)}", ", ".join(catalogue.figures())
            )
        needed = catalogue.figure(figure).needs
        return [
            name
            for name, entry in self.models.items()
            if needed is not None and needed <= catalogue.abilities(entry.model)
        ]

    def _asked(self, figure: str) -> list[str]:
        """Return the entries that a named figure can show; refuse the figure if there is none."""
        able, needed = self._able(figure), catalogue.figure(figure).needs
        if needed and not able:
            found = f"{figure} can show none of the entries of models"
            raise EntryError(
                "figures", found, f"it beside an entry whose model has {_listed(needed)}"
            )
        return able

    def _chosen(self, figure: str, entries: object) -> list[str]:
        able = self._asked(figure)
        if entries == "all":
            return able
        allowed = f"all, or a list of {', '.join(able)}" if able else "all, as it shows no models"
        if not isinstance(entries, list) or not entries:
            raise EntryError(f"figures.{figure}", f"found {shown(entries)}", allowed)
        for position, entry in enumerate(entries):
            if entry not in able:
                needed = catalogue.figure(figure).needs
                found = f"found {shown(entry)}"
                found += f", which is no entry whose model has {_listed(needed)}" if needed else ""
                raise EntryError(f"figures.{figure}[{position}]", found, allowed)
        _require_each_once(f"figures.{figure}", entries)
        return entries


def _require_each_once(key: str, names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise EntryError(f"{key}[{position}]", f"found {shown(name)} twice", "each name once")


def keys_of(section: type[BaseModel]) -> list[str]:
    """Return the keys of a part of `params.yaml`."""
    return [field.alias or name for name, field in section.model_fields.items()]


def _listed(needed: Iterable[str]) -> str:
    return ", ".join(sorted(needed))


def _grid(name: object, entry: object) -> dict[str, Any]:
    """Check one entry under `models:` and put its axes into the constructor's order."""
    key = f"models.{shown_key(name)}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise EntryError(key, "unfit name", "a letter, then letters, digits and _, all lower-case")
    if not isinstance(entry, Mapping):
        raise EntryError(key, f"found {shown(entry)}", "hyperparameters with their values")
    model = entry.get("model", name)
    if model not in catalogue.models():
        here = f"{key}.model" if "model" in entry else key
        raise EntryError(here, f"unknown model {shown(model)}", ", ".join(catalogue.models()))
    schema = catalogue.settings_schema(model).model_fields
    for axis, given in entry.items():
        if axis not in schema and axis != "model":
            found = f"unknown key, found {shown(given)}"
            raise EntryError(f"{key}.{shown_key(axis)}", found, ", ".join(schema))
    axes = {}
    for axis, field in schema.items():
        if axis in entry:
            axes[axis] = _axis(f"{key}.{axis}", field, entry[axis])
        elif field.is_required() and axis not in Training.model_fields:
            raise EntryError(f"{key}.{axis}", "is missing", allowed(field))
    return {"model": model, "axes": axes}


def _axis(key: str, field: FieldInfo, given: object) -> list[Any]:
    """Return the checked, distinct values of one axis; a single value is an axis of one."""
    values = given if isinstance(given, list) else [given]
    if not values:
        raise EntryError(key, "found []", "at least one value")
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    adapter = TypeAdapter[Any](kind)
    checked: list[Any] = []
    for position, value in enumerate(values):
        here = f"{key}[{position}]" if isinstance(given, list) else key
        try:
            checked.append(adapter.validate_python(value))
        except ValidationError:
            raise EntryError(here, f"found {shown(value)}", allowed(field)) from None
        if checked[-1] in checked[:-1]:
            raise EntryError(here, f"found {shown(value)} twice", "each value once")
    return checked


def run_name(entry: str, axes: Mapping[str, Any], seed: int) -> str:
    """Return a run's folder below `runs/`: its entry, its value on each axis, its seed."""
    settings = ",".join(f"{axis}={value}" for axis, value in axes.items())
    return f"{entry}/{settings or 'default'}/seed={seed}"


def combinations(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values of the axes; the last axis changes fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
