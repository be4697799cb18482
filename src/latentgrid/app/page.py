"""The frame of the explorer's page: what to look at, and a tab for each view."""

from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs

from htmltools import Tag, TagChild, TagList, tags
from shiny import App, Inputs, Outputs, Session, reactive, render, ui
from shiny.ui._navs import NavPanel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from latentgrid import webpage
from latentgrid.app import shelf
from latentgrid.app.controls import chooser, place, spoken_place
from latentgrid.app.shelf import Shelved
from latentgrid.app.steady import watched
from latentgrid.app.views import (
    drawing,
    film,
    generation,
    interpolation,
    overview,
    plane,
    restoration,
)
from latentgrid.app.visit import NONE, SIDES, Visit, or_why_not, trouble
from latentgrid.files.layout import Layout
from latentgrid.text import number

STATIC = Path(__file__).parent / "static"
PLANE = Path(webpage.__file__).parent / "plane"
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
RUN = "run"  # of the address: /?run=results/…/seed=0
MLFLOW, WELL = 5000, b"OK"  # the port at which `make ui` serves it; what it answers
SECONDS_FOR_MLFLOW = 0.3
SECONDS_BETWEEN_LOOKS = 5.0
EMPTY = (
    "There are no results yet: run make run, or snakemake, in another terminal. "
    "This page looks again by itself"
)


def explorer(begin: str) -> Starlette:
    """Return the app, which begins with a data set, and the files of results/ beside it."""
    app = App(partial(_page, begin), _serve, static_assets={"/static": STATIC, "/plane": PLANE})
    files = StaticFiles(directory="results", check_dir=False)
    return Starlette(routes=[Mount("/results", files), Mount("/", app)])


def _page(begin: str, request: Request) -> Tag:
    sets = shelf.data_sets()
    of_run = _dataset_of(request.query_params.get(RUN, ""))
    chosen = next((name for name in (of_run, begin) if name in sets), None)
    return ui.page_fluid(
        ui.head_content(
            tags.link(rel="icon", href="data:,"),
            tags.link(rel="stylesheet", href="plane/plane.css"),
            tags.link(rel="stylesheet", href="static/explorer.css"),
            tags.script(type="module", src="static/explorer.js"),
        ),
        tags.header(
            tags.h1("latentgrid explorer"),
            chooser("dataset", "Data set", sets, chosen),
            place("links", "links"),
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
            spoken_place("state"),
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
    with reactive.isolate():
        asked = parse_qs(session.clientdata.url_search().removeprefix("?"))
    _offer_runs(visit, inputs, asked.get(RUN, [""])[0])

    @session.output(id="state")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        if not visit.shelved():
            shelf.require_plan(visit.dataset())
            return trouble(EMPTY)
        visit.require_test_set()
        return None

    @session.output(id="links")
    @render.ui
    def _() -> TagChild:
        return TagList(*(tags.a(name, href=to) for name, to in _links(visit.dataset()).items()))

    for view in VIEWS:
        view.serve(visit, inputs, session)


def _links(dataset: str) -> dict[str, str]:
    """Return the addresses of what else there is of a data set, by its name."""
    report = Layout(dataset).report
    links = {"Report": f"/{report.as_posix()}"} if dataset and report.is_file() else {}
    if _is_mlflow_there():
        links["MLflow"] = f"http://mlflow.localhost:{MLFLOW}"
    return links


def _is_mlflow_there() -> bool:
    """Whether MLflow answers, and not another program at its port."""
    connection = HTTPConnection("127.0.0.1", MLFLOW, timeout=SECONDS_FOR_MLFLOW)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().read(len(WELL)) == WELL
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _dataset_of(run: str) -> str:
    """Return the data set in the path of a run, results/<data set>/runs/…; empty if it is none."""
    parts = run.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "results" else ""


def _offer_data_sets(inputs: Inputs) -> None:
    known = watched(shelf.data_sets, shelf.data_sets(), SECONDS_BETWEEN_LOOKS)

    @reactive.effect
    def _() -> None:
        with reactive.isolate():
            chosen = inputs.dataset()
        ui.update_select("dataset", choices=known(), selected=chosen)


def _offer_runs(visit: Visit, inputs: Inputs, asked: str) -> None:
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
        ended = [one for one in visit.shelved() if one.has_ended]
        telling = [one for one in ended if visit.can(one, "encode", "decode")]  # in most views
        paths = [one.path for one in (*telling, *ended)]
        first = asked if asked in paths else next(iter(paths), None)
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
