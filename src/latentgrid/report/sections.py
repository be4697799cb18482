"""The figures with all that is said of them, in the order in which a reader wants them."""

from collections.abc import Iterable
from dataclasses import dataclass

from latentgrid.errors import printable
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue

# Headings that come first; those that only a figure of a user's names come after them.
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
    """A figure and what is said of it.

    Attributes:
        caption: what to look at.
        claim: what its source claimed, if anything.
        seen: what is seen in it, in sentences.
        missing: why there is nothing to see, if there is nothing.
    """

    name: str
    title: str
    caption: str
    claim: str
    seen: list[str]
    missing: str


def describe_figures(layout: Layout, figures: Iterable[str]) -> dict[str, list[Described]]:
    """Return the figures below the headings of their sections, each in its place."""
    sections: dict[str, list[Described]] = {heading: [] for heading in HEADINGS}
    of = {name: catalogue.figure(name) for name in figures}
    for name in sorted(of, key=lambda name: (of[name].place, name)):
        sections.setdefault(of[name].section, []).append(_describe(layout, name))
    return {heading: shown for heading, shown in sections.items() if shown}


def _describe(layout: Layout, name: str) -> Described:
    figure, drawn = catalogue.figure(name), read_json(layout.seen(name), "seen", "missing")
    return Described(
        name, figure.title, figure.caption, figure.claim, drawn["seen"], drawn["missing"]
    )


def seen(value: object) -> object:
    """Return what a page shows of a value: a text without letters that cannot be seen."""
    if isinstance(value, str) and not hasattr(value, "__html__"):  # which HTML says of itself
        return printable(value)
    return value
