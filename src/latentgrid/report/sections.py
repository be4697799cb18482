"""The figures with their captions, claims and sentences, in the order of the page."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from latentgrid.errors import printable
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, components
from latentgrid.grid.runs import read_plan
from latentgrid.studies.sources import by_author
from latentgrid.studies.study import Study

# The headings in their order; those that a user's figure adds come after them.
HEADINGS = (
    "What is lost",
    "What is drawn",
    "Where the codes lie",
    "What is restored",
    "How they train",
    "How probability is estimated",
    "Where training fails",
)

SENTENCES = re.compile(r"(?<=[.:;]) ")
READ = re.compile(r'tables / "(\w+)\.csv"')  # where a figure's file reads a table

# What the sources claim of their figures, they claim of handwritten digits.
OF_DIGITS = ("mnist", "digits")


@dataclass(frozen=True)
class Described:
    """A figure with its texts.

    Attributes:
        caption: what to look at.
        claim: what its source claims, or that it claims something of models that are not shown;
            empty if it claims nothing.
        seen: sentences that say what is seen in it.
        missing: why there is nothing to see; empty if there is something.
        tables: the names of the tables that it draws; empty for one of data of its own.
    """

    name: str
    title: str
    caption: str
    claim: str
    seen: list[str]
    missing: str
    tables: list[str]

    @property
    def alt(self) -> str:
        """What the picture shows, for who cannot see it: the first sentence of its caption."""
        return f"{self.title}. {SENTENCES.split(self.caption)[0]}"


def describe_figures(
    layout: Layout, figures: Iterable[str], studies: Collection[Study]
) -> dict[str, list[Described]]:
    """Return the figures by the heading of their section, in their order within it.

    Their texts name these studies by author and year.
    """
    sections: dict[str, list[Described]] = {heading: [] for heading in HEADINGS}
    of = {name: catalogue.figure(name) for name in figures}
    for name in sorted(of, key=lambda name: (of[name].place, name)):
        sections.setdefault(of[name].section, []).append(
            _by_author(_describe(layout, name), studies)
        )
    return {heading: shown for heading, shown in sections.items() if shown}


def _by_author(described: Described, studies: Collection[Study]) -> Described:
    return replace(
        described,
        caption=by_author(described.caption, studies),
        claim=by_author(described.claim, studies),
        seen=[by_author(sentence, studies) for sentence in described.seen],
    )


def _describe(layout: Layout, name: str) -> Described:
    figure = catalogue.figure(name)
    drawn = read_json(layout.seen(name), "entries", "seen", "missing")
    shown = {
        run["settings"]["model"]
        for run in read_plan(layout.plan)
        if run["entry"] in drawn["entries"]
    }
    is_of_own_data = any(read.startswith("experiments/") for read in figure.reads)
    speaks = is_of_own_data or layout.dataset in OF_DIGITS
    claim = claim_beside(figure, shown) if speaks else ""
    tables = [] if is_of_own_data else ["runs", *READ.findall(_source(name))]
    said = (drawn["seen"], drawn["missing"], tables)
    return Described(name, figure.title, figure.caption, claim, *said)


def _source(figure: str) -> str:
    return components.file_of("figures", figure).read_text(encoding="utf-8")


def claim_beside(figure: catalogue.Figure, shown: Collection[str]) -> str:
    """Return what can be said of a figure's claim beside a picture of some models.

    A claim on models none of which is shown is left out, which is said; where some are not shown,
    these are named behind it.
    """
    absent = [model for model in figure.claim_on if model not in shown]
    if not figure.claim or not absent:
        return figure.claim
    names = ", ".join(absent)
    if len(absent) == len(figure.claim_on):
        return f"What a source claims here is on models that are not shown: {names}."
    return f"{figure.claim} Not shown here: {names}."


def printable_value(value: object) -> object:
    """Return a value as a page shows it: in a text, letters that cannot be seen become �."""
    if isinstance(value, str) and not hasattr(value, "__html__"):  # HTML is marked by __html__
        return printable(value)
    return value
