"""What a run is: settings, measures, loss curves, and the verdicts on numbers published of it."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from functools import lru_cache
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from htmltools import HTML, Tag, TagChild, TagList, tags
from shiny import Inputs, Session, render, ui
from shiny.types import SafeException

from latentgrid.api.runs import Run
from latentgrid.app.controls import place, spoken_place
from latentgrid.app.sides import beside, serve_names
from latentgrid.app.visit import SIDES, Visit, or_why_not
from latentgrid.errors import UserError
from latentgrid.extras import named_extras
from latentgrid.files.layout import Layout
from latentgrid.results.tables import read_table, separated
from latentgrid.stamps import made
from latentgrid.text import number

TITLE = "Overview"
ABOUT = "What the run was trained with, how its loss fell, and what was measured."
CURVES = 64  # of runs that are remembered
LEFT_OUT = ("model", "data_sha256", "code")
VERDICT = {"quantity": "Number", "published": "Published", "ours": "Ours", "verdict": "Verdict"}


def content() -> TagList:
    """Return the places."""
    return TagList(beside("overview", _panel))


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    serve_names("overview", visit, session)
    for side in SIDES:
        _serve_side(side, visit, session)


def _panel(side: str) -> TagList:
    return TagList(
        spoken_place(f"overview_{side}_about"),
        place(f"overview_{side}_page"),
        tags.div(
            place(f"overview_{side}_curves"),
            place(f"overview_{side}_measures"),
            place(f"overview_{side}_settings"),
            class_="columns",
        ),
    )


def _serve_side(side: str, visit: Visit, session: Session) -> None:
    @session.output(id=f"overview_{side}_about")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        return None if run is None else _about(run, visit.dataset())

    @session.output(id=f"overview_{side}_page")
    @render.ui
    def _() -> TagChild:
        run, chosen = visit.run_or_stop(side), visit.chosen(side)
        if chosen is None or not chosen.measures or "decode" not in run.abilities:
            return None
        link = ui.download_link(f"overview_{side}_download", "Save its page")
        return tags.p(link, ": one file for any web space, in which the model runs by itself.")

    @session.output(id=f"overview_{side}_download")
    @render.download_link(filename=lambda: _page_name(visit.run_or_stop(side)))
    async def _() -> AsyncIterator[bytes]:
        try:
            yield await to_thread(_page, visit.run_or_stop(side))
        except UserError as error:
            ui.notification_show(str(error), type="error", duration=None)
            raise SafeException(str(error)) from None

    @session.output(id=f"overview_{side}_curves")
    @render.ui
    def _() -> TagChild:
        return HTML(_curves(visit.run_or_stop(side)))

    @session.output(id=f"overview_{side}_measures")
    @render.ui
    def _() -> TagChild:
        chosen = visit.chosen(side)
        if chosen is None:
            return None
        measures = {
            name.replace("_", " "): number(value) for name, value in chosen.measures.items()
        }
        table = _table("Measures", measures) if measures else tags.p("Not measured yet.")
        return TagList(_verdicts(visit.dataset(), chosen.name), table)

    @session.output(id=f"overview_{side}_settings")
    @render.ui
    def _() -> TagChild:
        settings = visit.run_or_stop(side).settings.items()
        return _table("Settings", {name: str(v) for name, v in settings if name not in LEFT_OUT})


def _about(run: Run, dataset: str) -> Tag:
    """Return what the model is, in the first sentence of its docstring, with a link to its page."""
    model = run.settings["model"]
    sentence = (getdoc(type(run.model)) or "").split("\n\n")[0].replace("\n", " ")
    page = Layout(dataset).model_page(model)
    name = tags.a(model, href=f"/{page.as_posix()}") if page.is_file() else model
    return tags.p(tags.b(name), ": ", sentence)


def _page_name(run: Run) -> str:
    from latentgrid.webpage.page import default_name

    return default_name(run.path)


def _page(run: Run) -> bytes:
    """Return the page of a run, as `latentgrid export-page` writes it."""
    from latentgrid.webpage.page import write_page

    with TemporaryDirectory() as folder, named_extras():
        file = Path(folder) / _page_name(run)
        write_page(run, file)
        return file.read_bytes()


def _table(caption: str, rows: dict[str, str]) -> Tag:
    cells = [tags.tr(tags.th(name, scope="row"), tags.td(value)) for name, value in rows.items()]
    return tags.table(tags.caption(caption), tags.tbody(*cells), class_="facts")


@lru_cache(maxsize=CURVES)
def _curves(run: Run) -> str:
    """Return the losses over the epochs as SVG; nothing for a run of one epoch."""
    from latentgrid.figures.training_curves import as_svg, draw_curves

    history = run.history.assign(run=run.path.name)
    row = pd.DataFrame(
        [{"run": run.path.name, "entry": run.settings["model"], "status": run.status}]
    )
    drawn = [as_svg(one.figure) for one in draw_curves(row, history, [], "loss per image")]
    return "".join(svg.decode().split("?>", 1)[-1] for svg in drawn)


def _verdicts(dataset: str, run: str) -> TagChild:
    """Return what was published of the run's setting, beside what its seeds came to."""
    file = Layout(dataset).tables / "verdicts.csv"
    if not file.is_file():
        return None
    try:
        table = read_table(made.require_unchanged(file))
    except UserError:
        return None
    of_run = table[table["runs"].map(lambda names: run in separated(names)).astype(bool)]
    if of_run.empty:
        return None
    rows = [
        tags.tr(*(tags.td(_cell(row[column])) for column in VERDICT))
        for _, row in of_run.iterrows()
    ]
    head = tags.tr(*(tags.th(title, scope="col") for title in VERDICT.values()))
    return tags.table(
        tags.caption("Published of this setting"), tags.thead(head), tags.tbody(*rows)
    )


def _cell(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
