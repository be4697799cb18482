"""The schema of `study.yaml`: what a study says of itself, of its quantities and of its claims."""

import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from latentgrid.grid.hyperparameters import PositiveInteger, Precision, Real
from latentgrid.grid.schema import Seeds
from latentgrid.studies.expressions import Expression

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PRINTED = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?", re.ASCII | re.IGNORECASE)
AS_PRINTED = "a number in plain digits, as printed"


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("not a line of text")
    return text.strip()


Text = Annotated[str, Field(description="a line of text"), AfterValidator(_one_line)]


def _as_printed(text: str) -> str:
    if not PRINTED.fullmatch(text):
        raise ValueError(f"allowed: {AS_PRINTED}")
    return text


Printed = Annotated[str, Field(description=AS_PRINTED), AfterValidator(_as_printed)]
Year = Annotated[int, Field(ge=1600, le=2100, description="a year")]
NotNegative = Annotated[Real, Field(ge=0, description="a number, 0 or more")]
# Below 1, as who writes 2 and means 2 % would find every number reproduced.
Share = Annotated[
    Real, Field(ge=0, lt=1, description="a share, 0 or more and below 1, as 0.02 for 2 %")
]
Count = PositiveInteger


class Open(StrEnum):
    """Why no run can decide on a table's numbers."""

    NO_REFERENCE_RUN = "no reference run"
    UNDER_SPECIFIED = "under-specified"


class Section(BaseModel):
    """A part of `study.yaml`; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Table(Section):
    """A published table.

    Attributes:
        shows: what its numbers are, in a sentence.
        open: why no run can decide on its numbers; None if runs can.
        because: the reason in words, if `open`.
        note: what else a reader of its numbers should know; may be empty.
    """

    shows: Text
    open: Annotated[
        Open | None, Field(description="no reference run, under-specified, or null")
    ] = None
    because: Text | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _reason_of_open(self) -> Self:
        if (self.open is None) != (self.because is None):
            raise ValueError("open and because stand together or not at all")
        return self


class Excess(Section):
    """A part of each published number that says nothing about the model, such as a constant.

    Attributes:
        value: the part, in the quantity's unit, from the number's settings.
        because: where it comes from.
    """

    value: Expression
    because: Text


class Quantity(Section):
    """A quantity that was published, and how it is computed from a run.

    Attributes:
        called: its name in a sentence, such as "a loss".
        unit: of the published numbers.
        measure: the measure of a run, or the column of its history, that holds it; None if nothing
            here measures it.
        epoch: which epoch of the history counts; None for a measure of the trained model.
        scale: what the measure is multiplied by to have the unit of the published numbers.
        relative, absolute: how far the mean of our runs may lie from a published number, as a share
            of the number plus an amount in its unit; fixed before the first comparison.
        better: which of two values is better.
        least, most: the smallest and the largest possible value.
        excess: a part of each number that is known to come from something else than the model.
        mean_of: the number of cases, each 0 or 1, whose mean the quantity is.
    """

    called: Text
    unit: Text
    measure: Annotated[str | None, Field(description="the name of a measure, or null for none")]
    epoch: Annotated[
        Literal["smallest", "largest", "last"] | None,
        Field(description="smallest, largest, last, or null for a measure of the trained model"),
    ] = None
    scale: Expression = "1"
    relative: Share = 0.0
    absolute: NotNegative = 0.0
    better: Annotated[Literal["smaller", "larger"], Field(description="smaller, larger")]
    least: Real | None = None
    most: Real | None = None
    excess: Excess | None = None
    mean_of: Count | None = None

    @model_validator(mode="after")
    def _has_tolerance(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is larger than most")
        if self.measure is not None and not self.relative and not self.absolute:
            raise ValueError("needs relative or absolute, how far from the number ours may lie")
        return self

    def tolerance(self, published: float) -> float:
        """Return how far from a published number the mean of our runs may lie, in its unit."""
        return self.relative * abs(published) + self.absolute

    @property
    def tolerance_in_words(self) -> str:
        """The tolerance in words: "2 % of a loss"."""
        share = f"{100 * self.relative:g} %" if self.relative else ""
        width = f"{self.absolute:g}" if self.absolute else ""
        return f"{' and '.join(filter(None, (share, width)))} of {self.called}"


def _as_list(value: object) -> object:
    return [] if value is None else value if isinstance(value, list) else [value]


Names = Annotated[list[str], BeforeValidator(_as_list), Field(description="a name, or a list")]


OTHERS = "others"
SETTINGS = "settings with a value or a list of values each"


def _setting(value: object) -> object:
    if not isinstance(value, str | int | float | None):
        raise ValueError("allowed: a value")
    return value


def _settings(value: object) -> object:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, str | int | float | None) for one in listed):
        raise ValueError("allowed: a value, or a list of values")
    return value


def _rival(value: object) -> object:
    if value == OTHERS:
        return value
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        raise ValueError(f"allowed: {SETTINGS}, or {OTHERS}")
    return {axis: _settings(one) for axis, one in value.items()}


def _fact(value: object) -> object:
    if isinstance(value, str):
        return _one_line(value)
    if not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError("allowed: a line of text, or a number")
    return value


Setting = Annotated[Any, AfterValidator(_setting)]
Settings = Mapping[str, Annotated[Any, AfterValidator(_settings)]]
Values = Annotated[
    Settings,
    Field(min_length=1, description=SETTINGS),
]
Rival = Annotated[Mapping[str, Any] | Literal["others"], PlainValidator(_rival)]


class Comparison(Section):
    """One comparison by which a claim is answered: `side` against `rival`.

    Attributes:
        says: what is compared with what; `described` makes it from the settings if None.
        side: the settings of the runs that are said to be better.
        rival: those of the others; "others" is the best of all other settings.
        among: settings that both have.
        alike: settings in which two compared runs agree.
        by: the measure by which they are compared.
        better: which value is better.
        published_as: the published quantities that show the same, for the audit.
        as_share: whether the effect is a share of the rival's value, in per cent; of values above
            0 only.
        least: what the effect must exceed, in its unit.
        note: what else a reader should know.
    """

    says: Text | None = None
    side: Values
    rival: Rival
    among: Settings = {}
    alike: list[str] = []
    by: str
    better: Annotated[Literal["smaller", "larger"], Field(description="smaller, larger")]
    published_as: Names = []
    as_share: bool = False
    unit: Text
    least: Real = 0.0
    note: Text | None = None

    @model_validator(mode="after")
    def _has_two_sides(self) -> Self:
        rival = {} if isinstance(self.rival, str) else self.rival
        if self.side == rival:
            raise ValueError("side and rival are the same")
        for axis in self.among:
            if axis in self.side or axis in rival:
                raise ValueError(f"{axis} stands in among and in a side")
        for axis in self.alike:
            if axis in self.side and axis in rival and self.side[axis] != rival[axis]:
                raise ValueError(f"{axis} is to be alike, and differs between side and rival")
        return self

    @property
    def described(self) -> str:
        """What is compared with what, in words: `says`, or else the settings."""
        if self.says:
            return self.says
        rival = "the best other" if isinstance(self.rival, str) else _in_words(self.rival)
        among = f" ({_in_words(self.among)})" if self.among else ""
        return f"{_in_words(self.side)} against {rival}{among}"


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in settings.items())


class Claim(Section):
    """A claim of a study that comparisons of settings answer, or nothing here can.

    Attributes:
        says: the claim.
        place: where it stands.
        comparisons: what answers it.
        open: why no run can answer it; None if the comparisons can.
    """

    says: Text
    place: Text
    comparisons: list[Comparison] = []
    open: Text | None = None

    @model_validator(mode="after")
    def _is_answered_or_open(self) -> Self:
        if bool(self.comparisons) == bool(self.open):
            raise ValueError("needs comparisons, or open, why no run can answer it")
        return self


class Statement(Section):
    """One fact that the study states in several places, with what each of them says.

    Attributes:
        about: what the fact is.
        said: what is said, by place, such as {text, section 6.3: …, code: …}.
        holds: the place that says what is true or what ran, if it is known.
        effect: what follows from a disagreement.
        ours: what this project does, and why.
    """

    about: Text
    said: Annotated[Mapping[str, Annotated[Any, AfterValidator(_fact)]], Field(min_length=2)]
    holds: str | None = None
    effect: Text | None = None
    ours: Text | None = None


class Calculation(Section):
    """A number of the study that follows from others.

    Attributes:
        place: where it stands.
        says: what it is.
        printed: the number as printed.
        equals: what it must be.
    """

    place: Text
    says: Text
    printed: Printed
    equals: Expression


class Agreement(Section):
    """A number of the study that it sets beside another one, as they should agree.

    Attributes:
        place: where it stands.
        about: what both are values of.
        obtained: the number as printed.
        reference: the other one as printed.
        within: by which share of the latter the two may differ, besides their rounding.
    """

    place: Text
    about: Text
    obtained: Printed
    reference: Printed
    within: Share


class StudyFile(Section):
    """All of `study.yaml`.

    Attributes:
        cited_as: how texts name the study; made from author and year, or the title, if None.
    """

    title: Text
    cited_as: Text | None = None
    authors: list[Text]
    year: Year | None
    place: Text
    language: Text | None = None
    link: Text | None = None
    aliases: list[Text] = []
    dataset: Annotated[str | None, Field(description="a data set, or null if it has no numbers")]
    seeds: Seeds = [0, 1, 2]
    precision: Precision = "float32"
    trained: Mapping[str, Setting] = {}
    settings: list[str] = []
    names: Mapping[str, Mapping[str, Setting]] = {}
    built: Mapping[str, Values] = {}
    tables: Mapping[str, Table] = {}
    quantities: Mapping[str, Quantity] = {}
    claims: Mapping[str, Claim] = {}
    statements: list[Statement] = []
    calculations: list[Calculation] = []
    agreements: list[Agreement] = []
