"""A drawing of one's own: where encoders place it, what decoders make of it, what judges read."""

from collections import Counter

import numpy as np
from htmltools import TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, ui

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.app.answers import answers_place, serve_answers
from latentgrid.app.controls import counted, place
from latentgrid.app.pictures import data_uri, picture
from latentgrid.app.planes import (
    Plane,
    axes_of,
    axis_names,
    class_names,
    limits_of,
    plane_place,
    render_plane,
    test_codes,
)
from latentgrid.app.sides import beside, serve_names
from latentgrid.app.visit import PAD, SIDES, Visit, or_stop, or_why_not
from latentgrid.results.labels import percent
from latentgrid.results.trained import TestSet

TITLE = "Draw your own"
ABOUT = (
    "Draw with a finger or the mouse. The drawing is scaled and centred as the data set's own "
    "images are; then every model sees it."
)

NEIGHBOURS = 10


def content() -> TagList:
    """Return the pad and the places."""
    return TagList(
        tags.div(
            tags.canvas(
                id=PAD,
                width=280,
                height=280,
                class_="pad",
                role="img",
                tabindex="0",
                aria_label="Drawing pad. With the keyboard, arrows move the pen, and Space sets "
                "it down or lifts it.",
            ),
            tags.div(
                tags.button("Clear", type="button", class_="btn btn-default clear"),
                counted("drawing_from", "or take test image", 0),
                ui.input_action_button("drawing_take", "Take it"),
                class_="stack",
            ),
            place("drawing_seen", "row-of-figures"),
            class_="controls",
        ),
        tags.div(answers_place("reading"), beside("drawing", _panel), class_="columns"),
        answers_place("drawing"),
    )


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    serve_names("drawing", visit, session)

    @session.output(id="drawing_seen")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        if not visit.has_drawn():
            return None
        image = picture(visit.drawing(), "Your drawing as an image of the data set", 1, "one")
        return tags.figure(image, tags.figcaption("what the models see"))

    @reactive.effect
    @reactive.event(inputs.drawing_take)
    async def _() -> None:
        with or_stop():
            image = data_uri(visit.test_image(inputs.drawing_from()), 1)
        await session.send_custom_message("pad", {"image": image})

    def drawing() -> Array:
        with or_stop():
            return visit.drawing()

    def read(run: Run) -> TagChild:
        shares = run.classify(drawing())[0]
        names = visit.test_set().name_of
        rows = [
            tags.tr(
                tags.th(names(label), scope="row"),
                tags.td(tags.meter(value=f"{share:.3f}", aria_label=names(label))),
                tags.td(percent(share)),
            )
            for label, share in enumerate(shares)
        ]
        return tags.table(tags.caption(f"reads {names(int(shares.argmax()))}"), *rows)

    def answer(run: Run) -> TagChild:
        drawn = drawing()
        again = picture(run.reconstruct(drawn), "Its reconstruction", 1, "one")
        test = visit.test_set()
        if not test.has_classes:
            return tags.figure(again)
        near = _neighbours(run, drawn, test)
        return tags.figure(again, tags.figcaption(f"its code is among those of {near}"))

    serve_answers("reading", "Classifiers", ("classify",), (), visit, inputs, session, read)
    serve_answers(
        "drawing", "Autoencoders", ("encode", "decode"), (), visit, inputs, session, answer
    )
    for side in SIDES:
        _serve_plane(side, visit, session)


def _panel(side: str) -> TagList:
    return TagList(plane_place(f"drawing_{side}"))


def _serve_plane(side: str, visit: Visit, session: Session) -> None:
    @session.output(id=f"drawing_{side}")
    @render_plane
    def _() -> Plane:
        run = visit.run_or_stop(side)
        with or_stop():
            test, drawn, codes = visit.test_set(), visit.drawing(), test_codes(run)
        names = axis_names(codes.shape[1])
        chosen = (names[0], names[min(1, len(names) - 1)])
        axes = axes_of(chosen, codes)
        points = axes.project(codes)
        x, y = axes.project(run.encode(drawn))[0]
        return Plane(
            points=points,
            labels=test.labels,
            names=class_names(test),
            limits=limits_of(points),
            axes=chosen,
            about=f"Where {run.settings['model']} places your drawing among the test images",
            marks={"your drawing": (float(x), float(y))},
        )


def _neighbours(run: Run, drawn: Array, test: TestSet) -> str:
    """Return the classes of the test images whose codes are nearest: "3 (7 of 10), 5 (3 of 10)"."""
    distances = np.square(test_codes(run) - run.encode(drawn)).sum(axis=1)
    nearest = np.argsort(distances, kind="stable")[:NEIGHBOURS]
    counts = Counter(test.name_of(int(label)) for label in test.labels[nearest])
    return ", ".join(f"{name} ({n} of {len(nearest)})" for name, n in counts.most_common())
