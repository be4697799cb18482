"""The training as a film: one slider of epochs moves samples, codes and manifold together."""

from collections.abc import Callable
from functools import lru_cache
from math import isqrt

import numpy as np
from htmltools import TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, req

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.app.controls import place, play_button, ranged, set_names, spoken_place
from latentgrid.app.pictures import picture
from latentgrid.app.planes import (
    Plane,
    axes_of,
    axis_names,
    class_names,
    limits_of,
    plane_place,
    render_plane,
)
from latentgrid.app.sides import beside, serve_names
from latentgrid.app.steady import steady
from latentgrid.app.visit import SIDES, Visit, or_stop, or_why_not
from latentgrid.errors import UserError
from latentgrid.text import number

TITLE = "Training film"
ABOUT = "Move through the epochs: 0 is the network before its training."
SAMPLES, ACROSS = 32, 8
RUNS = 16  # whose film is remembered
EpochOf = Callable[[Run], int]
Names = tuple[str, str]


def content() -> TagList:
    """Return the slider of epochs, with its button, and the places."""
    slider = tags.div(
        ranged("film_at", "Epoch", 0, 0, 0), play_button("film_at"), class_="controls"
    )
    return TagList(slider, beside("film", _panel))


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    serve_names("film", visit, session)

    def find_epochs() -> list[int]:
        found: set[int] = set()
        for side in SIDES:
            try:
                run = visit.run(side)
            except UserError:
                continue
            found |= set(run.epochs if run else [])
        return sorted(found)

    none: list[int] = []
    epochs = steady(find_epochs, none)

    @reactive.effect
    def _() -> None:
        if epochs():
            names = [str(epoch) for epoch in epochs()]
            set_names(session, "film_at", names, len(names) - 1)

    def epoch_of(run: Run) -> int:
        """Return the last epoch with a snapshot that is not after the chosen one."""
        req(epochs())
        shown = epochs()[min(inputs.film_at(), len(epochs()) - 1)]
        return max((epoch for epoch in run.epochs if epoch <= shown), default=run.epochs[0])

    for side in SIDES:
        _serve_side(side, visit, session, epoch_of)


def _panel(side: str) -> TagList:
    return TagList(
        spoken_place(f"film_{side}_losses"),
        tags.div(
            tags.div(place(f"film_{side}_images")),
            plane_place(f"film_{side}_codes"),
            place(f"film_{side}_manifold"),
            class_="columns",
        ),
    )


def _serve_side(side: str, visit: Visit, session: Session, epoch_of: EpochOf) -> None:
    @session.output(id=f"film_{side}_losses")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run(side)
        if run is None:
            return None
        return _losses(run, epoch_of(run))

    @session.output(id=f"film_{side}_images")
    @render.ui
    def _() -> TagChild:
        run = visit.run_or_stop(side)
        with or_stop():
            test = visit.test_set()
        return _images(run.snapshot(epoch_of(run)), epoch_of(run), test.images)

    @session.output(id=f"film_{side}_codes")
    @render_plane
    def _() -> Plane:
        run = visit.run_or_stop(side)
        with or_stop():
            test = visit.test_set()
        points, limits, names = _points(run)
        epoch = epoch_of(run)
        req(epoch in points)
        return Plane(
            points=points[epoch],
            labels=test.labels,
            names=class_names(test),
            limits=limits,
            axes=names,
            about=f"Codes of the test images after epoch {epoch}, coloured by class",
        )

    @session.output(id=f"film_{side}_manifold")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        run = visit.run_or_stop(side)
        epoch = epoch_of(run)
        manifold = run.snapshot(epoch).get("manifold")
        if manifold is None:
            return None
        alt = f"What the decoder makes of a grid of codes over the prior, after epoch {epoch}"
        return tags.figure(
            picture(manifold, alt, isqrt(len(manifold)), "picture fine"),
            tags.figcaption("Manifold: what the decoder makes of a grid of codes"),
        )


def _losses(run: Run, epoch: int) -> TagChild:
    if not epoch:
        return tags.p("Before the training.")
    row = run.history.iloc[epoch - 1]
    train, test = number(row["train_loss"]), number(row["test_loss"])
    return tags.p(f"After epoch {epoch}. Loss per image: {train} training, {test} test.")


def _images(shown: dict[str, Array], epoch: int, test: Array) -> TagList:
    """Return the samples, and the first test images above what becomes of them, that there are."""
    found = TagList()
    if "samples" in shown:
        alt = f"Images drawn from the model after epoch {epoch}, from the same draws at each epoch"
        made = picture(shown["samples"][:SAMPLES], alt, ACROSS)
        found.append(tags.figure(made, tags.figcaption("Samples")))
    if "reconstructions" in shown:
        damaged = shown.get("corrupted")
        given = (test if damaged is None else damaged)[:ACROSS]
        what = "Test images" if damaged is None else "Damaged test images"
        alt = f"{what}, above what the model makes of them after epoch {epoch}"
        rows = np.concatenate([given, shown["reconstructions"][: len(given)]])
        caption = tags.figcaption(f"{what}, above their reconstructions")
        found.append(tags.figure(picture(rows, alt, len(given)), caption))
    return found


@lru_cache(maxsize=RUNS)
def _points(run: Run) -> tuple[dict[int, Array], tuple[float, float, float, float], Names]:
    """Return the codes in the plane by epoch, the limits of all, and the names of the axes.

    Of codes with more than two dimensions it is the plane of the last epoch's principal axes.
    """
    codes = {epoch: run.snapshot(epoch).get("codes") for epoch in run.epochs}
    there = {epoch: found for epoch, found in codes.items() if found is not None}
    if not there:
        return {}, (0, 1, 0, 1), ("", "")
    last = there[max(there)]
    names = axis_names(last.shape[1])
    chosen = (names[0], names[min(1, len(names) - 1)])
    axes = axes_of(chosen, last)
    points = {epoch: axes.project(found) for epoch, found in there.items()}
    return points, limits_of(np.concatenate([*points.values()])), chosen
