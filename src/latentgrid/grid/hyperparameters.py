"""The types that models and training use for their hyperparameters.

A model's constructor is annotated with these, `params.yaml` is checked against them, and a wrong
value is refused with the description given here. The module imports neither torch nor any model,
so that the Snakefile can read it at no cost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from latentgrid.grid import components


@dataclass(frozen=True)
class NameOf:
    """Marks the type of a hyperparameter that names a component.

    Attributes:
        kind: the kind of the component.
        names: returns the allowed names.
    """

    kind: str
    names: Callable[[], tuple[str, ...]]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Make pydantic refuse other names."""
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def _known(self, name: str) -> str:
        if name not in self.names():
            raise ValueError("unknown")
        return name


@dataclass(frozen=True)
class Files:
    """Marks the type of an option that names a file or a folder of the user's.

    What lies there decides with the option what is read.
    """


def _printable(text: str | None) -> str | None:
    if text is not None and not text.isprintable():
        raise ValueError("nothing has such a name")
    return text


def _optimizers() -> tuple[str, ...]:
    return components.names("optimizers")


def _optimizers_of_every_model() -> tuple[str, ...]:
    return tuple(name for name in _optimizers() if not _is_in_turn(name))


def _is_in_turn(optimizer: str) -> bool:
    file = components.file_of("optimizers", optimizer)
    return bool(components.constant("optimizers", file, "IN_TURN"))


def _schedules() -> tuple[str, ...]:
    return components.names("schedules")


def _corruptions() -> tuple[str, ...]:
    return components.names("corruptions")


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Integer = Annotated[int, BeforeValidator(_no_truth_value)]
Real = Annotated[float, BeforeValidator(_no_truth_value), Field(allow_inf_nan=False)]

MAX_INTEGER = 2**31 - 1
PositiveInteger = Annotated[
    Integer,
    Field(ge=1, le=MAX_INTEGER, description=f"a whole number, 1 or more, {MAX_INTEGER} at most"),
]
LatentDim = Annotated[Integer, Field(ge=1, le=4096, description="a whole number from 1 to 4096")]
PositiveReal = Annotated[Real, Field(gt=0, description="a number above 0")]
LearningRate = Annotated[Real, Field(gt=0, le=10, description="a number above 0, 10 at most")]
Optimizer = Annotated[str, NameOf("optimizers", _optimizers_of_every_model)]
# For models whose source applied one optimizer to two networks in turn.
OptimizerOf000 = Annotated[str, NameOf("optimizers", _optimizers)]
Schedule = Annotated[str, NameOf("schedules", _schedules)]
# Of images; a share of 0 leaves all.
Share = Annotated[Real, Field(ge=0, lt=1, description="a share from 0 to below 1")]
Corruption = Annotated[str, NameOf("corruptions", _corruptions)]
Flag = Annotated[bool, Field(strict=True, description="true, false")]
Precision = Annotated[Literal["float32", "bfloat16"], Field(description="float32, bfloat16")]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="auto, cpu, cuda")]
Seed = Annotated[Integer, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]
# For the options of readers of data sets.
Text = Annotated[str, Field(min_length=1, description="a text"), AfterValidator(_printable)]
OptionalText = Annotated[
    str | None,
    Field(min_length=1, description="a text, or null for none"),
    AfterValidator(_printable),
]
FolderName = Annotated[
    str, Files(), Field(min_length=1, description="a folder"), AfterValidator(_printable)
]
OptionalPixels = Annotated[
    Integer | None,
    Field(ge=4, le=1024, description="a whole number of pixels from 4 to 1024, or null for none"),
]
Part = Annotated[Real, Field(gt=0, lt=1, description="a number between 0 and 1")]
