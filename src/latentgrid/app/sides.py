"""The two sides of a view, and what says which run is on which."""

from collections.abc import Callable

from htmltools import Tag, TagChild, TagList, tags
from shiny import Session, render, ui

from latentgrid.app.controls import place
from latentgrid.app.shelf import Shelved
from latentgrid.app.visit import SIDES, Visit


def beside(view: str, panel: Callable[[str], TagList]) -> Tag:
    """Return the panels of both sides, with names that `serve_names` fills.

    The second is there if a second run is chosen.
    """
    first, second = (
        tags.div(place(f"{view}_{side}_name"), panel(side), class_="half") for side in SIDES
    )
    return tags.div(first, ui.panel_conditional("input.run_b", second), class_="sides")


def serve_names(view: str, visit: Visit, session: Session) -> None:
    """Say above each side which run it shows, if there are two."""
    for side in SIDES:
        _serve_name(view, side, visit, session)


def title(side: str, one: Shelved) -> str:
    """Return what a run of a side is called: "A · vae: d = 2"."""
    return f"{side.upper()} · {one.label}"


def _serve_name(view: str, side: str, visit: Visit, session: Session) -> None:
    @session.output(id=f"{view}_{side}_name")
    @render.ui
    def _() -> TagChild:
        one = visit.chosen(side)
        if one is None or visit.chosen("b") is None:
            return None
        return tags.h3(title(side, one))
