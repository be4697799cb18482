"""What a rule finds in a study, and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study
from latentgrid.text import labelled, short_setting


@dataclass(frozen=True)
class Place:
    """Where a finding is.

    Attributes:
        file: the file of the study.
        line: its line.
        table: the table as the study calls it; for a text, where in the study it stands.
        setting: model and setting as printed; empty for a text.
    """

    file: Path
    line: int
    table: str
    setting: str = ""

    @classmethod
    def of(cls, study: Study, number: Number) -> Self:
        """Return the place of a published number."""
        return cls(study.folder / "numbers.csv", number.line, number.table, named(number))

    def __str__(self) -> str:
        """The place in a line."""
        return f"{self.file}, {self.in_file}"

    @property
    def in_file(self) -> str:
        """The place in its file: "line 7: VII.1, vae, d = 2, adam, lr 0.0001"."""
        where = f"line {self.line}: {self.table}"
        return f"{where}, {self.setting}" if self.setting else where


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that a reader should ask the authors about.

    Attributes:
        rule: the name of the rule's file.
        place: where it is.
        says: what it is, in a sentence with the numbers.
        about: what it has in common with others of its rule, such as a claim; empty if nothing.
    """

    rule: str
    place: Place
    says: str
    about: str = ""


def named(number: Number) -> str:
    """Return model and setting of a number: "vae, d = 2, adam, lr 0.0001"."""
    return ", ".join(filter(None, (number.model, short_setting(number.setting))))


def unlike(number: Number, other: Number) -> str:
    """Return in what a number's model and setting differ from another's: "d = 50, adam"."""
    had = {"model": other.model, **other.printed_settings}
    return ", ".join(
        value if axis == "model" else labelled(axis, value)
        for axis, value in {"model": number.model, **number.printed_settings}.items()
        if value != had.get(axis)
    )
