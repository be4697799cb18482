"""What the pages say of quality control: the flags, and the controls of the measures."""

from dataclasses import dataclass
from typing import Any

from latentgrid.files.layout import Layout
from latentgrid.results.tables import read_table

WORDS = {"flag": str, "where": str, "found": str, "rule": str, "measure": str, "case": str}


@dataclass(frozen=True)
class Quality:
    """The tables of flags and controls, a dictionary a row.

    Attributes:
        flags: what is not as it should be.
        controls: measures of cases whose value is known.
    """

    flags: list[dict[str, Any]]
    controls: list[dict[str, Any]]

    @property
    def inside(self) -> int:
        """The number of controls whose value lies in its range."""
        return sum(control["inside"] == "yes" for control in self.controls)

    @property
    def said(self) -> str:
        """How many controls lie inside, in a sentence."""
        if self.inside == len(self.controls):
            return f"All {self.inside} controls lie inside their ranges."
        return f"{self.inside} of {len(self.controls)} controls lie inside their ranges."


def read_quality(layout: Layout) -> Quality:
    """Read the tables of flags and controls of a data set."""
    flags, controls = (read_table(path, WORDS) for path in (layout.quality, layout.controls))
    return Quality(flags.to_dict("records"), controls.to_dict("records"))
