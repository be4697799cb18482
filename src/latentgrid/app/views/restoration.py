"""A damaged image, and what the denoisers make of it."""

from functools import partial

import numpy as np
import torch
from htmltools import TagChild, TagList, tags
from shiny import Inputs, Session, reactive, render, ui

from latentgrid.api.images import Array
from latentgrid.api.runs import Run
from latentgrid.app.answers import answers_place, serve_answers
from latentgrid.app.controls import chooser, counted, place
from latentgrid.app.pictures import picture
from latentgrid.app.steady import steady
from latentgrid.app.visit import Visit, or_stop, or_why_not
from latentgrid.data import corruptions, to_unit_interval
from latentgrid.grid import components
from latentgrid.randomness import random_generator

TITLE = "Restore"
ABOUT = (
    "Damage a test image, or your own drawing, and see what denoisers make of it. Of each kind it "
    "is one that was trained with this damage, where there is one."
)
ABLE = ("reconstruct", "corrupt")
DRAWING, TEST = "drawing", "test"


def content() -> TagList:
    """Return the image, the damage and its seed, and the answers."""
    names = {name: name.replace("_", " ") for name in components.names("corruptions")}
    sources = {TEST: "a test image", DRAWING: "the drawing of the last tab"}
    return TagList(
        tags.div(
            chooser("restoration_of", "Damage", sources),
            counted("restoration_image", "Test image", 0),
            chooser("restoration_by", "by", names),
            counted("restoration_seed", "Seed", 0),
            class_="controls",
        ),
        place("restoration_question", "row-of-figures"),
        answers_place("restoration"),
    )


def serve(visit: Visit, inputs: Inputs, session: Session) -> None:
    """Fill the places."""
    first = steady(partial(_first_trained_on, visit), "")

    @reactive.effect
    def _() -> None:
        if first():
            ui.update_select("restoration_by", selected=first())

    @reactive.calc
    def whole() -> Array:
        if inputs.restoration_of() == DRAWING:
            return visit.drawing()
        return visit.test_image(inputs.restoration_image())

    @reactive.calc
    def damaged() -> Array:
        draws = random_generator(visit.seed("restoration_seed"), "corruption")
        clean = to_unit_interval(torch.from_numpy(whole()))
        made: Array = corruptions.load(inputs.restoration_by())(clean, draws).numpy()
        return made

    @session.output(id="restoration_question")
    @render.ui
    @or_why_not
    def _() -> TagChild:
        pairs = (("whole", whole()), ("damaged", damaged()))
        return TagList(
            *(
                tags.figure(picture(image, f"The {name} image", 1, "one"), tags.figcaption(name))
                for name, image in pairs
            )
        )

    def answer(run: Run) -> TagChild:
        with or_stop():
            again = run.reconstruct(damaged())
        error = float(np.square(again - whole() / 255).sum())
        trained = run.settings.get("corruption")
        told = f"trained on {trained.replace('_', ' ')}; " if trained else "no denoiser; "
        caption = tags.figcaption(f"{told}squared error {error:.1f}")
        return tags.figure(picture(again, "The restored image", 1, "one"), caption)

    def like() -> tuple[str, str]:
        return "corruption", inputs.restoration_by()

    serve_answers("restoration", "Denoisers", ABLE, (), visit, inputs, session, answer, like)


def _first_trained_on(visit: Visit) -> str:
    """Return the damage that the first denoiser was trained on; empty if there is no denoiser."""
    entries = visit.entries(*ABLE)[:1]
    found = visit.one_of_each(entries, "corruption", None)
    return str(found[0].hyperparameters.get("corruption", "")) if found else ""
