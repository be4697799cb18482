"""What a rule finds in a study, and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study


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
        where = f"{self.file}, line {self.line}: {self.table}"
        return f"{where}, {self.setting}" if self.setting else where


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that a reader should ask the authors about.

    Attributes:
        rule: the name of the rule's file.
        place: where it is.
        says: what it is, in a sentence with the numbers.
    """

    rule: str
    place: Place
    says: str


def named(number: Number) -> str:
    """Return model and setting of a number as printed: "vae, latent_dim=2, optimizer=adam"."""
    return ", ".join(filter(None, (number.model, number.setting)))
