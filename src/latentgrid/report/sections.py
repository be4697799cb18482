"""The figures with their captions, claims and sentences, in the order of the page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from latentgrid.errors import printable
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.studies.sources import by_author
from latentgrid.studies.study import Study

# The headings in their order; those that a user's figure adds come after them.
HEADINGS = (
    "What is lost",
    "What is drawn",
    "Where the codes lie",
    "What is restored",
    "How they train",
    "Where training fails",
)


@dataclass(frozen=True)
class Described:
    """A figure with its texts.

    Attributes:
        caption: what to look at.
        claim: what its source claims; empty if it claims nothing.
        seen: sentences that say what is seen in it.
        missing: why there is nothing to see; empty if there is something.
    """

    name: str
    title: str
    caption: str
    claim: str
    seen: list[str]
    missing: str


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
    figure, drawn = catalogue.figure(name), read_json(layout.seen(name), "seen", "missing")
    return Described(
        name, figure.title, figure.caption, figure.claim, drawn["seen"], drawn["missing"]
    )


def printable_value(value: object) -> object:
    """Return a value as a page shows it: in a text, letters that cannot be seen become �."""
    if isinstance(value, str) and not hasattr(value, "__html__"):  # HTML is marked by __html__
        return printable(value)
    return value
