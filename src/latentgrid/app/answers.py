"""Answers of several models to one question, below one another: the chosen runs, then others."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from htmltools import Tag, TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, ui

from latentgrid.api.runs import Run
from latentgrid.app import shelf
from latentgrid.app.controls import place, spoken_place
from latentgrid.app.sides import title
from latentgrid.app.steady import steady
from latentgrid.app.visit import SIDES, Visit, or_why_not

AT_FIRST = 4  # entries that answer unasked

Answer = Callable[[Run], TagChild]


def answers_place(view: str) -> Tag:
    """Return the places that `serve_answers` fills."""
    return tags.div(
        place(f"{view}_which"),
        spoken_place(f"{view}_answers", "answers"),
    )


def serve_answers(
    view: str,
    kind: str,
    abilities: Sequence[str],
    preferred: Sequence[str],
    visit: Visit,
    inputs: Inputs,
    session: Session,
    answer: Answer,
    like: Callable[[], tuple[str, Any]] | None = None,
) -> None:
    """Show the answer of each chosen run that can give one, and of a run of each other ticked one.

    A chosen run needs the first ability only, so that an autoencoder can stand beside denoisers.

    Args:
        view: the name of the view, with which its places begin.
        kind: what the entries to choose from are called.
        abilities: what a run of an entry must be able to do.
        preferred: the entries to tick at first; the first ones if none of them is there.
        visit: what the visitor has chosen.
        inputs: of the page.
        session: of the visitor.
        answer: shows what a run makes of the question.
        like: returns the hyperparameter, and its value, that an entry's run should have if one has;
            by default the latent dimension of the first chosen run.
    """
    none: list[str] = []
    entries = steady(partial(visit.entries, *abilities), none)

    @session.output(id=f"{view}_which")
    @render.ui
    def _() -> TagChild:
        if not entries():
            return None
        with reactive.isolate():
            ticked = inputs[f"{view}_entries"]() if f"{view}_entries" in inputs else preferred
        ticked = [entry for entry in ticked if entry in entries()] or entries()[:AT_FIRST]
        return ui.input_checkbox_group(
            f"{view}_entries",
            f"{kind}, a run of each:",
            entries(),
            selected=ticked,
            inline=True,
        )

    @session.output(id=f"{view}_answers")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        found = TagList()
        chosen = {side: one for side in SIDES if (one := visit.chosen(side)) is not None}
        for side, one in chosen.items():
            if visit.can(one, abilities[0]):
                found.append(_row(title(side, one), partial(visit.run, side), answer))
        ticked = inputs[f"{view}_entries"]() if f"{view}_entries" in inputs else ()
        wanted = (like or visit.latent_dim)()
        answered = {
            one.entry
            for one in chosen.values()
            if like is None or one.hyperparameters.get(wanted[0]) == wanted[1]
        }
        for one in visit.one_of_each(ticked, *wanted):
            if one not in chosen.values() and one.entry not in answered:
                found.append(_row(one.label, partial(shelf.open_run, one.path), answer))
        return found or tags.p("No run here can answer this.", class_="trouble")


def _row(title: str, run: Callable[[], Run | None], answer: Answer) -> Tag:
    @or_why_not
    def content() -> TagChild:
        found = run()
        return None if found is None else answer(found)

    return tags.section(tags.h3(title), content(), class_="answer")
