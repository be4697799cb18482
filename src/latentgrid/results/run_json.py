"""Reads the JSON files of a run with types, in one place. Needs neither torch nor pandas.

The attributes of a dataclass have the names of the keys in its file, with _ for a space.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from latentgrid.errors import damaged
from latentgrid.files.atomic import sha256
from latentgrid.files.run_files import RunFiles
from latentgrid.stamps import made

AS_WRITTEN = ConfigDict(strict=True, alias_generator=lambda name: name.replace("_", " "))
FINISHED = "finished"
NUMBER = (int, float)
OF_CLASS = " of class "  # between a measure and a class, in the name of a column


@dataclass(frozen=True)
class Config:
    """What a run was trained with, and what its model is.

    Attributes:
        settings: everything that the run's result depends on, as in the plan.
        image_shape: channels, height and width.
        classes: the number of classes of the data.
        parameters: the number of trainable parameters.
        description: of the model, in a sentence.
        terms: the terms of the loss, each with its unit.
        total, batch_total: the model's `loss_description` and `batch_loss_description`.
        data_sha256: of the images.
        code: the commit; "-dirty" is appended if something was not committed.
        libraries: their versions.
        device: "cpu", or the name of the GPU.
    """

    __pydantic_config__: ClassVar[ConfigDict] = AS_WRITTEN

    settings: Mapping[str, Any]
    image_shape: tuple[int, int, int]
    classes: int
    parameters: int
    description: str
    terms: Mapping[str, str]
    total: str
    batch_total: str
    data_sha256: str
    code: str
    libraries: Mapping[str, str]
    device: str


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        status: "finished" or "diverged".
        reason: why it diverged; empty if it finished.
        epochs: the number of completed epochs.
        sha256: of the run's other files, by their names.
    """

    __pydantic_config__: ClassVar[ConfigDict] = AS_WRITTEN

    status: str
    reason: str
    epochs: int
    sha256: Mapping[str, str]

    @property
    def is_finished(self) -> bool:
        """Whether it completed its last epoch."""
        return self.status == FINISHED


@dataclass(frozen=True)
class Timing:
    """When, where and how long a run trained.

    Attributes:
        host: the machine's name.
        started: when the process that ended the training began with it, in UTC; one that was
            interrupted began earlier.
        ended: in UTC.
        seconds_per_epoch: wall time of each epoch.
        continued_after_epochs: where an interrupted training went on.
        machine: the processor; None where an older run did not write it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = AS_WRITTEN

    host: str
    started: datetime
    ended: datetime
    seconds_per_epoch: list[float]
    continued_after_epochs: list[int] = field(default_factory=list)
    machine: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Failure:
    """Why the last attempt at a run ended without a result."""

    __pydantic_config__: ClassVar[ConfigDict] = AS_WRITTEN

    reason: str


Measured = int | float | str | bool | None | list[Any]


@dataclass(frozen=True)
class Metrics:
    """The measures of a run.

    Attributes:
        measured: each measure by name, a list if it has a value per class; `status` and `epochs`
            too.
    """

    measured: Mapping[str, Measured]

    @property
    def columns(self) -> dict[str, Measured]:
        """The measures that fit into one cell of a table."""
        return {name: v for name, v in self.measured.items() if not isinstance(v, list)}

    @property
    def numbers(self) -> dict[str, float]:
        """The measures that are a single number."""
        return {
            name: float(value)
            for name, value in self.measured.items()
            if isinstance(value, NUMBER) and not isinstance(value, bool)
        }

    @property
    def silhouettes(self) -> dict[str, Measured]:
        """The silhouette of each class, by names such as "silhouette of class 8"."""
        pairs = zip(
            self.of_classes("silhouette_classes"),
            self.of_classes("silhouette_by_class"),
            strict=True,
        )
        return {f"silhouette{OF_CLASS}{label}": value for label, value in pairs}

    def of_classes(self, name: str) -> list[Any]:
        """Return a measure that has a value for each class; empty if the run does not have it."""
        values = self.measured.get(name)
        return values if isinstance(values, list) else []


Content = TypeVar("Content")
CONFIG, OUTCOME = TypeAdapter(Config), TypeAdapter(Outcome)
TIMING, FAILURE = TypeAdapter(Timing), TypeAdapter(Failure)
MEASURED = TypeAdapter(dict[str, Measured])
BOUNDS = TypeAdapter(dict[str, int | float])


def read_config(files: RunFiles) -> Config:
    """Return what a run was trained with.

    Raises:
        UserError: the file is damaged, or was changed after the training.
    """
    return _read(CONFIG, as_trained(files, files.config))


def read_outcome(files: RunFiles) -> Outcome:
    """Return how a run's training ended.

    Raises:
        UserError: the file is damaged, or was changed after the training.
        FileNotFoundError: the training has not ended.
    """
    return _read(OUTCOME, made.require_unchanged(files.outcome))


def read_timing(files: RunFiles) -> Timing:
    """Return when, where and how long a run trained.

    Raises:
        UserError: the file is missing or damaged.
    """
    if not files.timing.is_file():
        raise damaged(files.timing, "it is missing")
    return _read(TIMING, files.timing)


def read_failure(files: RunFiles) -> Failure:
    """Return why the last attempt at a run ended without a result.

    Raises:
        UserError: the file is damaged.
        FileNotFoundError: the last attempt had a result, or was killed.
    """
    return _read(FAILURE, files.failure)


def read_metrics(files: RunFiles) -> Metrics:
    """Return the measures of a run.

    Raises:
        UserError: the file is damaged.
        FileNotFoundError: the run was not measured yet.
    """
    measured = _read(MEASURED, files.metrics)
    if "status" not in measured:
        raise damaged(files.metrics, "it lacks status")
    return Metrics(measured)


def read_likelihood(files: RunFiles) -> dict[str, float]:
    """Return the bounds on the likelihood of test images, and the numbers of images and draws.

    Raises:
        UserError: the file is damaged.
        FileNotFoundError: they were not computed.
    """
    return _read(BOUNDS, files.likelihood)


def as_trained(files: RunFiles, path: Path) -> Path:
    """Return the path of one of a run's `results` after comparing it with its recorded digest.

    Raises:
        UserError: it is missing, was changed, or belongs to another run.
    """
    expected = read_outcome(files).sha256.get(path.name)
    if expected is None:
        raise damaged(files.outcome, f"it has no digest of {path.name}")
    if not path.is_file():
        raise damaged(path, "it is missing")
    if sha256(path) != expected:
        raise damaged(path, "it is not what this run's training wrote")
    return path


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's settings as one flat dictionary, with the hyperparameters in it.

    Settings without a value are left out, such as the optimizer of a model that takes no steps. So
    is the choice of snapshots.
    """
    single = {name: v for name, v in settings.items() if not isinstance(v, Mapping)}
    every = single | settings.get("hyperparameters", {})
    return {name: value for name, value in every.items() if value is not None}


def _read(kind: TypeAdapter[Content], path: Path) -> Content:
    """Return the content of a JSON file as this type.

    Raises:
        UserError: the file has other content.
    """
    try:
        return kind.validate_json(path.read_bytes())
    except ValidationError as error:
        raise damaged(path, _first_fault(error)) from None
    except IsADirectoryError as error:
        raise damaged(path, error) from None


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] == "missing":
        return f"it lacks {place}"
    return f"{place}: {fault['msg']}" if place else fault["msg"]
