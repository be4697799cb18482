"""Lists the figures with where they are from and what they need."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from latentgrid.commands.listing import indented
from latentgrid.grid import catalogue
from latentgrid.studies.sources import by_author, places
from latentgrid.studies.study import Study

INTRODUCTION = (
    "What may stand in `figures:` in params.yaml. A figure shows the entries of `models:` whose "
    "model can do all that it needs: whose class has these methods (docs/extend.md)."
)


def show_figures(console: Console, known: Sequence[Study]) -> None:
    """Print each figure.

    Args:
        console: where to.
        known: the studies that figures may be from.

    Raises:
        UserError: a study's items cannot be read.
    """
    described = places("figure", known)
    console.print(INTRODUCTION, highlight=False, markup=False)
    for name in catalogue.figures():
        figure = catalogue.figure(name)
        console.print()
        purpose = by_author(figure.purpose, known)
        console.print(Text.assemble((name, "bold"), f"  {purpose}"), highlight=False)
        if name in described:
            console.print(indented(f"from {described[name]}"))
        if figure.needs is None:
            console.print(indented("shows no models"))
        elif figure.needs:
            console.print(indented(f"of models that have {', '.join(sorted(figure.needs))}"))
