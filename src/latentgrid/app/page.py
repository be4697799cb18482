"""The frame of the explorer's page: what to look at, and a tab for each view."""

from pathlib import Path
from types import ModuleType

from htmltools import Tag, TagChild, tags
from shiny import App, Inputs, Outputs, Session, reactive, render, ui
from shiny.ui._navs import NavPanel

from latentgrid.app import shelf
from latentgrid.app.controls import chooser, place
from latentgrid.app.shelf import Shelved
from latentgrid.app.views import (
    drawing,
    film,
    generation,
    interpolation,
    overview,
    plane,
    restoration,
)
from latentgrid.app.visit import NONE, SIDES, Visit, trouble
from latentgrid.files.layout import Layout
from latentgrid.text import number

STATIC = Path(__file__).parent / "static"
VIEWS: tuple[ModuleType, ...] = (
    overview,
    film,
    plane,
    interpolation,
    generation,
    restoration,
    drawing,
)
AS_PLANNED = ""
SECONDS_BETWEEN_LOOKS = 5.0
EMPTY = (
    "There are no results yet: run make run, or snakemake, in another terminal. "
    "This page looks again by itself"
)


def explorer(begin: str) -> App:
    """Return the app, which begins with a data set, if there are results of it."""
    folders = {"/static": STATIC, "/results": Path("results").absolute()}
    there = {address: folder for address, folder in folders.items() if folder.is_dir()}
    return App(_page(begin), _serve, static_assets=there)


def _page(begin: str) -> Tag:
    sets = shelf.data_sets()
    return ui.page_fluid(
        tags.head(
            tags.link(rel="icon", href="data:,"),
            tags.link(rel="stylesheet", href="static/explorer.css"),
            tags.script(type="module", src="static/explorer.js"),
        ),
        tags.header(
            tags.h1("latentgrid explorer"),
            chooser("dataset", "Data set", sets, begin if begin in sets else None),
            place("links"),
            ui.input_dark_mode(aria_label="light or dark"),
        ),
        tags.main(
            tags.section(
                chooser("run_a", "Run", {}),
                chooser("run_b", "Beside it", {NONE: "nothing"}),
                chooser("order", "Sorted by", {AS_PLANNED: "order of the grid"}),
                ui.input_checkbox("highest", "highest first"),
                class_="controls choice",
                aria_label="Runs",
            ),
            place("state"),
            ui.navset_underline(*map(_tab, VIEWS), id="view"),
        ),
        title="latentgrid explorer",
        lang="en",
    )


def _tab(view: ModuleType) -> NavPanel:
    about = tags.p(view.ABOUT, class_="about")
    return ui.nav_panel(view.TITLE, tags.h2(view.TITLE), about, view.content())


def _serve(inputs: Inputs, output: Outputs, session: Session) -> None:
    visit = Visit(inputs)
    _offer_data_sets(inputs)
    _offer_runs(visit, inputs)

    @session.output(id="state")
    @render.ui
    def _() -> TagChild:
        return None if visit.shelved() else trouble(EMPTY)

    @session.output(id="links")
    @render.ui
    def _() -> TagChild:
        report = Layout(visit.dataset()).report
        return tags.a("Report", href=str(report)) if visit.dataset() and report.is_file() else None

    for view in VIEWS:
        view.serve(visit, inputs, session)


def _offer_data_sets(inputs: Inputs) -> None:
    known = reactive.poll(shelf.data_sets, SECONDS_BETWEEN_LOOKS)(shelf.data_sets)

    @reactive.effect
    def _() -> None:
        with reactive.isolate():
            chosen = inputs.dataset()
        ui.update_select("dataset", choices=known(), selected=chosen)


def _offer_runs(visit: Visit, inputs: Inputs) -> None:
    @reactive.effect
    def _() -> None:
        measures = sorted({name for one in visit.shelved() for name in one.measures})
        named = {name: name.replace("_", " ") for name in measures}
        with reactive.isolate():
            chosen = inputs.order()
        choices = {AS_PLANNED: "order of the grid", **named}
        ui.update_select("order", choices=choices, selected=chosen if chosen in choices else None)

    @reactive.effect
    def _() -> None:
        listed = _listed(visit.shelved(), inputs.order(), inputs.highest())
        first = next((one.path for one in visit.shelved() if one.has_ended), None)
        for side in SIDES:
            with reactive.isolate():
                chosen = inputs[f"run_{side}"]()
            there = chosen if any(one.path == chosen for one in visit.shelved()) else None
            kept = there or (first if side == "a" else NONE)
            choices = {"": {NONE: "nothing"}, **listed} if side == "b" else listed
            ui.update_select(f"run_{side}", choices=choices, selected=kept)


def _listed(runs: tuple[Shelved, ...], measure: str, highest: bool) -> dict[str, dict[str, str]]:
    """Return the label of each run by its path, by entry, sorted by a measure."""

    def place(one: Shelved) -> tuple[bool, float]:
        value = one.measures.get(measure)
        return (value is None, 0 if value is None else -value if highest else value)

    by_entry: dict[str, dict[str, str]] = {}
    for one in sorted(runs, key=place):
        by_entry.setdefault(one.entry, {})[one.path] = _option(one, measure)
    return by_entry


def _option(one: Shelved, measure: str) -> str:
    state = "" if one.state == "finished" else f" ({one.state})"
    value = (
        f": {measure.replace('_', ' ')} {number(one.measures[measure])}"
        if measure in one.measures
        else ""
    )
    return f"{one.label}{state}{value}"
