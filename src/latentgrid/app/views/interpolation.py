"""From one test image to another through the codes between them, in several models at once."""

import numpy as np
from htmltools import TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, ui

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.app.answers import answers_place, serve_answers
from latentgrid.app.controls import counted, spoken_place
from latentgrid.app.pictures import picture
from latentgrid.app.visit import Visit, or_stop, or_why_not

TITLE = "Interpolate"
ABOUT = (
    "Two test images, and what each decoder makes of the codes on the straight line between "
    "theirs. The images themselves stand at both ends."
)
STEPS = 11
TO_BEGIN_WITH = ("pca", "ae", "vae")


def content() -> TagList:
    """Return the numbers of the two images, a button for another pair, and the strips."""
    return TagList(
        tags.div(
            counted("from_image", "From test image", 0),
            counted("to_image", "to test image", 1),
            ui.input_action_button("other_pair", "Another pair"),
            class_="controls",
        ),
        spoken_place("interpolation_wrong"),
        answers_place("interpolation"),
    )


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""

    @reactive.effect
    @reactive.event(inputs.other_pair)
    @or_stop()
    def _() -> None:
        n = len(visit.test_set().images)
        first, second = np.random.default_rng(inputs.other_pair()).choice(n, 2, replace=n == 1)
        ui.update_numeric("from_image", value=int(first))
        ui.update_numeric("to_image", value=int(second))

    def pair() -> Array:
        return np.concatenate(
            [visit.test_image(n) for n in (inputs.from_image(), inputs.to_image())]
        )

    @session.output(id="interpolation_wrong")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        pair()
        return None

    @or_stop()
    def strip(run: Run) -> TagChild:
        ends = pair()
        first, last = run.encode(ends)
        shares = np.linspace(0, 1, STEPS)[:, None]
        between = run.decode((1 - shares) * first + shares * last)
        shown = np.concatenate([ends[:1] / 255, between, ends[1:] / 255])
        alt = (
            f"Test image {inputs.from_image()}, {STEPS} images between both, test image "
            f"{inputs.to_image()}"
        )
        return picture(shown, alt, len(shown), "strip")

    serve_answers(
        "interpolation",
        "Autoencoders",
        ("encode", "decode"),
        TO_BEGIN_WITH,
        visit,
        inputs,
        session,
        strip,
    )
